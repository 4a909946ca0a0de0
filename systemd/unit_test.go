// Package systemd_test checks the units that are shipped.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(hostlab.Main(m)) }

// exposures are the worst that systemd-analyze security may say, in tenths: what
// docs/decisions/user.md says of them.
var exposures = map[string]struct {
	worst string
	files []string
}{
	"with root":    {"34", []string{"pairkeeper.service"}},
	"without root": {"27", []string{"pairkeeper.service", "unprivileged.conf"}},
	"witness":      {"15", []string{"pairkeeper-witness.service"}},
}

func TestUnitsAreSandboxed(t *testing.T) {
	netlab.Need(t, "systemd-analyze")
	for name, e := range exposures {
		var text []byte
		for _, file := range e.files {
			text = append(text, read(t, file)...)
		}
		unit := filepath.Join(t.TempDir(), "pairkeeper.service")
		if err := os.WriteFile(unit, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+e.worst, unit).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The template is the same unit, but for what each instance has for itself.
func TestTheTemplateReadsTheProxysFile(t *testing.T) {
	netlab.Need(t, "sed")
	out, err := exec.Command("sed", "-f", "template.sed", "pairkeeper.service").Output()
	if err != nil {
		t.Fatal(err)
	}
	single, template := strings.Split(string(read(t, "pairkeeper.service")), "\n"), strings.Split(string(out), "\n")
	var got []string
	for i, line := range template {
		if line != single[i] {
			got = append(got, line)
		}
	}
	want := []string{
		"Description=pairkeeper beside %i: one healthy proxy of the pair answers on the virtual address",
		"Conflicts=keepalived.service pairkeeper.service",
		"ExecStart=/usr/bin/pairkeeper run -c /etc/%i/pairkeeper.yaml --socket /run/pairkeeper-%i/control.sock",
		"ExecReload=/usr/bin/pairkeeper check -c /etc/%i/pairkeeper.yaml",
		"ExecReload=/usr/bin/pairkeeper reload --socket /run/pairkeeper-%i/control.sock",
		"ExecStopPost=/usr/bin/pairkeeper cleanup -c /etc/%i/pairkeeper.yaml --socket /run/pairkeeper-%i/control.sock",
		"RuntimeDirectory=pairkeeper-%i",
		"StateDirectory=pairkeeper-%i",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// probing has the unit run a command in place of the daemon.
const probing = `[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecReload=
ExecStopPost=
ExecStart=
ExecStart=/bin/sh -c `

func TestUnitMayWriteSysctlsOfTheNetwork(t *testing.T) {
	h := hostlab.New(t, "h1").Host("h1")
	h.Write(t, "/etc/systemd/system/pairkeeper.service", string(read(t, "pairkeeper.service")), 0o644)
	h.Write(t, "/usr/lib/sysusers.d/pairkeeper.conf", string(read(t, "pairkeeper.sysusers")), 0o644)
	h.Run(t, "systemd-sysusers", "pairkeeper.conf")
	for _, c := range []struct{ user, conf string }{{"root", ""}, {"pairkeeper", string(read(t, "unprivileged.conf"))}} {
		h.Write(t, "/etc/systemd/system/pairkeeper.service.d/probe.conf", c.conf+probing+`"test $(whoami) = `+c.user+` && echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra"`+"\n", 0o644)
		h.Run(t, "systemctl", "daemon-reload")
		if out, err := h.Try("systemctl", "start", "pairkeeper"); err != nil {
			t.Errorf("as %s: %v\n%s\n%s", c.user, err, out, h.Journal(t))
		}
	}
}
