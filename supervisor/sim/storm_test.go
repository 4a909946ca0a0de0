package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var seeds = flag.Int("seeds", 200, "how many storms")

// TestStormsLeaveOneHolder: whatever happens to the hosts themselves, the addresses
// are never held twice for longer than a frame takes, and when everything is mended
// one healthy node holds them.
func TestStormsLeaveOneHolder(t *testing.T) {
	storms(t, localFaults, 5*time.Millisecond)
}

// meet is for how long two hold that could not hear each other, once they can: until the next
// advert.
const meet = 200*time.Millisecond + 5*time.Millisecond

// TestStormsWithCables: where cables are pulled too, both nodes may hold the addresses, each
// where it is. A daemon that does not run and is plugged in again holds nothing by then: its
// kernel has shut the gate.
func TestStormsWithCables(t *testing.T) {
	storms(t, linkFaults, meet)
}

// TestAHolderThatHangsAndIsPluggedInAgain: the other node could not ask it who has the address,
// and took it. Its gate is shut by then; without one it answers until its lifetime ends.
func TestAHolderThatHangsAndIsPluggedInAgain(t *testing.T) {
	for gate, worst := range map[bool]func(time.Duration) bool{
		true:  func(d time.Duration) bool { return d == 0 },
		false: func(d time.Duration) bool { return d > 300*time.Millisecond && d < 1500*time.Millisecond },
	} {
		longest := time.Duration(0)
		for seed := range uint64(*seeds) {
			pair := DefaultPair()
			pair.Gate = gate
			pair.Interval = time.Duration(1+seed%10) * 100 * time.Millisecond
			longest = max(longest, hung(seed, pair))
		}
		if !worst(longest) {
			t.Errorf("gate %t: two holders for %s", gate, longest)
		}
	}
}

// hung stops the holder, unplugs it and plugs it in again, and returns for how long two held.
func hung(seed uint64, pair *Pair) time.Duration {
	w := New(seed, pair.Node("lb01"), pair.Node("lb02"))
	w.quiet = true
	dice := rand.New(rand.NewPCG(seed, 3))
	for _, h := range w.hosts {
		w.must(h, "power on")
	}
	at := 5 * time.Second
	for _, what := range []string{"daemon paused", "isolated", "cable back"} {
		at += time.Duration(dice.Int64N(int64(4 * pair.Interval)))
		w.RunUntil(at)
		w.must(w.host("lb01"), what)
	}
	w.RunUntil(at + 10*time.Second)
	return w.ledger.longest
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
	storms(t, all, meet, func(p *Pair) { p.Group, p.Track = true, -60 })
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
	storms(t, all, meet, func(p *Pair) { p.Keep, p.Group = true, true })
}

// TestStormsWithAHeartbeat: blocked adverts, a gateway that goes, and a heartbeat that is cut
// make no second holder: whoever answers for the address is alive.
func TestStormsWithAHeartbeat(t *testing.T) {
	linked := func(p *Pair) { p.Heartbeat = 200 * time.Millisecond }
	storms(t, localFaults, 5*time.Millisecond, linked)
	storms(t, blockFaults, 5*time.Millisecond, linked)
	storms(t, cutFaults, 5*time.Millisecond, linked)
	storms(t, append(append([]string{}, cutFaults...), linkFaults...), meet, linked)
}

// TestStormsOfRestarts: what a daemon leaves open for the next one makes no second holder,
// whether that one comes or not. Without a heartbeat nothing but adverts tells the other node to
// wait, which may be too late for one that begins just then: it asks who has the addresses.
func TestStormsOfRestarts(t *testing.T) {
	linked := func(p *Pair) { p.Heartbeat = 200 * time.Millisecond }
	lan := func(p *Pair) { p.LAN = true }
	with := func(faults []string) []string { return append(append([]string{}, restartFaults...), faults...) }
	storms(t, with(localFaults), 5*time.Millisecond)
	storms(t, with(blockFaults), 5*time.Millisecond, linked)
	storms(t, with(wayFaults), meet, linked, lan)
}

// TestStormsOfEverything: two links, of which one is where the adverts are, and all that can
// happen to them, to the hosts and to their clocks. While nothing can pass between the nodes,
// or packets get lost, two may hold, and no longer.
func TestStormsOfEverything(t *testing.T) {
	linked := func(p *Pair) { p.Heartbeat, p.LAN = 200*time.Millisecond, true }
	defer func(n int) { *seeds = n }(*seeds)
	*seeds = *seeds * 7 / 2 // three times: 2,100 by default
	storms(t, wayFaults, meet, linked)
	storms(t, pauseFaults, meet, linked)
	storms(t, partFaults, unheard, linked)
}

// unheard is for how long two hold once packets pass again in one direction only: until the
// holder that is not heard lets go.
const unheard = 2500*time.Millisecond + meet

// storms plays a storm for each seed, on all processors.
func storms(t *testing.T, faults []string, bound time.Duration, changes ...func(*Pair)) {
	t.Helper()
	pair := func(seed uint64) *Pair {
		pair := DefaultPair()
		pair.PreemptDelay = time.Duration(seed%4) * 3 * time.Second
		pair.Preempt = seed%5 != 0
		for _, change := range changes {
			change(pair)
		}
		return pair
	}
	var wg sync.WaitGroup
	var failed atomic.Bool
	next := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range next {
				if wrong := Rage(seed, pair(seed), faults, true).wrong(bound); wrong != "" && !failed.Swap(true) {
					t.Errorf("seed %d: %s\n%s", seed, wrong, Rage(seed, pair(seed), faults, false).Trace)
				}
			}
		})
	}
	for seed := range uint64(*seeds) {
		if failed.Load() {
			break
		}
		next <- seed
	}
	close(next)
	wg.Wait()
}

// wrong is what must not be in a storm; empty: nothing was.
func (s Storm) wrong(bound time.Duration) string {
	switch {
	case s.Longest > bound:
		return fmt.Sprintf("two holders for %s", s.Longest)
	case s.Half > moment:
		return fmt.Sprintf("half a group for %s", s.Half)
	case s.Failed > yields:
		return fmt.Sprintf("a failed node held for %s beside one that could", s.Failed)
	case s.Unserved > away:
		return fmt.Sprintf("nobody held for %s, though a node was well", s.Unserved)
	case s.Moves > 2+2*s.Faults:
		return fmt.Sprintf("%d moves after %d faults", s.Moves, s.Faults)
	case s.Unexplained != "":
		return "not explained: " + s.Unexplained
	case !s.Calm:
		return "not one healthy holder at the end"
	}
	return ""
}

// away is for how long nobody may hold while a node is well: an isolated holder keeps the
// addresses until its gateway has been lost for the hold time.
const away = 8 * time.Second
