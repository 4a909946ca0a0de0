//go:build linux

package interop

import (
	"testing"
	"time"
)

// TestAddressFollowsTheBestLivingRouter tells the life of a mixed pair: T50 T51 T52.
func TestAddressFollowsTheBestLivingRouter(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v2pass, v3, v3fast} {
		t.Run(p.name+" pairkeeper master", func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			life(n, p, n.pairkeeper(0, p.pair([2]int{150, 100})), n.keepalived(1, p.instance(100)))
		})
		t.Run(p.name+" keepalived master", func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			life(n, p, n.keepalived(1, p.instance(150)), n.pairkeeper(0, p.pair([2]int{100, 150})))
		})
	}
}

// life plays each fault of a pair. Better is the router of higher priority, 150.
func life(n *network, p protocol, better, worse *station) {
	t := n.t
	t.Helper()
	rules := func(when string) {
		t.Helper()
		better.isActive(t)
		worse.isBackup(t)
		n.holder(better.host)
		t.Logf("%s: %s is master", when, better.name)
	}
	worse.up(t)
	worse.isActive(t)
	n.holder(worse.host)
	better.up(t)
	rules("pre-empting at first")

	worse.router.Stop(t)
	n.holder(better.host)
	worse.up(t)
	rules("after the backup was stopped and came back")

	mark := time.Now()
	better.router.Stop(t)
	worse.isActive(t)
	n.holder(worse.host)
	released, taken := n.released(better, mark), n.taken(worse, mark)
	t.Logf("stopped: %v from priority 0 to the first advert of %s", taken.Sub(released), worse.name)
	if limit := max(p.down(100), time.Second); taken.Sub(released) > limit {
		t.Errorf("stopped in order, but %s takes over only after %v, no sooner than after a silence", worse.name, taken.Sub(released))
	}
	better.up(t)
	rules("back and pre-empting")

	mark = time.Now()
	better.powerCut(t)
	worse.isActive(t)
	n.holder(worse.host)
	taken = n.taken(worse, mark)
	last := n.lastBefore(better, taken)
	t.Logf("power cut: %v from the last advert to the first of %s, whose down interval is %v", taken.Sub(last), worse.name, p.down(100))
	if silence := taken.Sub(last); silence < 3*p.interval {
		t.Errorf("%s takes over after a silence of only %v", worse.name, silence)
	}
	better.powerOn(t)
	rules("back from the power cut and pre-empting")

	n.neverTwo()
	t.Logf("two holders for %v in all", n.census.Double(n.begun))
}

// released is when a router sent its first advert of priority 0 since a moment.
func (n *network) released(s *station, since time.Time) time.Time {
	n.t.Helper()
	for _, a := range advertsOf(n.wire, s.addr, since) {
		if a.Priority() == 0 {
			return a.At
		}
	}
	n.t.Fatalf("%s did not send priority 0", s.name)
	return time.Time{}
}

// taken is when a router sent its first other advert since a moment.
func (n *network) taken(s *station, since time.Time) time.Time {
	n.t.Helper()
	for _, a := range advertsOf(n.wire, s.addr, since) {
		if a.Priority() > 0 {
			return a.At
		}
	}
	n.t.Fatalf("%s did not send an advert", s.name)
	return time.Time{}
}

// lastBefore is when a router sent its last advert before a moment.
func (n *network) lastBefore(s *station, end time.Time) time.Time {
	n.t.Helper()
	var last time.Time
	for _, a := range advertsOf(n.wire, s.addr, time.Time{}) {
		if a.At.Before(end) {
			last = a.At
		}
	}
	if last.IsZero() {
		n.t.Fatalf("%s never sent an advert", s.name)
	}
	return last
}
