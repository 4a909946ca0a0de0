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
