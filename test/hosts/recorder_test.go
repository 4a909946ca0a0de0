package hosts

import (
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// The service keeps its trace over a kill -9, in the folder that systemd gives it; what is
// there is replayed with real proxies, units and heartbeats in it, and explained.
func TestTheFlightRecorderTellsOfAKilledDaemonAndIsReplayed(t *testing.T) {
	p := newPair(t, nginx)
	p.kill(p.a, "pairkeeper.service", "KILL", "all")
	p.client.WaitFor(t, "lb02", soon)
	p.client.WaitFor(t, "lb01", soon)
	p.kill(p.a, "nginx.service", "KILL", "all") // it is restarted
	p.client.WaitFor(t, "lb01", soon)
	for _, h := range []*hostlab.Host{p.a, p.b} {
		if out := h.Run(t, "pairkeeper", "replay", "/var/lib/pairkeeper/trace"); !strings.Contains(out, "this version decides the same") {
			t.Errorf("%s:\n%s", h.Name(), out)
		}
	}
	out := p.b.Run(t, "pairkeeper", "explain", "--at", "-1s")
	for _, want := range []string{"BACKUP -> ACTIVE (", "ACTIVE -> BACKUP (", "what it said then"} {
		if !strings.Contains(out, want) {
			t.Errorf("explain --at has no %q:\n%s", want, out)
		}
	}
	if names := p.a.Run(t, "ls", "/var/lib/pairkeeper/trace"); len(strings.Fields(names)) != 2 {
		t.Errorf("lb01 has the segments %q, want one of each life", names)
	}
}
