package vrrp_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// patient returns a router of a patient pair for whose address somebody answers.
func patient(t *testing.T, by ...vrrp.Answered) *router {
	r := inBackup(t, with(func(c *vrrp.Config) { c.Pair, c.Grouped, c.Patient = true, true, true }))
	r.at(probing, vrrp.Tick{})
	r.at(down, vrrp.Tick{})
	r.wants(down, vrrp.Assure{Heard: epoch}, "probe")
	for _, ev := range by {
		r.at(down, ev)
	}
	r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	return r
}

func TestAPatientRouterWaitsAsLongAsSomebodyAnswers(t *testing.T) {
	r := patient(t, vrrp.Answered{Holder: "x", Stranger: true})
	for r.m.Deadline().Before(epoch.Add(time.Minute)) {
		now := r.m.Deadline().Sub(epoch)
		r.at(now, vrrp.Answered{Holder: "x", Stranger: true})
		r.wants(now, vrrp.Tick{}, "probe")
	}
	if c := r.m.Contest(); c.Holder != "x" || !c.Stranger || !c.Until.Before(epoch.Add(time.Minute)) {
		t.Errorf("contest %+v", c)
	}
	r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
	if c := r.m.Contest(); c != (vrrp.Contest{}) || !r.m.Willing() {
		t.Errorf("willing %t with contest %+v, though nobody answers any more", r.m.Willing(), c)
	}
}

func TestOfTwoWhoAnswerTheOtherRouterCounts(t *testing.T) {
	stranger, other := vrrp.Answered{Holder: "x", Stranger: true}, vrrp.Answered{Holder: "y"}
	for _, order := range [][]vrrp.Answered{{stranger, other}, {other, stranger}} {
		if c := patient(t, order...).m.Contest(); c.Holder != "y" || c.Stranger {
			t.Errorf("contest %+v", c)
		}
	}
}

func TestOverruleMakesWillingThoughSomebodyAnswers(t *testing.T) {
	r := patient(t, vrrp.Answered{Holder: "x", Stranger: true})
	soon := r.m.Deadline().Sub(epoch)
	r.wants(soon, vrrp.Overrule{}, "note address-contest")
	if !r.m.Willing() || !r.m.Free(epoch) || r.m.Contest().Holder != "x" {
		t.Errorf("willing %t, contest %+v", r.m.Willing(), r.m.Contest())
	}
	r.wants(soon, vrrp.Overrule{})
	r.wants(soon, vrrp.Rise{}, "send priority 100", "own", "BACKUP -> ACTIVE (alone)")
}

func TestOverruleIsNothingWhereNobodyAnswers(t *testing.T) {
	r := inBackup(t, base())
	r.wants(time.Second, vrrp.Overrule{})
	r.at(probing, vrrp.Tick{})
	r.wants(probing, vrrp.Overrule{})
	r.is(vrrp.Backup)
}

// RFC 5227 2.4: two who both defend an address must not do it all the time.
func TestAnAddressIsDefendedAgainstAStrangerEveryTenSeconds(t *testing.T) {
	r := inActive(t, with(func(c *vrrp.Config) { c.AnnounceAgain = 0 }))
	r.at(time.Second, vrrp.Owned{})
	announced := []time.Duration{time.Second}
	for now := time.Second; now < time.Minute; now += 500 * time.Millisecond {
		for _, ev := range []vrrp.Event{vrrp.Claimed{By: "x", Stranger: true}, vrrp.Tick{}} {
			if count(r.at(now, ev), "announce") > 0 {
				announced = append(announced, now)
			}
		}
	}
	if len(announced) < 5 {
		t.Errorf("announced at %s", announced)
	}
	for i := 1; i < len(announced); i++ {
		if gap := announced[i] - announced[i-1]; gap < 10*time.Second {
			t.Errorf("announced %s after the last time", gap)
		}
	}
}
