package supervisor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// loser is a node that has just lost a conflict with one of that priority.
func loser(t *testing.T, change func(*supervisor.Arbitration)) (*script, *other, []string) {
	cfg := linked(named(base()))
	cfg.Arbitration.HoldOff = 30 * time.Second
	change(&cfg.Arbitration)
	s, o := holding(t, cfg), newOther(fencing.Holds, 200)
	o.say.Claims[0].Long = true
	out := s.beats(o, 400*time.Millisecond)
	return s, o, out
}

func asItIs(*supervisor.Arbitration) {}

func TestTheLoserOfAConflictStaysOutForItsTime(t *testing.T) {
	s, o, out := loser(t, asItIs)
	if !slices.Contains(out, "web note conflict-lost") {
		t.Errorf("no word of it in %q", out)
	}
	s.out(supervisor.ReasonHeldOff)
	o.say.Claims[0].Role = fencing.Standby // nothing that the other node does shortens it
	s.beats(o, 29*time.Second)
	s.out(supervisor.ReasonHeldOff)
	s.beats(o, time.Second)
	s.in()
}

func TestAHoldOffLastsUntilItIsCleared(t *testing.T) {
	s, o, _ := loser(t, func(a *supervisor.Arbitration) { a.HoldOff, a.UntilCleared = 0, true })
	s.beats(o, time.Hour/30)
	s.out(supervisor.ReasonHeldOff)
	if got := s.node.HeldOff(); !slices.Equal(got, []string{"web"}) {
		t.Errorf("held off: %q", got)
	}
	s.tell(supervisor.Clear{})
	s.in()
	if got := s.node.HeldOff(); got != nil {
		t.Errorf("still held off: %q", got)
	}
}

func TestWithoutAHoldOffTheLoserStandsBy(t *testing.T) {
	s, _, out := loser(t, func(a *supervisor.Arbitration) { a.HoldOff = 0 })
	s.state("web", vrrp.Backup)
	if !slices.Contains(out, "web note conflict-lost") {
		t.Errorf("no word of it in %q", out)
	}
}

// Each may have taken the other for the winner.
func TestOfTwoThatStayOutTheFirstComesBack(t *testing.T) {
	for priority, back := range map[uint8]bool{100: true, 200: false} {
		s, o, _ := loser(t, asItIs)
		o.say.Claims[0] = fencing.Claim{Router: fencing.RouterKey("web"), Role: fencing.Out, Priority: priority, HeldOff: true}
		s.beats(o, time.Second)
		if got := len(s.node.HeldOff()) == 0; got != back {
			t.Errorf("beside one with priority %d it comes back: %t", priority, got)
		}
	}
}

func TestPreemptionIsNoConflict(t *testing.T) {
	cfg := linked(named(base()))
	cfg.Arbitration.HoldOff = 30 * time.Second
	s, o := holding(t, cfg), newOther(fencing.Standby, 200)
	s.beats(o, time.Second)
	o.say.Claims[0].Role = fencing.Holds // it has only just begun
	s.tell(advertTo(cfg, "web", 200))
	s.wantsNo(s.beats(o, 3*time.Second), "web note conflict-lost")
	s.state("web", vrrp.Backup)
}

// stopsProxy is the policy of a loser whose proxy is to be stopped.
func stopsProxy(a *supervisor.Arbitration) { a.StopProxy = true }

func TestTheLosersProxyIsStoppedAndStartedAgain(t *testing.T) {
	s, o, out := loser(t, stopsProxy)
	if !slices.Contains(out, "halt") {
		t.Fatalf("no halt in %q", out)
	}
	rest := supervisor.UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Result: "success"}
	s.tell(supervisor.HaltDone{}, good) // a look that was under way
	s.tell(unit(rest), deaf)
	out = s.beats(o, 29*time.Second)
	s.wantsNo(out, "halt")
	s.wantsNo(out, "run test")
	if got := s.beats(o, 2*time.Second); !slices.Contains(got, "run test") {
		t.Errorf("it is not started again: %q", got)
	}
}

func TestAnOperatorMayStartTheLosersProxy(t *testing.T) {
	s, o, _ := loser(t, stopsProxy)
	rest := supervisor.UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Result: "success"}
	s.tell(supervisor.HaltDone{}, unit(rest), deaf, unit(starts), unit(active), good, good, good)
	s.wantsNo(s.beats(o, 20*time.Second), "halt")
	s.phase(supervisor.Good)
	s.out(supervisor.ReasonHeldOff)
}

func TestWhatAnOperatorStopsMeanwhileStaysStopped(t *testing.T) {
	s, o, _ := loser(t, stopsProxy)
	s.tell(supervisor.HaltDone{}, unit(stopped), deaf)
	s.wantsNo(s.beats(o, time.Minute), "run test")
	s.phase(supervisor.Stopped)
}
