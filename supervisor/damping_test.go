package supervisor_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// flapping is a node that waits three seconds before it pre-empts, and longer if it flaps.
func flapping() supervisor.Config {
	cfg := depends(fatal, nil)
	cfg.Probes[1].Rise, cfg.Probes[1].Fall = 1, 1
	return routersOf(named(cfg), func(r *supervisor.Router) {
		r.VRRP.PreemptDelay, r.FlapWindow, r.PreemptDelayMax = 3*time.Second, 10*time.Minute, 20*time.Second
	})
}

// fails has a node that holds leave and come back, and stand by while a lower one advertises.
// It returns how long it waits before it pre-empts.
func (s *script) fails(cfg supervisor.Config) time.Duration {
	s.Helper()
	s.tell(gateway(false))
	s.state("web", vrrp.Fault)
	s.tell(gateway(true))
	begun := s.now
	for s.node.Router("web").State != vrrp.Active {
		s.tell(advertTo(cfg, "web", 100))
		s.pass(100 * time.Millisecond)
		if s.now.Sub(begun) > time.Hour {
			s.Fatal("it never comes back")
		}
	}
	s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Owned{}}, link(vip))
	return s.now.Sub(begun)
}

func TestEachFailureDoublesTheWaitBeforeItPreempts(t *testing.T) {
	cfg := flapping()
	s := holding(t, cfg)
	for i, want := range []time.Duration{3, 6, 12, 20, 20} {
		if got := s.fails(cfg); got < want*time.Second || got > want*time.Second+500*time.Millisecond {
			t.Errorf("after failure %d it waited %s, want %ds", i+1, got, want)
		}
	}
	s.pass(10 * time.Minute) // all of it is forgotten
	if got := s.fails(cfg); got > 3500*time.Millisecond {
		t.Errorf("after a quiet time it waited %s", got)
	}
}

func TestWithoutAWindowNothingIsDamped(t *testing.T) {
	cfg := routersOf(flapping(), func(r *supervisor.Router) { r.FlapWindow = 0 })
	s := holding(t, cfg)
	for range 4 {
		if got := s.fails(cfg); got > 3500*time.Millisecond {
			t.Errorf("it waited %s", got)
		}
	}
}

func TestAFlappingNodeTakesFromASilentOneAtOnce(t *testing.T) {
	cfg := flapping()
	s := holding(t, cfg)
	for range 4 {
		s.fails(cfg)
	}
	s.tell(gateway(false), gateway(true), advertTo(cfg, "web", 100))
	s.pass(time.Second)
	s.state("web", vrrp.Active)
}

func TestAReloadKeepsTheDamping(t *testing.T) {
	cfg := flapping()
	s := holding(t, cfg)
	s.fails(cfg)
	s.fails(cfg)
	cfg = routersOf(flapping(), func(r *supervisor.Router) { r.VRRP.PreemptDelay = 2 * time.Second })
	s.tell(supervisor.Reconfigured{Config: cfg})
	if got := s.fails(cfg); got < 8*time.Second || got > 8500*time.Millisecond {
		t.Errorf("it waited %s, want 8s", got)
	}
}
