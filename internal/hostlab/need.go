//go:build linux

package hostlab

import (
	"os"
	"os/exec"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// programs are what a lab is made of.
var programs = []string{systemd, "dbus-daemon", "nginx", "nsenter", "setpriv", "install", "journalctl"}

// possible reports whether this machine can have a lab.
func possible() bool {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return false
		}
	}
	return os.Geteuid() == 0
}

// inLab is true in the process whose tests run inside a lab.
var inLab bool

// Need skips the test where there can be no lab, or fails it where a skip is not
// allowed.
func Need(t T) {
	t.Helper()
	netlab.Need(t, programs...)
	if !inLab {
		t.Fatal("hostlab: not inside a lab: call hostlab.Main first, as TestMain does")
	}
}
