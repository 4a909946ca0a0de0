package vrrp_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// paired is base as one of a pair whose other router has a priority.
func paired(peer uint8) vrrp.Config {
	return with(func(c *vrrp.Config) { c.Pair, c.PeerPriority = true, peer })
}

func TestInAPairSilenceIsNotWaitedOutBySkewTime(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond:  35 * time.Millisecond,
		100 * time.Millisecond: 312500 * time.Microsecond,
		200 * time.Millisecond: 625 * time.Millisecond,
		time.Second:            3125 * time.Millisecond,
	} {
		r := inBackup(t, with(func(c *vrrp.Config) { c.Pair, c.Interval = true, interval }))
		heard := advertEvery(interval, 150, above)
		r.wants(interval, heard)
		now := interval
		for r.m.State() == vrrp.Backup {
			now = r.m.Deadline().Sub(epoch)
			r.at(now, vrrp.Tick{})
		}
		if got := now - interval; got != want {
			t.Errorf("every %s: Active %s after the last advert, want %s", interval, got, want)
		}
	}
}

// At a start both routers listen: who is higher must come first.
func TestInAPairTheStartIsSortedBySkewTime(t *testing.T) {
	r := inBackup(t, paired(150))
	r.due(probing)
}

func TestDownAdvertsIsHowManyAdvertsMustBeMissing_T40(t *testing.T) {
	for adverts, want := range map[int]time.Duration{0: 3, 1: 1, 3: 3, 100: 100} {
		c := with(func(c *vrrp.Config) { c.DownAdverts = adverts })
		if got := c.DownInterval(time.Second); got != want*time.Second+skew {
			t.Errorf("%d adverts: down interval %s", adverts, got)
		}
	}
}

func TestAPriorityBelowThePeersReleasesAtOnce(t *testing.T) {
	r := inActive(t, paired(80))
	r.wants(time.Second/2, vrrp.Reprioritized{Priority: 70, Peer: 80}, "send priority 0", "disown", "ACTIVE -> BACKUP (outranked)")
	r.wants(time.Second/2+20*time.Millisecond, advert(80, above))
	r.is(vrrp.Backup)
}

func TestAPriorityStillAboveThePeersReleasesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		peer uint8
		to   uint8
	}{{"above", 80, 81}, {"as high", 80, 80}, {"unknown", 0, 1}} {
		t.Run(c.name, func(t *testing.T) {
			r := inActive(t, paired(c.peer))
			r.wants(time.Second/2, vrrp.Reprioritized{Priority: c.to, Peer: c.peer})
			r.is(vrrp.Active)
		})
	}
}

func TestARiseOfThePriorityReleasesNothing(t *testing.T) {
	r := inActive(t, paired(200))
	r.wants(time.Second/2, vrrp.Reprioritized{Priority: 150, Peer: 200})
}

func TestOutsideOfAPairNobodyIsKnownToComeAfterARelease(t *testing.T) {
	r := inActive(t, with(func(c *vrrp.Config) { c.PeerPriority = 200 }))
	r.wants(time.Second/2, vrrp.Reprioritized{Priority: 50, Peer: 200})
}

func TestWhatThePeerAdvertisedLastCountsMoreThanItsConfiguration(t *testing.T) {
	r := inActive(t, paired(80))
	r.at(time.Second/2, advert(60, above))
	r.wants(time.Second, vrrp.Reprioritized{Priority: 70, Peer: 80})
	r.is(vrrp.Active)
}

// A peer that released is asked again: it may stand by in silence.
func TestAPeerThatReleasedCountsByItsConfiguration(t *testing.T) {
	r := inActive(t, paired(80))
	r.at(time.Second/2, advert(0, above))
	r.at(time.Second, vrrp.Reprioritized{Priority: 70, Peer: 80})
	r.is(vrrp.Backup)
}

func TestWhoeverYieldsInVainTakesTheAddressesBackSoonAndOnlyOnce(t *testing.T) {
	r := inActive(t, paired(200))
	yielded := time.Second / 2
	r.at(yielded, vrrp.Reprioritized{Priority: 70, Peer: 200})
	r.wants(r.m.Deadline().Sub(epoch), vrrp.Tick{}, "probe")
	back := r.m.Deadline().Sub(epoch)
	r.wants(back, vrrp.Tick{}, "send priority 70", "own", "BACKUP -> ACTIVE (unclaimed)")
	if want := 350 * time.Millisecond; back-yielded > want { // 200: Skew_Time 218.75 ms
		t.Errorf("took the addresses back after %s, want at most %s", back-yielded, want)
	}
	r.wants(back+time.Millisecond, vrrp.Reprioritized{Priority: 60, Peer: 200})
	r.is(vrrp.Active)

	r.at(back+2*time.Millisecond, advert(50, above)) // somebody is there after all
	r.at(back+3*time.Millisecond, vrrp.Reprioritized{Priority: 40, Peer: 200})
	r.is(vrrp.Backup)
}

// The peer may have come in silence since: after a while it is asked again.
func TestAfterAWhileTheRouterYieldsAgain(t *testing.T) {
	for after, want := range map[time.Duration]vrrp.State{50 * time.Second: vrrp.Active, 70 * time.Second: vrrp.Backup} {
		r := inActive(t, paired(100))
		r.at(time.Second/2, vrrp.Reprioritized{Priority: 70, Peer: 100})
		for r.m.State() == vrrp.Backup {
			r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
		}
		for d := r.m.Deadline().Sub(epoch); d < after; d = r.m.Deadline().Sub(epoch) {
			r.at(d, vrrp.Tick{})
		}
		r.wants(after, vrrp.Reprioritized{Priority: 150, Peer: 100})
		r.at(after, vrrp.Reprioritized{Priority: 70, Peer: 100})
		r.is(want)
	}
}

func TestARouterThatSleptReleasesNothing_T62(t *testing.T) {
	r := inActive(t, paired(200))
	r.wants(time.Hour, vrrp.Reprioritized{Priority: 70, Peer: 200})
	r.wants(time.Hour, vrrp.Tick{}, "disown", "ACTIVE -> BACKUP (paused)")
}
