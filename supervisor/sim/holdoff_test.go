package sim

import (
	"math/rand/v2"
	"testing"
	"time"
)

// split cuts two nodes off from each other, each way at its own moment and for its own time,
// and lets them meet again.
func split(seed uint64, pair *Pair) *World {
	w := New(seed, pair.Node("lb01"), pair.Node("lb02"))
	dice := rand.New(rand.NewPCG(seed, 4))
	for _, h := range w.hosts {
		w.must(h, "power on")
	}
	at := 5 * time.Second
	cut := []string{"isolated", "heartbeat cut", "vrrp blocked"}
	heal := []string{"cable back", "heartbeat back", "vrrp passes"}
	for range 3 {
		for _, list := range [][]string{cut, heal} {
			at += time.Second + time.Duration(dice.Int64N(int64(8*time.Second)))
			for _, i := range dice.Perm(2 * len(list)) {
				h := w.hosts[i%2]
				at += time.Duration(dice.Int64N(int64(pair.Interval)))
				w.RunUntil(at)
				if what := list[i/2]; h.can(what) && (what[0] != 'v' || dice.IntN(2) == 0 || list[0] == heal[0]) {
					w.must(h, what)
				}
			}
		}
	}
	w.RunUntil(at + 5*time.Second)
	return w
}

// TestTheWinnerOfAConflictIsNotHeldOff: whoever loses stays out, and the other one is there.
func TestTheWinnerOfAConflictIsNotHeldOff(t *testing.T) {
	lost := 0
	for seed := range uint64(*seeds) {
		pair := DefaultPair()
		pair.Heartbeat, pair.PreemptDelay = 200*time.Millisecond, time.Second
		pair.Arbitration.KeepIsolated = true
		pair.Arbitration.UntilCleared, pair.Arbitration.StopProxy = true, seed%2 == 0
		w := split(seed, pair)
		if w.ledger.heldOff.longest > learns {
			t.Fatalf("seed %d: both were held off for %s\n%s", seed, w.ledger.heldOff.longest, w.Trace())
		}
		for _, h := range w.hosts {
			lost += len(h.node.HeldOff())
		}
		holders := 0
		for _, h := range w.hosts {
			if h.holds() && h.proxy.serves() {
				holders++
			}
		}
		if holders != 1 {
			t.Fatalf("seed %d: %d hold and serve after the conflict\n%s", seed, holders, w.Trace())
		}
	}
	if lost < *seeds/10 {
		t.Errorf("%d conflicts were lost in %d runs: that shows nothing", lost, *seeds)
	}
}

// learns is how long two that both gave way may stay out: until the heartbeats have told.
const learns = 3 * 200 * time.Millisecond

// TestStormsWithAHoldOff: the loser of a conflict stays out for a while, whatever else happens.
func TestStormsWithAHoldOff(t *testing.T) {
	all := append(append([]string{}, cutFaults...), linkFaults...)
	storms(t, all, meet, func(p *Pair) {
		p.Heartbeat = 200 * time.Millisecond
		p.Arbitration.HoldOff = 30 * time.Second
	})
}
