package supervisor_test

import (
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
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart")
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
	s.wants(s.tell(supervisor.RestartDone{Problem: "start-limit-hit"}), "note start-limit", "note proxy-restarting", "restart after reset-failed")
	s.wants(s.tell(supervisor.RestartDone{Problem: "start-limit-hit"}), "note proxy-restart-failed", "run test")
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart after reset-failed") // still the second attempt of two
	s.wants(s.tell(unit(starts), unit(active), supervisor.RestartDone{}, good), "look now", "note proxy-recovered")
	if v := s.node.View(s.now).Proxy; v.Resets != 1 || v.Restarts != 3 {
		t.Errorf("%d limits cleared, %d restarts; want 1 and 3", v.Resets, v.Restarts)
	}
}

func TestTheStartLimitOfAChildIsNotCleared(t *testing.T) {
	cfg := base()
	cfg.Proxy.Unit, cfg.Proxy.Command, cfg.Proxy.Test = "", []string{"haproxy"}, nil
	s := holding(t, cfg)
	s.tell(unit(failed))
	s.wants(s.tell(supervisor.RestartDone{Problem: "exit 1 at once"}), "note proxy-restart-failed", "note proxy-restarting", "restart")
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

func TestAClearedStartLimitDoesNotOverdrawTheBudget(t *testing.T) {
	cfg := base()
	cfg.Proxy.Test, cfg.Proxy.Budget = nil, 1
	s := holding(t, cfg)
	s.tell(unit(failed))
	got := s.tell(supervisor.RestartDone{Problem: "start-limit-hit"})
	s.wantsNo(got, "reset-failed")
	if !has(got, "note restart-budget") {
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
