package vrrp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// RFC 9568 6.4.3: Adver_Timer; and the addresses' lifetime, renewed at a third.
func TestActiveAdvertisesAndRefreshesAgainAndAgain(t *testing.T) {
	r := inActive(t, base())
	first, third := refreshAfter(0), 2*time.Second/3
	r.due(first)
	r.wants(first, vrrp.Tick{}, "refresh")
	r.due(time.Second)
	r.wants(time.Second, vrrp.Tick{}, "send priority 100")
	r.wants(first+third, vrrp.Tick{}, "refresh")
	r.wants(2*time.Second, vrrp.Tick{}, "send priority 100", "refresh")
}

// refreshAfter is when base refreshes next: every third of the lifetime, at the same
// moments whenever it became Active.
func refreshAfter(d time.Duration) time.Duration {
	third := 2 * time.Second / 3
	return epoch.Add(d + third).Truncate(third).Sub(epoch)
}

// A thousand routers that became Active at any time share their wake-ups.
func TestRoutersShareTheMomentsOfTheirAdvertsAndRefreshes(t *testing.T) {
	adverts, refreshes, renewals := map[time.Duration]bool{}, map[time.Duration]bool{}, map[time.Duration]bool{}
	for i := range 1000 {
		r := inActive(t, with(func(c *vrrp.Config) { c.AnnounceEvery, c.Gate = 0, 600*time.Millisecond }))
		begin := time.Duration(i) * time.Millisecond
		r.at(begin, advert(0, above)) // makes it advertise then
		for r.m.Deadline().Sub(epoch) < 3*time.Second {
			at := r.m.Deadline().Sub(epoch)
			for _, a := range r.at(at, vrrp.Tick{}) {
				switch {
				case a == "refresh":
					refreshes[at] = true
				case a == "renew":
					renewals[at] = true
				case at > begin+time.Second:
					adverts[at%time.Second] = true
				}
			}
		}
	}
	if len(adverts) > 32 || len(refreshes) > 5 || len(renewals) > 15 {
		t.Errorf("%d moments of adverts within an interval, want 32; %d of refreshes in 3 s, want 5; %d of the gate, want 15", len(adverts), len(refreshes), len(renewals))
	}
}

// T33: RFC 9568 6.4.3.
func TestActiveAnswersAReleaseAtOnce_T33(t *testing.T) {
	r := inActive(t, base())
	r.wants(300*time.Millisecond, advert(0, above), "send priority 100")
	r.is(vrrp.Active)
	r.advertisesOnce(1260*time.Millisecond, 1300*time.Millisecond) // the Adver_Timer began anew
}

// advertisesOnce wants an advert between two times, and none before.
func (r *router) advertisesOnce(begin, end time.Duration) {
	r.t.Helper()
	for r.m.Deadline().Sub(epoch) <= begin {
		if got := r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{}); count(got, "send priority 100") > 0 {
			r.t.Fatalf("an advert before %s", begin)
		}
	}
	sent := 0
	for at := begin; at <= end; at += time.Millisecond {
		sent += count(r.at(at, vrrp.Tick{}), "send priority 100")
	}
	if sent != 1 {
		r.t.Errorf("%d adverts from %s to %s, want one", sent, begin, end)
	}
}

func TestActiveAnswersALowerRouterAtOnce_T33(t *testing.T) {
	for _, ev := range []vrrp.Received{advert(99, above), advert(1, above), advert(100, below)} {
		r := inActive(t, base())
		r.wants(300*time.Millisecond, ev, "send priority 100")
		r.is(vrrp.Active)
		r.advertisesOnce(1260*time.Millisecond, 1300*time.Millisecond)
	}
}

// A lower router that goes on after it must have heard of us is a conflict.
func TestALowerRouterIsToldOnceItMustHaveHeardOfUs_T33(t *testing.T) {
	r := inActive(t, base())
	r.at(time.Second, vrrp.Tick{})
	r.wants(time.Second, advert(99, above), "send priority 100", "announce")
	r.wants(time.Second+1, advert(99, above), "note lower-advert", "send priority 100")
}

// T33, T58: the address goes, then the state; the down timer has the winner's interval.
func TestActiveYieldsToTheHigherRouter_T33_T58(t *testing.T) {
	for _, tc := range []struct {
		name string
		ev   vrrp.Received
		why  string
	}{
		{"higher priority, lower address", advert(101, below), "higher-advert, peer 10.0.0.4"},
		{"equal priority, higher address", advert(100, above), "higher-address, peer 10.0.0.6"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := inActive(t, base())
			got := r.at(time.Second/2, tc.ev)
			if got[0] != "disown" || got[len(got)-1] != "ACTIVE -> BACKUP ("+tc.why+")" {
				t.Errorf("actions %q: want the addresses gone first, the transition last", got)
			}
			r.due(time.Second/2 + probing)
		})
	}
}

// T58: RFC 9568 6.4.3 compares addresses as unsigned numbers in network byte order.
func TestTheTieIsBrokenByTheNumberNotTheText_T58(t *testing.T) {
	for _, tc := range []struct {
		from   string
		yields bool
	}{
		{"10.0.0.10", true},
		{"10.0.0.200", true},
		{"9.255.255.255", false},
		{"10.0.0.4", false},
		{"192.0.2.1", true},
	} {
		r := inActive(t, base())
		r.at(time.Second/2, advert(100, addr(tc.from)))
		if got := r.m.State() == vrrp.Backup; got != tc.yields {
			t.Errorf("%s against %s: yields %v, want %v", ours, tc.from, got, tc.yields)
		}
	}
}

// T25: RFC 9568 8.3.2.
func TestTwoOwnersAreToldAndOneOfThemYields_T25(t *testing.T) {
	owner := with(func(c *vrrp.Config) { c.Priority = vrrp.PriorityOwner })
	r := inActive(t, owner)
	r.wants(time.Second/2, advert(255, below), "note owner-conflict", "send priority 255")
	r.is(vrrp.Active)

	got := r.at(time.Second/2, advert(255, above))
	if count(got, "note owner-conflict") != 1 {
		t.Errorf("actions %q, want the conflict noted", got)
	}
	r.is(vrrp.Backup)
}

// T61: the winner of a healed link can only learn of the loser from the loser, so that
// the loser's last advert asks for the winner's gratuitous ARP.
func TestTheWinnerAnnouncesAfterALinkHeals_T61(t *testing.T) {
	for name, loserFirst := range map[string]bool{"loser hears first": true, "winner hears first": false} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, base(), base())
			winner, loser := p.hosts[1], p.hosts[0] // equal priority: the higher address wins
			p.cut = true
			p.run(30 * time.Second)
			if !winner.active() || !loser.active() {
				t.Fatal("want both Active while the link is cut")
			}
			p.cut, p.shy = false, loser
			if !loserFirst {
				p.shy = winner
			}
			p.until(func() bool { return !p.firstHeard.IsZero() })
			healed := p.firstHeard
			p.run(time.Second)
			if winner.announced.Before(healed) {
				t.Errorf("no gratuitous ARP within a second: the last was %s before they met", healed.Sub(winner.announced))
			}
			p.run(10 * time.Second)
			p.onlyActive(winner)
		})
	}
}

// A pre-empted router's last advert is expected and no news.
func TestPreemptionIsNoConflict(t *testing.T) {
	p := newPair(t, base(), with(func(c *vrrp.Config) { c.Priority = 150 }))
	p.hosts[1].startAt = epoch.Add(10 * time.Second)
	p.run(30 * time.Second)
	p.onlyActive(p.hosts[1])
	for _, reason := range []vrrp.Reason{vrrp.ReasonLowerAdvert, vrrp.ReasonOwnerConflict} {
		if n := p.hosts[1].noted[reason]; n > 0 {
			t.Errorf("%s noted %d times during a pre-emption", reason, n)
		}
	}
}

// T62: after a pause the address goes and nothing is asserted, whatever the first event is.
func TestAPausedActiveRouterListensBeforeItAsserts_T62(t *testing.T) {
	const gone = "ACTIVE -> BACKUP (paused)"
	for _, tc := range []struct {
		name string
		ev   vrrp.Event
		want []string
	}{
		{"tick", vrrp.Tick{}, []string{"disown", gone}},
		{"higher advert", advert(200, above), []string{"disown", gone}},
		{"lower advert", advert(50, above), []string{"disown", gone}},
		{"release", advert(0, above), []string{"disown", gone}},
		{"claimed", vrrp.Claimed{By: "x"}, []string{"disown", gone}},
		{"vanished", vrrp.Vanished{}, []string{"disown", gone}},
		{"owned", vrrp.Owned{}, []string{"disown", gone}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := inActive(t, base())
			r.wants(6*time.Second, tc.ev, tc.want...)
			r.is(vrrp.Backup)
			if wait := r.m.Deadline().Sub(epoch.Add(6 * time.Second)); wait <= 0 {
				t.Errorf("deadline %s after waking up, want time to listen", wait)
			}
		})
	}
}

// The event that woke it counts: the new Active router is followed from then on.
func TestThePausedRouterFollowsWhomItHears_T62(t *testing.T) {
	r := inActive(t, base())
	r.at(6*time.Second, advert(200, above))
	if got := r.m.Heard(); got.From != above || got.Priority != 200 {
		t.Errorf("heard %+v, want priority 200 from %s", got, above)
	}
	r.at(6*time.Second+probing, vrrp.Tick{})
	r.wants(6*time.Second+down, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
}

// T62: after three intervals a peer of priority 254 may rightly have taken over, even if
// our own down interval is longer: who reads that late gives up without a word.
func TestAnAdvertReadLateIsYieldedToInSilence_T62(t *testing.T) {
	r := inActive(t, base())
	r.wants(3*time.Second+time.Millisecond, advert(200, above), "disown", "ACTIVE -> BACKUP (higher-advert, peer 10.0.0.6)")
}

func TestAMerelyLateTickInActiveGoesOn(t *testing.T) {
	r := inActive(t, base())
	r.wants(down, vrrp.Tick{}, "send priority 100", "refresh")
	r.due(refreshAfter(down))
	r.wants(2*down+1, vrrp.Tick{}, "disown", "ACTIVE -> BACKUP (paused)")
}

// T62 with two machines: nothing of the paused node's is on the wire before it listened.
func TestNobodyHearsFromANodeThatWakesUp_T62(t *testing.T) {
	for _, pause := range []time.Duration{3300 * time.Millisecond, 6 * time.Second, time.Hour} {
		t.Run(pause.String(), func(t *testing.T) {
			p := newPair(t, base(), with(func(c *vrrp.Config) { c.Priority, c.Preempt = 200, false }))
			paused, peer := p.hosts[0], p.hosts[1]
			peer.startAt = epoch.Add(10 * time.Second)
			p.run(20 * time.Second)
			p.onlyActive(paused)
			last := paused.lastSent
			p.until(func() bool { return paused.lastSent.After(last) }) // pause it right after an advert
			paused.pausedUntil = p.now.Add(pause)
			wakes := paused.pausedUntil
			p.run(pause)
			if !peer.active() {
				t.Fatal("want the peer Active after the pause")
			}
			p.run(time.Minute)
			if paused.lastSent.After(wakes) || paused.lastSent.Equal(wakes) {
				t.Errorf("an advert of the paused node %s after it woke up", paused.lastSent.Sub(wakes))
			}
			p.onlyActive(peer)
		})
	}
}

func TestTheARPIsRepeatedSoonAndThenRemindedOf(t *testing.T) {
	r := inActive(t, base())
	var bursts, reminders []time.Duration
	for {
		now := r.m.Deadline().Sub(epoch)
		if now > 70*time.Second {
			break
		}
		done := r.at(now, vrrp.Tick{})
		if count(done, "announce") > 0 {
			bursts = append(bursts, now)
		}
		if count(done, "remind") > 0 {
			reminders = append(reminders, now)
		}
	}
	if want := []time.Duration{5 * time.Second}; !slices.Equal(bursts, want) {
		t.Errorf("announced again at %v, want %v", bursts, want)
	}
	if want := []time.Duration{35 * time.Second, 65 * time.Second}; !slices.Equal(reminders, want) {
		t.Errorf("reminded at %v, want %v", reminders, want)
	}
}

// The answer to a claim does not replace the repetition after a take-over.
func TestAnEarlyClaimDoesNotCostTheRepetition(t *testing.T) {
	r := inActive(t, base())
	r.at(time.Second/2, vrrp.Claimed{By: "x"})
	var at []time.Duration
	for d := r.m.Deadline().Sub(epoch); d < 20*time.Second; d = r.m.Deadline().Sub(epoch) {
		if count(r.at(d, vrrp.Tick{}), "announce") > 0 {
			at = append(at, d)
		}
	}
	if want := []time.Duration{time.Second, 5 * time.Second}; !slices.Equal(at, want) {
		t.Errorf("announced at %v, want %v", at, want)
	}
}

func TestTheARPIsNotRepeatedWhereThatIsOff(t *testing.T) {
	r := inActive(t, with(func(c *vrrp.Config) { c.AnnounceAgain, c.AnnounceEvery = 0, 0 }))
	for now := r.m.Deadline().Sub(epoch); now < time.Minute; now = r.m.Deadline().Sub(epoch) {
		if got := r.at(now, vrrp.Tick{}); count(got, "announce") > 0 {
			t.Fatalf("announced again at %s", now)
		}
	}
}

// T34, T38: the ARP waits for the addresses, whatever happens meanwhile.
func TestNothingIsAnnouncedBeforeTheAddressesAreThere_T34(t *testing.T) {
	r := newRouter(t, with(func(c *vrrp.Config) { c.Priority = vrrp.PriorityOwner }))
	r.at(0, vrrp.Startup{Address: ours})
	for _, ev := range []vrrp.Event{advert(50, above), vrrp.Claimed{By: "x"}, vrrp.Tick{}} {
		for d := time.Duration(0); d < 3*time.Second; d += time.Second / 2 {
			if got := r.at(d, ev); count(got, "announce") > 0 {
				t.Fatalf("%T: %q before Owned", ev, got)
			}
		}
	}
	r.wants(3*time.Second, vrrp.Owned{}, "announce")
}

func TestClaimsAreAnsweredAtMostOnceASecondAndOnceMoreInTheEnd(t *testing.T) {
	for name, ev := range map[string]vrrp.Event{
		"claimed":      vrrp.Claimed{By: "02:00:00:00:00:06"},
		"lower advert": advert(50, above),
	} {
		t.Run(name, func(t *testing.T) {
			r := inActive(t, base())
			tick := func(until time.Duration, at *[]time.Duration) {
				for d := r.m.Deadline().Sub(epoch); d < until; d = r.m.Deadline().Sub(epoch) {
					if count(r.at(d, vrrp.Tick{}), "announce") > 0 {
						*at = append(*at, d)
					}
				}
			}
			var quiet, at []time.Duration
			tick(10*time.Second, &quiet) // the first burst and the second are over
			for d := 10 * time.Second; d <= 12*time.Second; d += 100 * time.Millisecond {
				tick(d, &at)
				if count(r.at(d, ev), "announce") > 0 {
					at = append(at, d)
				}
			}
			tick(34*time.Second, &at)
			want := []time.Duration{10 * time.Second, 11 * time.Second, 12 * time.Second, 13 * time.Second}
			if !slices.Equal(at, want) {
				t.Fatalf("announced at %v, want %v", at, want)
			}
		})
	}
}

func TestAClaimJustBeforeThePeriodicARPDoesNotDoubleIt(t *testing.T) {
	r := inActive(t, base())
	for d := r.m.Deadline().Sub(epoch); d < 34900*time.Millisecond; d = r.m.Deadline().Sub(epoch) {
		r.at(d, vrrp.Tick{})
	}
	r.at(34900*time.Millisecond, vrrp.Tick{})
	r.wants(34900*time.Millisecond, vrrp.Claimed{By: "x"}, "note address-claimed", "announce")
	for d := r.m.Deadline().Sub(epoch); d < 35900*time.Millisecond; d = r.m.Deadline().Sub(epoch) {
		if got := r.at(d, vrrp.Tick{}); count(got, "announce") > 0 {
			t.Fatalf("announced again %s after the last", d-34900*time.Millisecond)
		}
	}
}

func TestAVanishedAddressComesBackAndIsAnnounced(t *testing.T) {
	r := inActive(t, base())
	r.wants(time.Second/4, vrrp.Vanished{}, "note address-vanished", "own")
	r.wants(time.Second/4, vrrp.Owned{}, "announce")
	r.is(vrrp.Active)
}
