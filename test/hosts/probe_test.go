package hosts

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/probes/probesnet"
)

// The probe of a unit, against a real systemd: what it says after each change.
func TestAProbeFollowsAUnit(t *testing.T) {
	h := hostlab.New(t, "h1").Host("h1")
	h.Run(t, "systemctl", "disable", "--now", "nginx", "haproxy")
	h.Write(t, "/etc/systemd/system/ends.service", "[Service]\nExecStart=/bin/false\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", h.BusAddress())
	units := []string{"nginx.service", "multi-user.target", "ends.service", "none.service"}
	var cfg []probes.Config
	for _, u := range units {
		cfg = append(cfg, probes.Config{Check: probes.Unit{Name: u}, Interval: 20 * time.Millisecond, Timeout: soon})
	}
	type told struct {
		i int
		probesnet.Result
	}
	results := make(chan told, 100_000)
	r := probesnet.Run(t.Context(), cfg, func(i int, r probesnet.Result) { results <- told{i, r} })
	defer r.Close()
	until := func(i int, ok bool, detail string) {
		t.Helper()
		var last probesnet.Result
		for end := time.After(soon); ; {
			select {
			case got := <-results:
				if got.i != i {
					continue
				}
				if last = got.Result; last.OK == ok && last.Detail == units[i]+": "+detail {
					return
				}
			case <-end:
				t.Fatalf("%s: %+v, want %v %q", units[i], last, ok, detail)
			}
		}
	}
	until(0, false, "inactive (dead)")
	until(1, true, "active (active)")
	until(2, false, "inactive (dead)")
	until(3, false, "not-found")
	h.Run(t, "systemctl", "start", "nginx")
	until(0, true, "active (running)")
	h.Run(t, "systemctl", "start", "ends")
	until(2, false, "failed (failed)")
	h.Run(t, "systemctl", "mask", "--runtime", "--now", "nginx")
	until(0, false, "masked")
}
