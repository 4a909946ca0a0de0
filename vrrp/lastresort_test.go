package vrrp_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// lastResorts is base where the lowest priority is that of a router that must not serve.
func lastResorts(change func(*vrrp.Config)) vrrp.Config {
	return with(func(c *vrrp.Config) {
		c.LastResort, c.Pair, c.PeerPriority = true, true, 150
		change(c)
	})
}

func TestALastResortIsPreemptedAtOnce(t *testing.T) {
	for name, change := range map[string]func(*vrrp.Config){
		"after no delay":  func(*vrrp.Config) {},
		"whatever delay":  func(c *vrrp.Config) { c.PreemptDelay = time.Hour },
		"even where none": func(c *vrrp.Config) { c.Preempt = false },
	} {
		t.Run(name, func(t *testing.T) {
			r := inBackup(t, lastResorts(change))
			r.wants(time.Second, advert(1, above), "send priority 100", "own", "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
		})
	}
}

func TestALastResortDoesNotPreemptAnother(t *testing.T) {
	r := inBackup(t, lastResorts(func(c *vrrp.Config) { c.Priority = vrrp.PriorityLastResort }))
	r.follows(advert(1, above), 0, 60*time.Second)
}

func TestALowPriorityAloneIsNoLastResort(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = time.Minute }))
	r.follows(advert(1, above), 0, 59*time.Second)
}

// What was sent to a router that did not run may be long over.
func TestAfterAPauseALastResortIsPreemptedOnlyByWhatIsNew(t *testing.T) {
	r := inBackup(t, lastResorts(func(c *vrrp.Config) { c.PreemptDelay = time.Hour }))
	r.at(0, advert(150, above))
	r.wants(time.Minute, advert(1, above), "note paused")
	r.wants(time.Minute, advert(1, above))
	r.wants(time.Minute+time.Second, advert(1, above), "send priority 100", "own", "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
}

func TestALastResortGivesTheAddressesUpAndTakesThemBack(t *testing.T) {
	r := inActive(t, lastResorts(func(*vrrp.Config) {}))
	r.wants(time.Second, vrrp.Reprioritized{Priority: vrrp.PriorityLastResort, Peer: 150}, "send priority 0", "disown", "ACTIVE -> BACKUP (outranked)")
	for r.m.State() == vrrp.Backup {
		r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	}
	r.is(vrrp.Active)
	if p := r.m.Priority(); p != vrrp.PriorityLastResort {
		t.Errorf("priority %d", p)
	}
}
