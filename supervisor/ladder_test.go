package supervisor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func TestAFailedTestGivesUpAtOnceWithItsWords(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed))
	s.wants(s.tell(supervisor.TestDone{Problem: "nginx -t: exit 1: unknown directive"}),
		"note proxy-test-failed", "note proxy-down", "web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
	if v := s.node.View(s.now); v.Proxy.Why != "nginx -t: exit 1: unknown directive" || v.Routers[0].Detail != v.Proxy.Why || v.Proxy.Restarts != 0 {
		t.Errorf("why %q, detail %q, %d restarts", v.Proxy.Why, v.Routers[0].Detail, v.Proxy.Restarts)
	}
}

func TestTwoRestartsThatFailAreEnough(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{})
	s.wants(s.tell(unit(starts), unit(failed), supervisor.RestartDone{Problem: "exit-code (exit 1)"}), "note proxy-restart-failed", "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart") // what is left of it may be in the way
	s.wants(s.tell(unit(starts), unit(failed), supervisor.RestartDone{Problem: "exit-code (exit 1)"}),
		"note proxy-restart-failed", "note proxy-down", "web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
	s.phase(supervisor.GivenUp)
}

func TestARestartThatDoesNotSettleIsTriedAgain(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{}, unit(active), supervisor.RestartDone{}, deaf)
	s.wants(s.pass(3*time.Second), "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart")
	s.tell(supervisor.RestartDone{}, deaf)
	if got := s.pass(3 * time.Second); !has(got, "FAULT (proxy-down)") {
		t.Errorf("it wants %q, not to give up", got)
	}
}

func TestWithoutATestTheRestartComesAtOnce(t *testing.T) {
	cfg := base()
	cfg.Proxy.Test = nil
	s := holding(t, cfg)
	s.wants(s.tell(unit(failed)), "note proxy-failed", "note proxy-restarting", "restart")
}

func TestTheStartLimitIsClearedOnceAndIsNoAttempt(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{})
	refused := supervisor.RestartDone{Problem: "start-limit-hit", Limited: true}
	s.wants(s.tell(refused), "note start-limit", "note proxy-restarting", "restart after reset-failed")
	s.wants(s.tell(refused), "note proxy-restart-failed", "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart after reset-failed") // still the second attempt of two
	s.wants(s.tell(unit(starts), unit(active), supervisor.RestartDone{}, good), "look now", "note proxy-recovered")
	if v := s.node.View(s.now).Proxy; v.Resets != 1 || v.Restarts != 2 || v.Budget != 3 {
		t.Errorf("%d limits cleared, %d restarts, %d left; want 1, 2 and 3", v.Resets, v.Restarts, v.Budget)
	}
}

func TestOnlyAStartLimitIsClearedNotWhateverDidNotMoveTheUnit(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{})
	s.wants(s.tell(supervisor.RestartDone{Problem: "not permitted"}), "note proxy-restart-failed", "run test")
	if v := s.node.View(s.now).Proxy; v.Resets != 0 || v.Restarts != 1 {
		t.Errorf("%d limits cleared, %d restarts; want 0 and 1", v.Resets, v.Restarts)
	}
}

func TestTheBudgetEndsTheLadder(t *testing.T) {
	cfg := base()
	cfg.Proxy.Test, cfg.Proxy.Budget = nil, 3
	s := holding(t, cfg)
	for range 3 {
		s.pass(time.Minute)
		s.tell(unit(failed), unit(starts), unit(active), supervisor.RestartDone{}, good)
		s.phase(supervisor.Good)
	}
	s.wants(s.tell(unit(failed)), "note proxy-failed", "note restart-budget", "note proxy-down",
		"web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
	if left := s.node.View(s.now).Proxy.Budget; left != 0 {
		t.Errorf("%d left", left)
	}
	if got := s.pass(9 * time.Minute); !has(got, "restart") { // the oldest of the three leaves the window
		t.Errorf("never again: %q", got)
	}
}

func TestARefusedStartIsNotOfTheBudget(t *testing.T) {
	cfg := base()
	cfg.Proxy.Test, cfg.Proxy.Budget = nil, 1
	s := holding(t, cfg)
	s.tell(unit(failed))
	refused := supervisor.RestartDone{Problem: "start-limit-hit", Limited: true}
	s.wants(s.tell(refused), "note start-limit", "note proxy-restarting", "restart after reset-failed")
	if got := s.tell(refused); !has(got, "note restart-budget") {
		t.Errorf("it wants %q, does not say that the budget is spent", got)
	}
	s.out(supervisor.ReasonProxyDown)
}

func TestAfterGivingUpTheLadderIsTriedAgainLater(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{Problem: "exit 1"})
	s.wantsNo(s.pass(59*time.Second), "run test")
	s.wants(s.pass(time.Second), "note proxy-failed", "run test")
	s.out(supervisor.ReasonProxyDown) // in the meantime too
	s.tell(supervisor.TestDone{}, unit(active), supervisor.RestartDone{}, good)
	s.out(supervisor.ReasonProxyReturns)
	s.tell(good, good)
	s.in()
}

func TestARetryOfZeroIsNever(t *testing.T) {
	cfg := base()
	cfg.Proxy.Retry = 0
	s := holding(t, cfg)
	s.tell(unit(failed), supervisor.TestDone{Problem: "exit 1"})
	s.wants(s.pass(24 * time.Hour))
	s.out(supervisor.ReasonProxyDown)
}

func TestAProxyThatComesBackByItselfEndsTheLadder(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{Problem: "exit 1"})
	s.tell(unit(active), good)
	s.out(supervisor.ReasonProxyReturns)
	s.tell(good, good)
	s.in()
}

func TestOneTestRunsAtATime(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed))
	s.tell(unit(active)) // somebody was faster than the test
	s.phase(supervisor.Settling)
	s.wantsNo(s.tell(unit(failed)), "run test") // the first still runs, and its answer will do
	s.phase(supervisor.Testing)
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart")
}

func TestAnswersThatNobodyWaitsForAreDropped(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.TestDone{}, supervisor.TestDone{Problem: "x"}, supervisor.RestartDone{}, supervisor.RestartDone{Problem: "x"}))
	s.state("web", vrrp.Active)
}

func TestAProxyThatAnswersWrongIsReloadedThenRestartedThenKilled(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(wrong), "note proxy-failed", "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-reloading", "reload")
	s.phase(supervisor.Reloading)
	s.wants(s.tell(supervisor.ReloadDone{}), "look now")
	s.tell(wrong)
	s.wants(s.pass(3*time.Second), "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart")
	s.tell(unit(starts), unit(active), supervisor.RestartDone{}, wrong)
	s.wants(s.pass(3*time.Second), "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart")
	s.tell(unit(starts), unit(active), supervisor.RestartDone{}, wrong)
	s.wants(s.pass(3*time.Second), "note proxy-down", "web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
	if v := s.node.View(s.now).Proxy; v.Restarts != 2 || v.Reloads != 1 || v.Budget != 3 || !strings.Contains(v.Why, "503, want 200") {
		t.Errorf("%d restarts, %d reloads, %d left, why %q; want 2, 1, 3 and what the probe saw", v.Restarts, v.Reloads, v.Budget, v.Why)
	}
}

func TestAReloadThatHelpsIsNoRestart(t *testing.T) {
	s := holding(t, base())
	s.tell(wrong, supervisor.TestDone{}, supervisor.ReloadDone{})
	s.wants(s.tell(good), "note proxy-recovered")
	s.state("web", vrrp.Active)
	if v := s.node.View(s.now).Proxy; v.Restarts != 0 || v.Budget != 5 {
		t.Errorf("%d restarts, %d left; want 0 and 5", v.Restarts, v.Budget)
	}
}

func TestAReloadThatFailsIsFollowedByARestartWithoutAnotherTest(t *testing.T) {
	s := holding(t, base())
	s.tell(wrong, supervisor.TestDone{})
	s.wants(s.tell(supervisor.ReloadDone{Problem: "no ExecReload="}), "note proxy-reload-failed", "note proxy-restarting", "restart")
}

func TestADeafProxyIsNotReloadedBesideOneProbeThatIsGood(t *testing.T) {
	cfg := base()
	second := cfg.Probes[0]
	second.Name = "stats"
	cfg.Probes = append(cfg.Probes, second)
	s := holding(t, cfg)
	s.tell(deaf, supervisor.Looked{Probe: "stats", OK: true, Answered: true})
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "kill and restart")
}

func TestRungsCanBeLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		ladder supervisor.Ladder
		want   []string // after a good test, and after each answer that did not help
	}{
		"no reload":          {supervisor.Ladder{SkipReload: true}, []string{"restart", "kill and restart", "FAULT"}},
		"no kill":            {supervisor.Ladder{SkipKill: true}, []string{"reload", "restart", "restart", "FAULT"}},
		"only reload":        {supervisor.Ladder{SkipRestart: true, SkipKill: true}, []string{"reload", "FAULT"}},
		"no orderly restart": {supervisor.Ladder{SkipRestart: true}, []string{"reload", "kill and restart", "kill and restart", "FAULT"}},
		"none":               {supervisor.Ladder{SkipReload: true, SkipRestart: true, SkipKill: true}, []string{"FAULT"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := base()
			cfg.Proxy.Ladder, cfg.Proxy.Test = c.ladder, nil
			s := holding(t, cfg)
			got := s.tell(wrong)
			for i, want := range c.want {
				if i > 0 {
					s.tell(unit(starts), unit(active), supervisor.ReloadDone{}, supervisor.RestartDone{}, wrong)
					got = s.pass(3 * time.Second)
				}
				if want != "FAULT" && got[len(got)-1] != want || !has(got, want) {
					t.Fatalf("rung %d: it wants %q, not %q", i+1, got, want)
				}
			}
		})
	}
}

func TestGivingUpAgainWaitsTwiceAsLongUpToABound(t *testing.T) {
	cfg := base()
	cfg.Proxy.RetryMax = 3 * time.Minute
	s := holding(t, cfg)
	s.tell(unit(failed), supervisor.TestDone{Problem: "exit 1"})
	for _, wait := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
		if next := s.node.View(s.now).Proxy.Next; next.Sub(s.now) != wait {
			t.Fatalf("the next try is in %s, want %s", next.Sub(s.now), wait)
		}
		s.wantsNo(s.pass(wait-time.Second), "run test")
		s.wants(s.pass(time.Second), "note proxy-failed", "run test")
		s.tell(supervisor.TestDone{Problem: "exit 1"})
	}
}

func TestTheWaitAfterGivingUpIsShortAgainAfterAGoodWindow(t *testing.T) {
	cfg := base()
	cfg.Proxy.RetryMax = time.Hour
	for name, c := range map[string]struct {
		good, want time.Duration
	}{
		"good for a window":       {cfg.Proxy.Window, time.Minute},
		"good for less than that": {cfg.Proxy.Window - time.Second, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s := holding(t, cfg)
			s.tell(unit(failed), supervisor.TestDone{Problem: "exit 1"}, unit(active), good, good, good)
			s.phase(supervisor.Good)
			s.pass(c.good)
			s.tell(unit(supervisor.UnitState{Load: "loaded", Active: "deactivating"}), unit(failed), supervisor.TestDone{Problem: "exit 1"})
			if next := s.node.View(s.now).Proxy.Next; next.Sub(s.now) != c.want {
				t.Errorf("the next try is in %s, want %s", next.Sub(s.now), c.want)
			}
		})
	}
}

// stopping is a node that gave up on a proxy which answers wrong, and stops it.
func stopping(t *testing.T) *script {
	cfg := base()
	cfg.Proxy.GiveUpStops, cfg.Proxy.Test = true, nil
	cfg.Proxy.Ladder = supervisor.Ladder{SkipRestart: true, SkipKill: true}
	s := holding(t, cfg)
	s.tell(wrong, supervisor.ReloadDone{}, wrong)
	s.wants(s.pass(3*time.Second), "note proxy-down", "note proxy-halted", "halt",
		"web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
	return s
}

func TestAProxyThatWasGivenUpIsStoppedOnRequest(t *testing.T) {
	s := stopping(t)
	halting := supervisor.UnitState{Load: "loaded", Active: "deactivating"}
	s.wants(s.tell(unit(halting), good, unit(supervisor.UnitState{Load: "loaded", Active: "inactive"}), deaf, supervisor.HaltDone{}))
	s.phase(supervisor.GivenUp) // and not stopped by an operator
	s.out(supervisor.ReasonProxyDown)
	s.wantsNo(s.pass(59*time.Second), "note")
	s.wants(s.pass(time.Second), "note proxy-failed", "note proxy-down") // this ladder has no restart
}

func TestTheNextTryStartsAProxyThatWasStopped(t *testing.T) {
	cfg := base()
	cfg.Proxy.GiveUpStops = true
	s := holding(t, cfg)
	s.tell(wrong, supervisor.TestDone{Problem: "exit 1"}, unit(supervisor.UnitState{Load: "loaded", Active: "inactive"}), supervisor.HaltDone{})
	s.wants(s.pass(time.Minute), "note proxy-failed", "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart")
	s.tell(unit(starts), unit(active), supervisor.RestartDone{}, good, good, good)
	s.in()
}

func TestAStopThatFailsIsSaidAndTheLadderGoesOn(t *testing.T) {
	s := stopping(t)
	s.wants(s.tell(supervisor.HaltDone{Problem: "not permitted"}), "note proxy-halt-failed")
	s.tell(deaf)
	if got := s.pass(time.Minute); !has(got, "note proxy-failed") {
		t.Errorf("it wants %q: nothing is tried any more", got)
	}
}

func TestADeadProxyIsNotStopped(t *testing.T) {
	cfg := base()
	cfg.Proxy.GiveUpStops = true
	s := holding(t, cfg)
	s.wantsNo(s.tell(unit(failed), supervisor.TestDone{Problem: "exit 1"}), "halt")
}

func TestAtTheStartAProxyThatAnswersWrongIsNotStopped(t *testing.T) {
	cfg := base()
	cfg.Proxy.GiveUpStops = true
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active))
	s.wants(s.tell(wrong), "note proxy-down", "web INIT -> FAULT (proxy-down)")
}

func TestARestartThatNobodySawIsNotGivenTwice(t *testing.T) {
	unseen := supervisor.RestartDone{Problem: "the connection to systemd was lost while the job ran", Unseen: true}
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{})
	s.wants(s.tell(unseen), "note proxy-restart-failed", "look now")
	s.phase(supervisor.Settling)
	s.wants(s.tell(unit(active), good), "note proxy-recovered")

	s.tell(unit(failed), supervisor.TestDone{}, unseen) // and when it did not help, the ladder goes on
	s.wants(s.tell(unit(failed)), "run test")
}
