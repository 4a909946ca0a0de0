package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithoutNginxTheBuiltInServerServes(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if p := findProxy(Options{}); p.command[0] != webProgram {
		t.Errorf("the proxy is %q", p.command)
	}
}

func TestBuiltInServerRefusesTheMistake(t *testing.T) {
	h := &host{node: first, dir: t.TempDir()}
	p := builtIn()
	conf := filepath.Join(h.dir, p.conf)
	for good, want := range map[bool]string{true: "", false: `:1: unknown directive "answwer"`} {
		if err := p.write(h, good); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := Web(conf, true); err != nil {
			got = strings.TrimPrefix(err.Error(), conf)
		}
		if got != want {
			t.Errorf("good %t: %q, want %q", good, got, want)
		}
	}
}

func TestRefusalNamesTheSwitch(t *testing.T) {
	for _, tc := range []struct{ file, value, want string }{
		{"kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone=1"},
		{"kernel/unprivileged_userns_clone", "1\n", ""},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", "kernel.apparmor_restrict_unprivileged_userns=0"},
		{"user/max_user_namespaces", "0\n", "user.max_user_namespaces=1000"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, tc.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tc.value), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := permission(dir); tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s = %q: %q, want %q in it", tc.file, tc.value, got, tc.want)
		}
	}
}
