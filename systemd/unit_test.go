// Package systemd_test checks the units that are shipped.
package systemd_test

import (
	"os/exec"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// exposure is the worst that systemd-analyze security may say, in tenths.
const exposure = "35"

func TestUnitIsSandboxed(t *testing.T) {
	netlab.Need(t, "systemd-analyze")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+exposure, "pairkeeper.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
