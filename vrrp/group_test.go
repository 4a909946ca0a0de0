package vrrp_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

func grouped() vrrp.Config {
	return with(func(c *vrrp.Config) { c.Pair, c.Grouped = true, true })
}

// willing returns a router of a group that would be Active.
func willing(t *testing.T) *router {
	r := inBackup(t, grouped())
	r.at(probing, vrrp.Tick{})
	r.wants(down, vrrp.Tick{})
	return r
}

func TestARouterOfAGroupOnlySaysThatItWouldRise(t *testing.T) {
	r := inBackup(t, grouped())
	if r.m.Willing() {
		t.Error("willing before the silence is over")
	}
	r = willing(t)
	r.is(vrrp.Backup)
	if !r.m.Willing() {
		t.Error("not willing after the down interval")
	}
	r.dueNever()
}

func TestRiseMakesTheWillingActive(t *testing.T) {
	r := willing(t)
	r.wants(time.Minute, vrrp.Rise{}, "send priority 100", "own", "BACKUP -> ACTIVE (alone)")
}

func TestRiseDoesNotMoveTheUnwilling(t *testing.T) {
	r := inBackup(t, grouped())
	r.wants(time.Second, vrrp.Rise{})
	r.is(vrrp.Backup)
}

func TestAnAdvertEndsTheWillingness(t *testing.T) {
	r := willing(t)
	r.wants(time.Minute, advert(150, above))
	if r.m.Willing() {
		t.Error("still willing though the peer is Active")
	}
	r.due(time.Minute + 3125*time.Millisecond - window)
}

func TestARouterOfAGroupThatMayPreemptStillSeesThePeerDie(t *testing.T) {
	r := inBackup(t, grouped())
	now := time.Duration(0)
	for !r.m.Willing() {
		now += time.Second
		r.at(now, advert(50, above))
		if now > 10*time.Second {
			t.Fatal("never willing to pre-empt")
		}
	}
	r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	r.wants(now+time.Minute, vrrp.Rise{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
}

func TestTheOwnerInAGroupIsWillingAtOnce(t *testing.T) {
	r := newRouter(t, with(func(c *vrrp.Config) { c.Grouped, c.Priority = true, vrrp.PriorityOwner }))
	r.wants(0, vrrp.Startup{Address: ours}, "INIT -> BACKUP (started)")
	r.wants(0, vrrp.Rise{}, "send priority 255", "own", "BACKUP -> ACTIVE (owner)")
}

func TestYieldReleasesAndComesBackWhenNobodyTakes(t *testing.T) {
	r := inActive(t, with(func(c *vrrp.Config) { c.Pair, c.PeerPriority = true, 100 }))
	r.wants(time.Second/2, vrrp.Yield{Reason: vrrp.ReasonGroup}, "send priority 0", "disown", "ACTIVE -> BACKUP (group)")
	r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	r.wants(r.m.Deadline().Sub(epoch), vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (unclaimed)")
}

// The other node may be alive, and only this router deaf to it: that is for others to know.
func TestARouterOfAGroupIsWillingThoughItsAddressIsAnswered(t *testing.T) {
	r := inBackup(t, grouped())
	r.at(probing, vrrp.Tick{})
	r.at(probing, vrrp.Answered{Holder: "peer"})
	r.wants(down, vrrp.Tick{}, "note address-answered")
	if !r.m.Willing() || r.m.Free(time.Time{}) {
		t.Errorf("willing %t, free %t", r.m.Willing(), r.m.Free(time.Time{}))
	}
	r.dueNever()
}

func TestAssureAsksAgainUntilTheAddressIsFree(t *testing.T) {
	r := willing(t)
	heard := epoch.Add(time.Minute)
	if r.m.Free(heard) {
		t.Error("free since a time that was not asked at")
	}
	r.wants(time.Minute, vrrp.Assure{Heard: heard}, "probe")
	if r.m.Willing() {
		t.Error("willing while it asks")
	}
	r.at(time.Minute, vrrp.Answered{Holder: "peer"})
	r.wants(r.m.Deadline().Sub(epoch), vrrp.Tick{}, "note address-answered", "probe")
	r.wants(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	if !r.m.Willing() || !r.m.Free(heard) {
		t.Errorf("willing %t, free %t", r.m.Willing(), r.m.Free(heard))
	}
}

// The lifetime runs from when the group last heard the other node, not from when this
// router did.
func TestAssureWaitsNoLongerThanALifetimeAfterTheGroupHeardThePeer(t *testing.T) {
	r := willing(t)
	heard := epoch.Add(time.Minute)
	r.at(time.Minute, vrrp.Assure{Heard: heard})
	waited := time.Duration(0)
	for !r.m.Willing() {
		at := r.m.Deadline()
		r.at(at.Sub(epoch), vrrp.Answered{Holder: "peer"})
		r.at(at.Sub(epoch), vrrp.Tick{})
		waited = at.Sub(heard)
	}
	cfg := grouped()
	if want := cfg.Interval + cfg.Lifetime + 1250*time.Millisecond; waited > want || waited < want/2 {
		t.Errorf("waited %s, want %s", waited, want)
	}
	if !r.m.Free(heard) {
		t.Error("it would wait for ever")
	}
}

func TestAssureIsNothingToTheUnwilling(t *testing.T) {
	r := inBackup(t, grouped())
	r.wants(time.Second, vrrp.Assure{})
	r = inActive(t, with(func(*vrrp.Config) {}))
	r.wants(time.Second/2, vrrp.Assure{})
}
