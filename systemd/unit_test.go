// Package systemd_test checks the units that are shipped.
package systemd_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestMain(m *testing.M) { os.Exit(hostlab.Main(m)) }

// exposure is the worst that systemd-analyze security may say, in tenths.
const exposure = "35"

func TestUnitsAreSandboxed(t *testing.T) {
	netlab.Need(t, "systemd-analyze")
	for unit, worst := range map[string]string{"pairkeeper.service": exposure, "pairkeeper-witness.service": "15"} {
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+worst, unit).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
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
	unit, err := os.ReadFile("pairkeeper.service")
	if err != nil {
		t.Fatal(err)
	}
	h := hostlab.New(t, "h1").Host("h1")
	h.Write(t, "/etc/systemd/system/pairkeeper.service", string(unit), 0o644)
	h.Write(t, "/etc/systemd/system/pairkeeper.service.d/probe.conf", probing+`"echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra"`+"\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	if out, err := h.Try("systemctl", "start", "pairkeeper"); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, h.Journal(t))
	}
}
