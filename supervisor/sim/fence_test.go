package sim

import (
	"slices"
	"testing"
	"time"
)

// parting cut the nodes off from each other while both reach the gateway; fenceFaults
// have the fence fail, too.
var (
	parting     = append([]string{"peer cut", "peer back", "peer cut"}, cutFaults...)
	fenceFaults = append([]string{"fence fails", "fence hangs", "fence works"}, parting...)
)

func afterFence(p *Pair) { p.Heartbeat, p.Fence, p.Reboot = 200*time.Millisecond, "after_fence", true }

// TestStormsWithAFence: whatever is cut, and whatever becomes of the fence, nobody takes from
// a node that may hold.
func TestStormsWithAFence(t *testing.T) {
	storms(t, localFaults, 5*time.Millisecond, afterFence)
	storms(t, fenceFaults, 5*time.Millisecond, afterFence)
	storms(t, fenceFaults, 5*time.Millisecond, afterFence, func(p *Pair) { p.Group = true })
}

// TestTwoThatLoseEachOtherFenceOne: however the moments fall, exactly one of two standbys is
// shot, and the other one takes.
func TestTwoThatLoseEachOtherFenceOne(t *testing.T) {
	for seed := range uint64(*seeds) {
		pair := DefaultPair()
		pair.Heartbeat, pair.Fence = 200*time.Millisecond, "after_fence"
		if seed%3 == 0 {
			pair.Priority = map[string]int{"lb01": 100, "lb02": 100}
		}
		w := New(seed, pair.Node("lb01"), pair.Node("lb02"))
		order := slices.Clone(w.hosts)
		if seed%2 == 0 {
			slices.Reverse(order)
		}
		at := time.Duration(0)
		all := func(what string, apart time.Duration) {
			for _, h := range order {
				w.RunUntil(at)
				w.must(h, what)
				at += apart
			}
		}
		all("power on", time.Second)
		at += 10 * time.Second
		all("proxy breaks", 100*time.Millisecond)
		at += 20 * time.Second
		all("peer cut", 0)
		at += time.Second
		all("proxy mended", time.Duration(seed)*37%1000*time.Millisecond)
		w.RunUntil(at + 30*time.Second)
		if w.shots != 1 || w.ledger.two > 0 || !order[0].holds() && !order[1].holds() {
			t.Fatalf("seed %d: %d shots, two holders for %s\n%s", seed, w.shots, w.ledger.two, w.Trace())
		}
	}
}
