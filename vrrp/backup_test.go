package vrrp_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// everything lets go-cmp look into a Machine.
func everything(reflect.Type) bool { return true }

// follows lets a router in Backup hear an advert a second, from the first time to the
// last.
func (r *router) follows(ev vrrp.Received, first, last time.Duration) {
	r.t.Helper()
	for d := first; d <= last; d += time.Second {
		r.at(d, ev)
		r.is(vrrp.Backup)
	}
}

const takenAlone = "BACKUP -> ACTIVE (alone)"

// T32: RFC 9568 6.4.2.
func TestBackupFollowsTheActiveRouter_T32(t *testing.T) {
	noPreempt := with(func(c *vrrp.Config) { c.Preempt = false })
	for _, tc := range []struct {
		name     string
		cfg      vrrp.Config
		priority uint8
	}{
		{"higher", base(), 101},
		{"equal", base(), 100},
		{"owner", base(), 255},
		{"lower without preemption", noPreempt, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := inBackup(t, tc.cfg)
			r.wants(3*time.Second, advert(tc.priority, below))
			r.due(3*time.Second + probing)
		})
	}
}

// T32: RFC 9568 6.4.2 lets the down timer run on. It is the first advert after it that is
// answered, because that shows that the lower router is alive to yield.
func TestBackupDiscardsLowerPriority_T32(t *testing.T) {
	r := inBackup(t, base())
	r.follows(advert(99, above), 600*time.Millisecond, 2600*time.Millisecond)
	r.wants(down-1, advert(99, above))
	r.wants(down, advert(99, above), "send priority 100", "own", "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
}

func TestReleaseStartsTheSkewTime_T32(t *testing.T) {
	r := inBackup(t, base())
	r.follows(advert(200, above), 0, 2*time.Second)
	r.wants(3*time.Second, advert(0, above))
	r.due(3*time.Second + skew - window)
	r.wants(3*time.Second+skew-window, vrrp.Tick{}, "probe")
	r.wants(3*time.Second+skew, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-released, peer 10.0.0.6)")
}

func TestAReleaseTakenBackIsNoTakeOver(t *testing.T) {
	r := inBackup(t, base())
	r.at(time.Second, advert(0, above))
	r.wants(time.Second+skew/2, advert(200, above))
	r.due(time.Second + skew/2 + probing)
}

// RFC 9568 6.4.2: a released virtual router is taken with preemption or without.
func TestWithoutPreemptionAReleaseIsStillTaken_T32(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.Preempt = false }))
	r.at(0, advert(50, above))
	r.at(time.Second, advert(0, above))
	r.wants(time.Second+skew-window, vrrp.Tick{}, "probe")
	r.wants(time.Second+skew, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-released, peer 10.0.0.6)")
}

// T34, RFC 9568 6.4.2: advert, then addresses, then (when they are there) gratuitous ARP.
func TestTakeOverIsAdvertThenAddressesThenARP_T34(t *testing.T) {
	r := inBackup(t, base())
	r.follows(advert(200, above), 0, 0)
	r.wants(probing, vrrp.Tick{}, "probe")
	r.wants(down, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
	r.wants(down+time.Millisecond, vrrp.Owned{}, "announce")
}

// RFC 5227 2.1.1 in the last tenth of the silence.
func TestTheProbeIsSentInTheLastTenthAndCostsNoTime(t *testing.T) {
	r := inBackup(t, base())
	r.due(down - down/10)
	r.wants(down-down/10-1, vrrp.Tick{})
	r.wants(down-down/10, vrrp.Tick{}, "probe")
	r.due(down)
	r.wants(down-1, vrrp.Tick{})
	r.wants(down, vrrp.Tick{}, "send priority 100", "own", takenAlone)
}

func TestALateProbeStillGetsItsTimeForAnAnswer(t *testing.T) {
	r := inBackup(t, base())
	r.wants(down+time.Second, vrrp.Tick{}, "probe")
	r.due(down + time.Second + window)
	r.wants(down+time.Second+window, vrrp.Tick{}, "send priority 100", "own", takenAlone)
}

func TestAnAnswerThatNobodyAskedForIsIgnored(t *testing.T) {
	r := inBackup(t, base())
	r.wants(time.Second, vrrp.Answered{Holder: "02:00:00:00:00:06"})
	r.at(probing, vrrp.Tick{})
	r.wants(down, vrrp.Tick{}, "send priority 100", "own", takenAlone)
}

func TestAnAdvertForgetsTheProbeAndItsAnswer(t *testing.T) {
	r := inBackup(t, base())
	r.at(probing, vrrp.Tick{})
	r.at(probing, vrrp.Answered{Holder: "02:00:00:00:00:06"})
	heard := down - 1
	r.wants(heard, advert(200, above))
	r.due(heard + probing)
	r.wants(heard+probing, vrrp.Tick{}, "probe")
	r.wants(heard+down, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
}

func TestAnAnsweredAddressIsWaitedForUntilItIsFree(t *testing.T) {
	r := inBackup(t, base())
	r.wants(probing, vrrp.Tick{}, "probe")
	r.at(probing, vrrp.Answered{Holder: "02:00:00:00:00:06"})
	r.wants(down, vrrp.Tick{}, "note address-answered", "probe")
	r.due(down + window)
	r.at(down, vrrp.Answered{Holder: "02:00:00:00:00:06"})
	r.wants(down+window, vrrp.Tick{}, "probe") // noted once
	r.wants(down+2*window, vrrp.Tick{}, "send priority 100", "own", takenAlone)
}

// The kernel of a dead router lets go within the lifetime and its slack.
func TestAnAddressThatIsAlwaysAnsweredIsTakenAfterItsLifetime(t *testing.T) {
	const limit = 2*time.Second + 1250*time.Millisecond
	for name, cfg := range map[string]vrrp.Config{
		"1 s":    base(),
		"10 ms":  with(func(c *vrrp.Config) { c.Interval = 10 * time.Millisecond }),
		"40.9 s": with(func(c *vrrp.Config) { c.Interval = 40900 * time.Millisecond }),
	} {
		t.Run(name, func(t *testing.T) {
			r := inBackup(t, cfg)
			begin := cfg.DownInterval(cfg.Interval)
			var probes int
			var last []string
			for r.m.State() == vrrp.Backup {
				now := r.m.Deadline().Sub(epoch)
				if now > begin+limit {
					t.Fatalf("still waiting at %s, want no later than %s", now, begin+limit)
				}
				last = r.at(now, vrrp.Tick{})
				if count(last, "probe") > 0 {
					probes++
					r.at(now, vrrp.Answered{Holder: "02:00:00:00:00:06"})
				}
				if now < begin+limit && r.m.State() == vrrp.Active {
					t.Fatalf("taken at %s, want %s", now, begin+limit)
				}
			}
			if last[0] != "note address-contest" {
				t.Errorf("taken with %q, want the contest noted", last)
			}
			if probes < 2 {
				t.Errorf("asked %d times, want again and again", probes)
			}
		})
	}
}

func TestTheWaitForAnAddressBeginsAnewAfterAnAdvert(t *testing.T) {
	r := inBackup(t, base())
	answered := func(d time.Duration) {
		r.at(d, vrrp.Tick{})
		r.at(d, vrrp.Answered{Holder: "x"})
	}
	answered(probing)
	answered(down)
	r.at(down, advert(200, above))
	answered(down + probing)
	r.wants(2*down, vrrp.Tick{}, "note address-answered", "probe")
	r.at(2*down, vrrp.Answered{Holder: "x"})
	r.wants(2*down+window, vrrp.Tick{}, "probe")
}

func TestAskingAgainIsNeverABusyLoop(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.Interval = 10 * time.Millisecond }))
	var asked []time.Duration
	for r.m.State() == vrrp.Backup {
		now := r.m.Deadline().Sub(epoch)
		if count(r.at(now, vrrp.Tick{}), "probe") > 0 {
			asked = append(asked, now)
			r.at(now, vrrp.Answered{Holder: "x"})
		}
	}
	for i := 2; i < len(asked); i++ {
		if gap := asked[i] - asked[i-1]; gap < 50*time.Millisecond {
			t.Fatalf("asked again after %s, want at least 50ms", gap)
		}
	}
}

// A lower Active router that is alive answers for its address, so it is not asked.
func TestPreemptionNeitherProbesNorWaits(t *testing.T) {
	for name, every := range map[string]time.Duration{"its interval is ours": time.Second, "slower": 5 * time.Second, "faster": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			r := inBackup(t, base())
			var seen []string
			var at time.Duration
			for at = every / 2; r.m.State() == vrrp.Backup; at += every {
				for d := r.m.Deadline().Sub(epoch); d < at; d = r.m.Deadline().Sub(epoch) {
					seen = append(seen, r.at(d, vrrp.Tick{})...)
				}
				seen = append(seen, r.at(at, advertEvery(every, 50, above))...)
			}
			if count(seen, "probe") > 0 {
				t.Errorf("probed: %q", seen)
			}
			if last := seen[len(seen)-1]; last != "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)" {
				t.Errorf("took over with %q", last)
			}
			if at -= every; at > down+every {
				t.Errorf("took over at %s, want within an interval of %s", at, down)
			}
		})
	}
}

func TestALowerRouterThatWentSilentIsProbed(t *testing.T) {
	r := inBackup(t, base())
	r.at(time.Second, advert(50, above))
	r.wants(time.Second+probing, vrrp.Tick{}, "probe")
	r.wants(time.Second+down, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
}

// A router that was made lower than the Active one follows it, whatever it planned.
func TestNobodyPreemptsAfterBeingMadeLower(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 30 * time.Second }))
	r.follows(advert(90, above), 0, 29*time.Second)
	r.at(29500*time.Millisecond, vrrp.Reprioritized{Priority: 50})
	r.follows(advert(90, above), 30*time.Second, 100*time.Second)
}

func TestARouterThatIsMadeHigherPreempts(t *testing.T) {
	r := inBackup(t, base())
	r.follows(advert(120, above), 0, 10*time.Second)
	r.at(10*time.Second, vrrp.Reprioritized{Priority: 150})
	r.follows(advert(120, above), 11*time.Second, 13*time.Second)
	r.wants(14*time.Second, advert(120, above), "send priority 150", "own", "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
}

// T35.
func TestNoPreemptFollowsALowerRouterForAsLongAsItLives_T35(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.Preempt = false }))
	r.follows(advert(1, above), 0, 100*time.Second)
	r.due(100*time.Second + probing)
	r.at(100*time.Second+probing, vrrp.Tick{})
	r.wants(100*time.Second+down, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
}

// RFC 9568 6.1 Preempt_Mode: the owner always preempts, whatever the flag says.
func TestTheOwnerPreemptsEvenWithNoPreempt_T35(t *testing.T) {
	r := newRouter(t, with(func(c *vrrp.Config) { c.Priority, c.Preempt = vrrp.PriorityOwner, false }))
	r.at(0, vrrp.Startup{Address: ours})
	r.at(time.Hour, vrrp.Tick{}) // paused, and another one rules now
	r.is(vrrp.Backup)
	for d := time.Hour; d < time.Hour+10*time.Second; d += 100 * time.Millisecond {
		if d%time.Second == 0 {
			r.at(d, advert(100, above))
		}
		r.at(d, vrrp.Tick{})
	}
	r.is(vrrp.Active)
}

func TestPreemptDelayCountsFromTheFirstLowerAdvert_T35(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 30 * time.Second }))
	r.follows(advert(50, above), time.Second, 30*time.Second)
	r.wants(31*time.Second-1, advert(50, above))
	r.wants(31*time.Second, advert(50, above), "send priority 100", "own", "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
}

func TestALostAdvertAtTheEndOfThePreemptDelayCostsOneInterval_T35(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 30 * time.Second }))
	r.follows(advert(50, above), time.Second, 30*time.Second)
	r.wants(31500*time.Millisecond, vrrp.Tick{})
	r.at(32*time.Second, advert(50, above))
	r.is(vrrp.Active)
}

func TestPreemptDelayBeginsAnewAfterAHigherRouter_T35(t *testing.T) {
	for _, priority := range []uint8{100, 200} {
		r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 10 * time.Second }))
		r.follows(advert(50, above), 0, 9*time.Second)
		r.at(9500*time.Millisecond, advert(priority, above))
		r.follows(advert(50, above), 10*time.Second, 19*time.Second)
		r.wants(20*time.Second, advert(50, above), "send priority 100", "own", "BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
	}
}

func TestDeathDuringThePreemptDelayIsTakenAfterTheDownInterval_T35(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 30 * time.Second }))
	r.follows(advert(50, above), 0, 5*time.Second)
	r.wants(5*time.Second+probing, vrrp.Tick{}, "probe")
	r.wants(5*time.Second+down, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
}

func TestReleaseDuringThePreemptDelayIsTakenAfterTheSkewTime_T35(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 30 * time.Second }))
	r.follows(advert(50, above), 0, 5*time.Second)
	r.at(6*time.Second, advert(0, above))
	r.wants(6*time.Second+skew-window, vrrp.Tick{}, "probe")
	r.wants(6*time.Second+skew, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-released, peer 10.0.0.6)")
}

func TestThePreemptDelayOfASilentRouterStartsNothing_T35(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 2 * time.Second }))
	r.at(0, advert(50, above))
	r.wants(2*time.Second, vrrp.Tick{}) // silent for two intervals: no pre-emption
	r.due(probing)
}

// T62: who did not run for a down interval cannot know who rules.
func TestALateTickInBackupListensAnew_T62(t *testing.T) {
	r := inBackup(t, base())
	r.wants(2*down+1, vrrp.Tick{}, "note paused")
	r.is(vrrp.Backup)
	r.due(2*down + 1 + probing)

	r = inBackup(t, base()) // also when the probe was already out
	r.at(probing, vrrp.Tick{})
	r.wants(2*down+1, vrrp.Tick{}, "note paused")
	r.due(2*down + 1 + probing)

	r = inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = 5 * time.Second }))
	r.at(0, advert(50, above))
	r.wants(time.Hour, vrrp.Tick{}, "note paused")
	r.due(time.Hour + probing) // the delay is forgotten too
	r.at(time.Hour, advert(50, above))
	r.is(vrrp.Backup)
}

// T62: so it is when the first event is an advert that was read late.
func TestALateAdvertInBackupPreemptsNobody_T62(t *testing.T) {
	for name, delay := range map[string]time.Duration{"at once": 0, "with preempt_delay": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			r := inBackup(t, with(func(c *vrrp.Config) { c.PreemptDelay = delay }))
			r.at(time.Second, advert(50, above))
			r.wants(time.Hour, advert(50, above), "note paused")
			r.is(vrrp.Backup)
		})
	}
}

func TestAMerelyLateTickInBackupTakesOver(t *testing.T) {
	r := inBackup(t, base())
	r.at(probing, vrrp.Tick{})
	r.wants(2*down, vrrp.Tick{}, "send priority 100", "own", takenAlone)
}

func TestInAPairAReleaseIsNotWaitedOutBySkewTime(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.Pair = true; c.Interval = 200 * time.Millisecond }))
	r.at(100*time.Millisecond, advert(vrrp.PriorityRelease, above))
	r.wants(105*time.Millisecond, vrrp.Tick{}, "probe")
	r.wants(115*time.Millisecond, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-released, peer "+above.String()+")")
}

func TestInAPairAReleasedAddressIsWaitedForWithoutAlarm(t *testing.T) {
	r := inBackup(t, with(func(c *vrrp.Config) { c.Pair = true; c.Interval = 200 * time.Millisecond }))
	r.at(100*time.Millisecond, advert(vrrp.PriorityRelease, above))
	r.at(105*time.Millisecond, vrrp.Tick{})
	r.at(106*time.Millisecond, vrrp.Answered{Holder: "x"})
	r.wants(115*time.Millisecond, vrrp.Tick{}, "probe") // its kernel was not done yet
	r.wants(125*time.Millisecond, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-released, peer "+above.String()+")")
}

// TestADaemonThatEndedIsAskedForOnceAnAdvertIsOverdue: its kernel answers until its gate is shut,
// and nobody waits for the end of the silence. Who advertises all the same is followed.
func TestADaemonThatEndedIsAskedForOnceAnAdvertIsOverdue(t *testing.T) {
	r := inBackup(t, base())
	r.at(5*time.Second, advert(200, above))
	r.wants(5200*time.Millisecond, vrrp.PeerEnded{})
	const overdue = 5*time.Second + time.Second + time.Second/8
	r.due(overdue - 30*time.Millisecond)
	r.at(5900*time.Millisecond, advert(200, above))
	r.due(5900*time.Millisecond + probing)
	r.wants(6*time.Second, vrrp.PeerEnded{})
	r.wants(6995*time.Millisecond, vrrp.Tick{}, "probe")
	r.at(6996*time.Millisecond, vrrp.Answered{Holder: "02:00:00:00:00:06"})
	r.wants(7026*time.Millisecond, vrrp.Tick{}, "probe")
	r.wants(7056*time.Millisecond, vrrp.Tick{}, "send priority 100", "own", "BACKUP -> ACTIVE (peer-ended, peer 10.0.0.6)")
}
