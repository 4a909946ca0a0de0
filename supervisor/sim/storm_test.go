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

// TestStormsOfAGroup: a firewall may eat the adverts of one of its routers. A node has all
// of them or none but for a moment.
func TestStormsOfAGroup(t *testing.T) {
	storms(t, firewallFaults, 5*time.Millisecond, func(p *Pair) { p.Group = true })
}

// TestStormsOfTracks: an interface that counts, or that must be up, comes and goes.
func TestStormsOfTracks(t *testing.T) {
	storms(t, trackFaults, 5*time.Millisecond, func(p *Pair) { p.Track = -60 })
	storms(t, trackFaults, 5*time.Millisecond, func(p *Pair) { p.Fatal = true })
}

// TestStormsWithHooks: they agree, veto or hang before a node may take the addresses.
func TestStormsWithHooks(t *testing.T) {
	storms(t, hookFaults, 5*time.Millisecond, func(p *Pair) { p.Hook = true })
	storms(t, hookFaults, 5*time.Millisecond, func(p *Pair) { p.Hook, p.Group = true, true })
}

// TestStormsOfAGroupThatTracks has both, and cables that are pulled.
func TestStormsOfAGroupThatTracks(t *testing.T) {
	all := append(append([]string{"uplink lost", "uplink found"}, firewallFaults...), linkFaults...)
	storms(t, all, 1500*time.Millisecond, func(p *Pair) { p.Group, p.Track = true, -60 })
}

// moment is how long a host may have half a group: until the kernel has done the rest,
// or a new daemon has seen what the one before has left.
const moment = 10 * time.Millisecond

// yields is how long a last resort may hold beside a node that can: two advert intervals,
// as after a pause one is let pass.
const yields = 400*time.Millisecond + moment

// TestStormsOfLastResorts: with when_all_unhealthy: keep a failed node holds only while
// nobody better is there, and never both do.
func TestStormsOfLastResorts(t *testing.T) {
	storms(t, trackFaults, 5*time.Millisecond, func(p *Pair) { p.Keep, p.Fatal = true, true })
	all := append(append([]string{}, firewallFaults...), linkFaults...)
	storms(t, all, 1500*time.Millisecond, func(p *Pair) { p.Keep, p.Group = true, true })
}

// TestStormsWithAHeartbeat: blocked adverts, a gateway that goes, and a heartbeat that is cut
// make no second holder: whoever answers for the address is alive.
func TestStormsWithAHeartbeat(t *testing.T) {
	linked := func(p *Pair) { p.Heartbeat = 200 * time.Millisecond }
	storms(t, localFaults, 5*time.Millisecond, linked)
	storms(t, blockFaults, 5*time.Millisecond, linked)
	storms(t, cutFaults, 5*time.Millisecond, linked)
	storms(t, append(append([]string{}, cutFaults...), linkFaults...), 1500*time.Millisecond, linked)
}

func storms(t *testing.T, faults []string, bound time.Duration, changes ...func(*Pair)) {
	for seed := range uint64(*seeds) {
		pair := DefaultPair()
		pair.PreemptDelay = time.Duration(seed%4) * 3 * time.Second
		pair.Preempt = seed%5 != 0
		for _, change := range changes {
			change(pair)
		}
		s := Rage(seed, pair, faults)
		if s.Longest > bound {
			t.Fatalf("seed %d: two holders for %s\n%s", seed, s.Longest, s.Trace)
		}
		if s.Half > moment {
			t.Fatalf("seed %d: half a group for %s\n%s", seed, s.Half, s.Trace)
		}
		if s.Failed > yields {
			t.Fatalf("seed %d: a failed node held for %s beside one that could\n%s", seed, s.Failed, s.Trace)
		}
		if s.Unexplained != "" {
			t.Fatalf("seed %d: not explained: %s", seed, s.Unexplained)
		}
		if !s.Calm {
			t.Fatalf("seed %d: not one healthy holder at the end\n%s", seed, s.Trace)
		}
	}
}
