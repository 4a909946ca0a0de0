package sim

import (
	"flag"
	"testing"
	"time"
)

var seeds = flag.Int("seeds", 300, "how many storms")

// TestStormsLeaveOneHolder: whatever happens to the hosts themselves, the addresses
// are never held twice for longer than a frame takes, and when everything is mended
// one healthy node holds them.
func TestStormsLeaveOneHolder(t *testing.T) {
	storms(t, localFaults, 5*time.Millisecond)
}

// TestStormsWithCables: where cables are pulled too, a daemon that does not run may be
// plugged in again while its kernel still holds the addresses: for their lifetime.
func TestStormsWithCables(t *testing.T) {
	storms(t, linkFaults, 1500*time.Millisecond)
}

func storms(t *testing.T, faults []string, bound time.Duration) {
	for seed := range uint64(*seeds) {
		pair := DefaultPair()
		pair.PreemptDelay = time.Duration(seed%4) * 3 * time.Second
		pair.Preempt = seed%5 != 0
		s := Rage(seed, pair, faults)
		if s.Longest > bound {
			t.Fatalf("seed %d: two holders for %s\n%s", seed, s.Longest, s.Trace)
		}
		if !s.Calm {
			t.Fatalf("seed %d: not one healthy holder at the end\n%s", seed, s.Trace)
		}
	}
}
