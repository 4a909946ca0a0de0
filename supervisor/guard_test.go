package supervisor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func TestOneGoodLookIsEnoughAtTheStart(t *testing.T) {
	cfg := base()
	cfg.Probes[0].Rise = 5
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link())
	s.out(supervisor.ReasonStarting)
	s.wants(s.tell(unit(active)))
	s.out(supervisor.ReasonStarting)
	s.wants(s.tell(good), "web INIT -> BACKUP (started)")
	s.phase(supervisor.Good)
}

func TestAUnitAloneIsEnoughWithoutProbes(t *testing.T) {
	cfg := base()
	cfg.Probes = nil
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link())
	s.wants(s.tell(unit(active)), "web INIT -> BACKUP (started)")
}

func TestNothingIsGuardedWithoutAProxy(t *testing.T) {
	cfg := base()
	cfg.Proxy, cfg.Probes = supervisor.Proxy{}, nil
	s := play(t, cfg)
	s.wants(s.tell(supervisor.Start{}, link()), "web INIT -> BACKUP (started)")
}

func TestADeadProxyIsTestedAndRestartedWhileTheNodeStaysIn(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(unit(failed)), "note proxy-failed", "run test")
	s.phase(supervisor.Testing)
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart")
	s.phase(supervisor.Restarting)
	s.wants(s.tell(unit(starts), unit(active), supervisor.RestartDone{}), "look now")
	s.phase(supervisor.Settling)
	s.wants(s.tell(good), "note proxy-recovered")
	s.phase(supervisor.Good)
	s.state("web", vrrp.Active)
	if v := s.node.View(s.now).Proxy; v.Restarts != 1 || v.Budget != 4 || v.Why != "" {
		t.Errorf("%d restarts, %d left, problem %q; want 1, 4 and none", v.Restarts, v.Budget, v.Why)
	}
}

func TestABadProbeFailsARunningProxy(t *testing.T) {
	for name, c := range map[string]struct {
		look    supervisor.Looked
		restart string
	}{
		"that does not answer, which is killed first": {deaf, "kill and restart"},
		"that answers, which may end in order":        {wrong, "restart"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := base()
			cfg.Proxy.Ladder.SkipReload = true
			s := holding(t, cfg)
			s.wants(s.tell(c.look), "note proxy-failed", "run test")
			s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", c.restart)
		})
	}
}

func TestAHangingStopIsEndedByKill(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(supervisor.UnitState{Load: "loaded", Active: "deactivating", Sub: "stop-sigterm"}))
	s.phase(supervisor.Settling)
	s.wants(s.pass(3*time.Second), "note proxy-failed", "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart")
}

func TestALookFromBeforeTheRestartIsNotEnough(t *testing.T) {
	cfg := base()
	cfg.Probes[0].Fall = 2 // one bad look leaves the opinion good
	s := holding(t, cfg)
	s.tell(unit(failed), supervisor.TestDone{}, unit(active), supervisor.RestartDone{})
	s.phase(supervisor.Settling)
	s.tell(unit(active), supervisor.Tick{})
	s.phase(supervisor.Settling)
	s.tell(good)
	s.phase(supervisor.Good)
}

func TestWithoutProbesARestartedUnitIsEnough(t *testing.T) {
	cfg := base()
	cfg.Probes = nil
	s := holding(t, cfg)
	s.tell(unit(failed), supervisor.TestDone{}, unit(active), supervisor.RestartDone{})
	s.phase(supervisor.Good)
	s.state("web", vrrp.Active)
}

func TestAtTheStartAProxyThatAnswersWrongIsNotRestarted(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{}, link(), unit(active))
	s.wants(s.tell(wrong), "note proxy-down", "web INIT -> FAULT (proxy-down)")
	for range 5 { // nor later
		s.wantsNo(s.pass(time.Minute), "restart")
		s.wantsNo(s.tell(wrong), "restart")
	}
	if why := s.node.View(s.now).Proxy.Why; !strings.Contains(why, "503, want 200") {
		t.Errorf("why %q does not say what the probe saw", why)
	}
}

func TestAtTheStartAProxyThatIsDeadOrDeafIsRestarted(t *testing.T) {
	for name, evs := range map[string][]supervisor.Event{
		"dead": {unit(failed)},
		"deaf": {unit(active), deaf},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, base())
			s.tell(supervisor.Start{}, link())
			if got := s.tell(evs...); !has(got, "run test") {
				t.Errorf("it wants %q, no test", got)
			}
			s.out(supervisor.ReasonProxyDown)
		})
	}
}

func TestAnOperatorsStopReleasesAndIsNeverUndone(t *testing.T) {
	for name, u := range map[string]supervisor.UnitState{
		"stopped":                         stopped,
		"stop job pending, not yet down":  withJob(supervisor.UnitState{Load: "loaded", Active: "deactivating"}, "stop"),
		"stopped, and the unit failed so": {Load: "loaded", Active: "failed", Result: "timeout", StopAsked: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := holding(t, base())
			s.wants(s.tell(unit(u)),
				"note proxy-stopped", "web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-stopped)")
			s.out(supervisor.ReasonProxyStopped)
			s.wants(s.tell(deaf, deaf, unit(stopped), supervisor.TestDone{}, supervisor.RestartDone{}))
			s.wants(s.pass(24 * time.Hour))
			s.out(supervisor.ReasonProxyStopped)

			s.tell(unit(active), good)
			s.out(supervisor.ReasonProxyReturns)
			s.tell(good, good)
			s.in()
		})
	}
}

func TestAnOperatorsStopEndsTheLadderOnEveryRung(t *testing.T) {
	climb := []supervisor.Event{unit(failed), supervisor.TestDone{}, supervisor.RestartDone{}}
	for rungs := 1; rungs <= len(climb); rungs++ {
		s := holding(t, base())
		s.tell(climb[:rungs]...)
		s.tell(unit(stopped), supervisor.TestDone{}, supervisor.RestartDone{Problem: "canceled"})
		s.out(supervisor.ReasonProxyStopped)
		s.wantsNo(s.pass(time.Hour), "restart")
	}
}

func TestAStoppedProxyThatAnOperatorStartsGetsItsFullLadder(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{}, unit(starts), unit(failed), supervisor.RestartDone{Problem: "exit 1"},
		supervisor.TestDone{}, unit(stopped), supervisor.RestartDone{Problem: "canceled"}) // on the second attempt of two
	s.out(supervisor.ReasonProxyStopped)
	s.tell(deaf)
	s.pass(time.Hour)
	s.tell(unit(active), deaf)
	s.phase(supervisor.Settling)
	if got := s.pass(3 * time.Second); !has(got, "run test") {
		t.Errorf("it wants %q: attempts from before the stop count", got)
	}
}

func TestSomebodysRestartIsWatchedNotJoined(t *testing.T) {
	restarting := withJob(supervisor.UnitState{Load: "loaded", Active: "deactivating"}, "restart")
	between := withJob(supervisor.UnitState{Load: "loaded", Active: "inactive"}, "restart")
	s := holding(t, base())
	s.wants(s.tell(unit(restarting)), "note proxy-failed")
	s.phase(supervisor.Settling)
	s.wants(s.tell(deaf, unit(between), deaf))
	s.wants(s.tell(unit(active), good), "note proxy-recovered")
	s.state("web", vrrp.Active)

	s.tell(unit(restarting))
	s.wants(s.pass(3*time.Second), "note proxy-down", "web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
	s.wantsNo(s.pass(time.Hour), "restart")
	if n := s.node.View(s.now).Proxy.Restarts; n != 0 {
		t.Errorf("%d restarts of ours", n)
	}
}

// On whatever rung somebody's own start or restart comes.
func TestSomebodysJobIsNotJoinedOnAnyRung(t *testing.T) {
	between := withJob(supervisor.UnitState{Load: "loaded", Active: "activating"}, "start")
	for name, before := range map[string][]supervisor.Event{
		"while the test runs":              {unit(failed), unit(between), supervisor.TestDone{}},
		"when the restart was refused":     {unit(failed), supervisor.TestDone{}, unit(between), supervisor.RestartDone{Problem: "another order is pending"}},
		"while good looks are counted":     {unit(stopped), unit(active), good, unit(between), deaf, deaf},
		"while systemd restarts by itself": {unit(stopped), unit(active), good, unit(starts), deaf, deaf},
	} {
		t.Run(name, func(t *testing.T) {
			s := holding(t, base())
			s.tell(before...)
			s.phase(supervisor.Settling)
			s.tell(unit(active), good, good, good)
			s.phase(supervisor.Good)
		})
	}
}

// HAProxy's unit has Restart=always: systemd is quicker than a ladder.
func TestAUnitThatSystemdRestartsIsWatched(t *testing.T) {
	auto := supervisor.UnitState{Load: "loaded", Active: "activating", Sub: "auto-restart", Result: "signal"}
	s := holding(t, base())
	s.wants(s.tell(unit(auto)), "note proxy-failed")
	s.wants(s.tell(deaf, unit(starts)))
	s.wants(s.tell(unit(active), good), "note proxy-recovered")
	s.state("web", vrrp.Active)

	s.tell(unit(auto)) // and when it does not help, the ladder begins
	s.wants(s.pass(3*time.Second), "note proxy-failed", "run test")
}

func TestAMissingUnitIsSaidAndAwaited(t *testing.T) {
	for _, load := range []string{"not-found", "masked", "bad-setting"} {
		t.Run(load, func(t *testing.T) {
			s := play(t, base())
			s.tell(supervisor.Start{}, link())
			u := missing
			u.Load = load
			s.wants(s.tell(unit(u)), "note proxy-missing", "web INIT -> FAULT (proxy-missing)")
			if d := s.node.Router("web").Detail; !strings.Contains(d, "nginx.service is "+load) {
				t.Errorf("detail %q", d)
			}
			s.wants(s.pass(time.Hour))
			s.tell(unit(active), good, good, good)
			s.in()
		})
	}
}

func TestAMissingUnitThatAppearsIsStarted(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{}, link(), unit(missing))
	appeared := supervisor.UnitState{Load: "loaded", Active: "inactive"}
	if got := s.tell(unit(appeared)); !has(got, "run test") {
		t.Errorf("it wants %q", got)
	}
}

func TestLostSystemdKeepsAHealthyProxysNodeIn(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(unit(lost)), "note systemd-lost")
	s.wants(s.tell(good, unit(lost), good))
	s.pass(time.Hour)
	s.state("web", vrrp.Active)

	s.wants(s.tell(deaf), "note proxy-failed", "run test") // the probe decides
	s.tell(supervisor.TestDone{}, supervisor.RestartDone{Problem: "no connection"}, supervisor.RestartDone{Problem: "no connection"},
		supervisor.TestDone{}, supervisor.RestartDone{Problem: "no connection"})
	s.out(supervisor.ReasonProxyDown)
	s.tell(unit(active), good, good, good)
	s.in()
}

func TestUnknownSystemdAtTheStartKeepsOut(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{}, link(), unit(lost), good)
	s.out(supervisor.ReasonProxyUnknown)
	s.tell(unit(active), good)
	s.in()
}

func TestReturningNeedsRiseGoodLooks(t *testing.T) {
	cfg := base()
	cfg.Proxy.Rise = 3
	s := holding(t, cfg)
	s.tell(unit(stopped), deaf, unit(active), good)
	s.out(supervisor.ReasonProxyReturns)
	s.tell(good, good)
	s.out(supervisor.ReasonProxyReturns)
	s.tell(good)
	s.in()
}

func TestABadLookWhileReturningBeginsTheCountAnew(t *testing.T) {
	cfg := base()
	cfg.Proxy.Rise = 2
	cfg.Probes[0].Fall = 2
	s := holding(t, cfg)
	s.tell(unit(stopped), unit(active), good, deaf, good)
	s.out(supervisor.ReasonProxyReturns)
	s.tell(good)
	s.in()
}

func TestReturningWithoutProbesTakesRiseLooksAtTheUnit(t *testing.T) {
	cfg := base()
	cfg.Probes = nil
	cfg.Proxy.Rise = 3
	s := holding(t, cfg)
	s.tell(unit(stopped), unit(active))
	s.pass(1400 * time.Millisecond)
	s.out(supervisor.ReasonProxyReturns)
	s.pass(200 * time.Millisecond)
	s.in()
}

func TestAProxyThatDiesWhileReturningIsRestarted(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(stopped), unit(active), good)
	s.out(supervisor.ReasonProxyReturns)
	if got := s.tell(unit(failed)); !has(got, "run test") {
		t.Errorf("it wants %q", got)
	}
	s.out(supervisor.ReasonProxyDown)
}

func TestAUnitThatStartsForEverKeepsNobodyInInit(t *testing.T) {
	for name, u := range map[string]supervisor.UnitState{
		"by somebody's order": withJob(starts, "start"),
		"by itself":           starts,
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, base())
			s.tell(supervisor.Start{}, link())
			s.wants(s.tell(unit(u), deaf))
			s.out(supervisor.ReasonStarting)
			s.wants(s.pass(3*time.Second), "note proxy-down", "web INIT -> FAULT (proxy-down)")
			if d := s.node.Router("web").Detail; !strings.Contains(d, "longer than 3s: systemctl status nginx.service") {
				t.Errorf("detail %q", d)
			}
			// It may still come up, but after retry it has had more than restart_timeout.
			s.wants(s.pass(time.Minute), "note proxy-failed", "run test")
			s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart")
			s.tell(unit(failed), unit(starts), unit(active), supervisor.RestartDone{}, good, good, good)
			s.in()
		})
	}
}

func TestAStartThatHasTimeLeftIsNotHastened(t *testing.T) {
	cfg := base()
	cfg.Proxy.RestartTimeout = 90 * time.Second
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(withJob(starts, "start")))
	s.wantsNo(s.pass(89*time.Second), "restart")
	s.tell(unit(active), good, good, good)
	s.in()
}

func TestAMaskedUnitThatDiesIsNotRestarted(t *testing.T) {
	masked := failed
	masked.Load = "masked"
	for name, before := range map[string][]supervisor.Event{
		"while good":            nil,
		"while the test runs":   {unit(failed)},
		"while it is restarted": {unit(failed), supervisor.TestDone{}},
		"after giving up":       {unit(failed), supervisor.TestDone{Problem: "exit 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := holding(t, base())
			s.tell(before...)
			s.tell(unit(masked), supervisor.TestDone{}, supervisor.RestartDone{Problem: "Unit nginx.service is masked."})
			s.out(supervisor.ReasonProxyMissing)
			if d := s.node.Router("web").Detail; !strings.Contains(d, "systemctl unmask nginx.service") {
				t.Errorf("detail %q", d)
			}
			s.wantsNo(s.pass(time.Hour), "restart")
		})
	}
}
