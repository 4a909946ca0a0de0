package supervisor_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var moveEIP = supervisor.Hook{Command: []string{"/usr/local/bin/move-eip"}, Timeout: 10 * time.Second, Retry: 10 * time.Second}

// gated is a node whose routers have a before_active hook.
func gated(cfg supervisor.Config) supervisor.Config {
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.Grouped = true
		cfg.Routers[i].Hooks.BeforeActive = moveEIP
	}
	return cfg
}

// answer is what the hook says to a question of a router's.
func answer(question uint64, problem string) supervisor.Event {
	return supervisor.HookDone{Router: "web", Question: question, Problem: problem}
}

const asks = "web run before_active hook"

func TestARouterRisesWhenItsHookAgrees(t *testing.T) {
	s := atWork(t, gated(base()))
	s.wants(s.pass(time.Second), asks)
	s.wants(s.pass(5 * time.Second))
	s.state("web", vrrp.Backup)
	s.wants(s.tell(answer(1, "")), "web own", "web BACKUP -> ACTIVE (alone)")
}

func TestAVetoKeepsARouterOutUntilItsRetry(t *testing.T) {
	s := atWork(t, gated(base()))
	s.pass(time.Second)
	s.wants(s.tell(answer(1, "/usr/local/bin/move-eip: exit 1: no quota")), "web BACKUP -> FAULT (hook-vetoed)")
	if v := s.node.Router("web"); v.Reason != supervisor.ReasonHookVetoed || v.Detail != "/usr/local/bin/move-eip: exit 1: no quota" {
		t.Errorf("%+v", v)
	}
	s.wants(s.pass(9 * time.Second))
	s.wants(s.pass(2*time.Second), "web FAULT -> BACKUP (started)", asks)
	s.wants(s.tell(answer(2, "")), "web own", "web BACKUP -> ACTIVE (alone)")
}

func TestAnAnswerThatComesTooLateCountsForNothing(t *testing.T) {
	for name, problem := range map[string]string{"agreed": "", "vetoed": "exit 1"} {
		t.Run(name, func(t *testing.T) {
			cfg := gated(base())
			s := atWork(t, cfg)
			s.pass(time.Second)
			s.wants(s.tell(advertTo(cfg, "web", 200))) // the peer is there again
			s.wants(s.tell(answer(1, problem)))
			s.state("web", vrrp.Backup)
			s.wants(s.pass(time.Second), asks) // and silent once more
			s.wants(s.tell(answer(1, problem)))
			s.state("web", vrrp.Backup)
			s.wants(s.tell(answer(2, "")), "web own", "web BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
		})
	}
}

// The hook takes longer than the time between two adverts of a lower peer.
func TestARouterThatPreemptsRisesOnAnAdvertAfterItsHook(t *testing.T) {
	cfg := gated(base())
	s := atWork(t, cfg)
	var got []string
	for range 10 {
		got = append(got, s.tell(advertTo(cfg, "web", 100))...)
		got = append(got, s.pass(200*time.Millisecond)...)
	}
	s.wants(got, asks)
	s.wants(s.tell(answer(1, "")))
	s.wants(s.tell(advertTo(cfg, "web", 100)), "web own", "web BACKUP -> ACTIVE (preempts, peer 10.0.0.6)")
}

func TestAnOwnerAsksItsHookToo(t *testing.T) {
	cfg := gated(base())
	cfg.Routers[0].VRRP.Priority = vrrp.PriorityOwner
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active))
	s.wants(s.tell(good), "web INIT -> BACKUP (started)", asks)
	s.wants(s.tell(answer(1, "")), "web own", "web BACKUP -> ACTIVE (owner)")
}

func TestAGroupAsksEachHookOnce(t *testing.T) {
	cfg := gated(tied())
	cfg.Routers = append(cfg.Routers, routerOf("third", 52, netip.MustParsePrefix("10.0.0.9/24")))
	cfg.Routers[2].Group, cfg.Routers[2].VRRP.Grouped = "pair", true
	cfg.Routers[2].Hooks.BeforeActive = supervisor.Hook{Command: []string{"/usr/local/bin/other"}, Retry: time.Minute}
	third := func(problem string) supervisor.Event {
		return supervisor.HookDone{Router: "third", Question: 1, Problem: problem}
	}
	t.Run("all agree", func(t *testing.T) {
		s := atWork(t, cfg)
		s.wants(s.pass(time.Second), asks, "third run before_active hook")
		s.wants(s.tell(answer(1, "")))
		got := s.tell(third(""))
		for _, want := range []string{"web BACKUP -> ACTIVE (alone)", "mail BACKUP -> ACTIVE (alone)", "third BACKUP -> ACTIVE (alone)"} {
			if !has(got, want) {
				t.Errorf("it wants %q, not %q", got, want)
			}
		}
	})
	t.Run("one vetoes", func(t *testing.T) {
		s := atWork(t, cfg)
		s.pass(time.Second)
		s.tell(answer(1, ""))
		s.wants(s.tell(third("exit 1")), "web BACKUP -> FAULT (group-fault)", "mail BACKUP -> FAULT (group-fault)", "third BACKUP -> FAULT (hook-vetoed)")
	})
}

func TestAReloadThatTakesTheHookAwayLetsTheRouterRise(t *testing.T) {
	s := atWork(t, gated(base()))
	s.wants(s.pass(time.Second), asks)
	s.wants(s.tell(supervisor.Reconfigured{Config: base()}), "configure")
	s.wants(s.pass(time.Second), "web own", "web BACKUP -> ACTIVE (alone)")
}

func TestAReloadThatChangesHooksMovesNobody(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.Reconfigured{Config: gated(base())}), "configure")
	s.wants(s.tell(supervisor.Reconfigured{Config: base()}), "configure")
	s.state("web", vrrp.Active)
}

func TestEveryTransitionIsTold(t *testing.T) {
	cfg := tied()
	cfg.Hooks.Notify = moveEIP
	for i := range cfg.Routers {
		cfg.Routers[i].Hooks.Notify = moveEIP
	}
	s := atWork(t, cfg)
	told := func(all []string) []string {
		return slices.DeleteFunc(all, func(a string) bool { return !strings.Contains(a, " moved ") })
	}
	same := func(what string, got []string, want ...string) {
		t.Helper()
		if got = told(got); !slices.Equal(got, want) {
			t.Errorf("%s: it told %q, want %q", what, got, want)
		}
	}
	same("rise", s.pass(2*time.Second))
	owned := func(router string) supervisor.Event {
		return supervisor.RouterEvent{Router: router, Event: vrrp.Owned{}}
	}
	same("the addresses are there", s.tell(owned("web"), owned("mail"), owned("mail")),
		"web moved BACKUP -> ACTIVE (alone), priority 150", "mail moved BACKUP -> ACTIVE (alone), priority 150",
		"group pair moved BACKUP -> ACTIVE (alone), priority 0")
	same("yield", s.tell(advertTo(cfg, "mail", 200)),
		"mail moved ACTIVE -> BACKUP (higher-advert), priority 150", "web moved ACTIVE -> BACKUP (group), priority 150",
		"group pair moved ACTIVE -> BACKUP (group), priority 0")
	same("fault", s.tell(supervisor.Barred{Router: "mail", Problem: "somebody else's"}),
		"web moved BACKUP -> FAULT (group-fault), priority 150", "mail moved BACKUP -> FAULT (barred), priority 150",
		"group pair moved BACKUP -> FAULT (group-fault), priority 0")
	same("stop", s.tell(supervisor.Stop{}), // as keepalived, which has no STOP for groups
		"web moved FAULT -> INIT (stopping), priority 150", "mail moved FAULT -> INIT (stopping), priority 150")
}

func TestWithoutHooksNothingIsTold(t *testing.T) {
	s := atWork(t, tied())
	for _, a := range append(s.pass(2*time.Second), s.tell(supervisor.Stop{})...) {
		if strings.Contains(a, "moved") {
			t.Errorf("it told %q", a)
		}
	}
	cfg := base()
	cfg.Receivers = []supervisor.Receiver{{Name: "mail"}}
	s = atWork(t, cfg)
	s.wants(s.pass(2*time.Second), "web own", "web BACKUP -> ACTIVE (alone)")
	// It never gets them: both are told, in their order.
	got := s.tell(supervisor.OwnFailed{Router: "web", Problem: "no room"})
	if !has(got, "web moved BACKUP -> ACTIVE (alone)") || !has(got, "web moved ACTIVE -> FAULT (vip-failed)") {
		t.Errorf("it wants %q", got)
	}
}

func TestReassertRunsWhileActiveAndWhenItIsNeedful(t *testing.T) {
	cfg := base()
	cfg.Routers[0].Hooks.Reassert = supervisor.Hook{Command: moveEIP.Command, Every: time.Minute}
	s := holding(t, cfg)
	reasserts := func(d time.Duration, want ...string) {
		t.Helper()
		got := slices.DeleteFunc(s.pass(d), func(a string) bool { return !strings.Contains(a, "reassert") })
		if !slices.Equal(got, want) {
			t.Errorf("it wants %q, not %q", got, want)
		}
	}
	reasserts(50 * time.Second)
	reasserts(120*time.Second, "web reassert: periodic", "web reassert: periodic")
	// The address vanishes, and is there again.
	s.tell(link())
	if got := s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Owned{}}); !has(got, "web reassert: address-back") {
		t.Errorf("it wants %q", got)
	}
	s.tell(link(vip))
	// Somebody else is Active for a while.
	for range 5 {
		s.tell(advertTo(cfg, "web", 100))
		reasserts(200 * time.Millisecond)
	}
	reasserts(2*time.Second, "web reassert: conflict-over")
	s.tell(advertTo(cfg, "web", 200))
	s.tell(advertTo(cfg, "web", 200))
	s.state("web", vrrp.Backup)
	for range 1000 {
		s.tell(advertTo(cfg, "web", 200))
		reasserts(200 * time.Millisecond)
	}
}

func TestAGroupReassertsEachHookOnce(t *testing.T) {
	cfg := tied()
	for i := range cfg.Routers {
		cfg.Routers[i].Hooks.Reassert = supervisor.Hook{Command: moveEIP.Command, Every: time.Minute}
	}
	s := atWork(t, cfg)
	s.pass(2 * time.Second)
	count := 0
	for _, a := range s.pass(61 * time.Second) {
		if strings.Contains(a, "reassert") {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d reasserts in a minute, want 1", count)
	}
}
