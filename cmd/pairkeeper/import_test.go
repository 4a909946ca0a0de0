package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stories are keepalived configurations with what becomes of them.
const stories = "../../internal/keepalived/testdata/"

// importText runs pairkeeper import in this process.
func importText(t *testing.T, args ...string) (out, report string, code int) {
	t.Helper()
	var text, errs bytes.Buffer
	root := newRoot()
	root.SetOut(&text)
	root.SetErr(&errs)
	root.SetArgs(append([]string{"import"}, args...))
	if err := root.Execute(); err != nil {
		code = exitUsage
		if f, ok := errors.AsType[failure](err); ok {
			code = f.code
		}
		errs.WriteString(err.Error())
	}
	return text.String(), errs.String(), code
}

// TestAnImportedTutorialIsChecked: what the command writes passes check, and its rehearsal
// plays.
func TestAnImportedTutorialIsChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pairkeeper.yaml")
	dual := stories + "dual/lb01.conf"
	if _, report, code := importText(t, dual, "-o", file); code != 0 || !strings.Contains(report, "pairkeeper check --node lb01 "+file) {
		t.Fatalf("exit %d: %s", code, report)
	}
	if code := run([]string{"check", "--node", "lb02", file}); code != 0 {
		t.Errorf("check ends with %d", code)
	}
	if text, _ := rehearseText(t, file); !strings.Contains(text, "haproxy@lb01") && !strings.Contains(text, "haproxy.service") {
		t.Errorf("the rehearsal is\n%s", text)
	}
	before, _ := os.ReadFile(file)
	if _, report, code := importText(t, dual, "-o", file, "--address", "lb01=10.0.0.55"); code != exitConfig || !strings.Contains(report, "--force") {
		t.Errorf("exit %d where a file is: %s", code, report)
	}
	if after, _ := os.ReadFile(file); string(after) != string(before) {
		t.Error("the file was written over")
	}
	if _, _, code := importText(t, dual, "-o", file, "--force", "--address", "lb01=10.0.0.55"); code != 0 {
		t.Errorf("exit %d with --force", code)
	}
	if after, _ := os.ReadFile(file); !strings.Contains(string(after), "10.0.0.55") {
		t.Error("--force wrote nothing")
	}
}

// TestAnImportReportsInFourParts, for people and as JSON.
func TestAnImportReportsInFourParts(t *testing.T) {
	dir := t.TempDir()
	args := []string{stories + "tutorial/lb01.conf", stories + "tutorial/lb02.conf", "--root", stories + "tutorial", "--address", "lb01=10.0.0.5,lb02=10.0.0.6"}
	out, report, code := importText(t, args...)
	if code != 0 || !strings.Contains(out, "unit: nginx.service") || !strings.Contains(out, "active: [/etc/keepalived/told.sh, master]") || strings.Contains(out, "TODO:") {
		t.Errorf("exit %d: %s", code, out)
	}
	for _, want := range []string{"taken over:\n", "changed:\n", "wrong in the original:\n", "lb01.conf:25: VI_1: when check_web fails, lb01 falls from 200 to 150"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	path := filepath.Join(dir, "report.json")
	if _, errs, code := importText(t, append(args, "--json", "--report", path)...); code != 0 || errs != "" {
		t.Errorf("exit %d: %s", code, errs)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Schema int
		Nodes  []string
		Report map[string][]reported
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Schema != 1 || len(r.Report) != 4 || len(r.Report["wrong"]) < 5 || r.Report["wrong"][0].Line == 0 || r.Report["wrong"][0].Rule == "" {
		t.Errorf("%v: %s", err, text)
	}
}

func TestAnImportOfATableAlone(t *testing.T) {
	out, _, code := importText(t, "--ipvsadm", stories+"table/table.ipvsadm")
	if code != 0 || !strings.Contains(out, "virtual_servers:") || !strings.Contains(out, "when: always") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestAnImportSaysWhatItCannotDo(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.conf")
	if err := os.WriteFile(empty, []byte("global_defs {\n}\nstatic_routes {\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "name a keepalived.conf"},
		{[]string{"/none.conf"}, exitConfig, "/none.conf: there is no such file"},
		{[]string{empty}, exitConfig, "no vrrp_instance and no virtual_server"},
		{[]string{empty, "--address", "lb01"}, exitUsage, "lb01=10.0.0.5"},
		{[]string{"--ipvsadm", "/none"}, exitConfig, "/none"},
	} {
		if _, errs, code := importText(t, c.args...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, errs)
		}
	}
	if _, errs, _ := importText(t, empty); !strings.Contains(errs, "static_routes: in its place") {
		t.Errorf("it does not say what is left out: %s", errs)
	}
}
