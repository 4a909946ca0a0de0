package probesnet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// running starts a copy of sleep under another name.
func running(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func TestProcessesAreCounted(t *testing.T) {
	const name = "pk-probe-a-long-name"
	running(t, name, "1001")
	running(t, name, "1002")
	for _, c := range []struct {
		check  probes.Process
		ok     bool
		detail string
	}{
		{probes.Process{Name: name, Min: 1}, true, "2 running"},
		{probes.Process{Name: name[:15], Min: 2, Max: 2}, true, "2 running"},
		{probes.Process{Name: name, Min: 3}, false, "2 running, want 3 or more"},
		{probes.Process{Name: name, Max: 1}, false, "2 running, want 0 to 1"},
		{probes.Process{Name: name, Min: 1, Max: 1}, false, "2 running, want 1"},
		{probes.Process{Name: name, Min: 1, Max: 1, Args: `name 1002$`}, true, "1 running"},
		{probes.Process{Name: name, Min: 1, Args: `1003`}, false, "0 running, want 1 or more"},
		{probes.Process{Name: name + "r", Min: 1}, false, "0 running, want 1 or more"},
		{probes.Process{Name: "probe-a-long-name", Min: 1}, false, "0 running, want 1 or more"},
	} {
		r := lookOnce(t, c.check, long)
		if want := c.check.Name + ": " + c.detail; r.OK != c.ok || r.Detail != want {
			t.Errorf("%+v: %+v, want %q", c.check, r, want)
		}
	}
}

func TestAnEndedProcessIsNotCounted(t *testing.T) {
	const name = "pk-probe-zombie"
	cmd := running(t, name, "1000")
	check := probes.Process{Name: name, Min: 1}
	if r := lookOnce(t, check, long); !r.OK {
		t.Fatalf("%+v", r)
	}
	if err := cmd.Process.Kill(); err != nil { // nobody waits for it: a zombie
		t.Fatal(err)
	}
	for end := time.Now().Add(long); lookOnce(t, check, long).OK; {
		if time.Now().After(end) {
			t.Fatal("a zombie counts")
		}
	}
}

func TestHiddenProcessesAreExplained(t *testing.T) {
	for options, want := range map[string]string{
		"rw - proc proc rw":                    "",
		"rw - proc proc rw,hidepid=off":        "",
		"rw - proc proc rw,hidepid=2":          "hidepid=2",
		"rw,hidepid=invisible - proc proc rw":  "hidepid=invisible",
		"rw - proc proc rw,hidepid=ptraceable": "hidepid=ptraceable",
	} {
		proc := t.TempDir()
		if err := os.Mkdir(proc+"/self", 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("22 1 0:21 / /elsewhere rw - proc proc rw,hidepid=1\n23 1 0:22 / %s %s\n", proc, options)
		if err := os.WriteFile(proc+"/self/mountinfo", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p := processProbe{cfg: probes.Process{Name: "nginx", Min: 1}, table: &processTable{proc: proc}}
		r := p.look(t.Context())
		if want != "" {
			want = " (/proc hides the processes of other users: " + want + ", or ProtectProc= of the service)"
		}
		if r.OK || r.Detail != "nginx: 0 running, want 1 or more"+want {
			t.Errorf("%s: %+v", options, r)
		}
	}
}

func TestManyProbesReadTheProcessesOnce(t *testing.T) {
	table := &processTable{proc: "/proc"}
	first, err := table.read()
	if err != nil || len(first) == 0 {
		t.Fatal(first, err)
	}
	table.at = time.Now().Add(time.Hour) // however long this takes
	again, _ := table.read()
	if &first[0] != &again[0] {
		t.Error("/proc was read again at once")
	}
	table.at = time.Now().Add(-fresh)
	if again, _ = table.read(); &first[0] == &again[0] {
		t.Error("/proc was not read again")
	}
	if _, err := (&processTable{proc: t.TempDir() + "/none"}).read(); err == nil || !strings.HasSuffix(err.Error(), "none: does not exist") {
		t.Error(err)
	}
}
