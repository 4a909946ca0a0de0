package supervisor_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// world is what the guard cannot decide: it draws events, and keeps book of what is
// under way.
type world struct {
	*rapid.T
	cfg      supervisor.Config
	node     *supervisor.Node
	now      time.Time
	unit     supervisor.UnitState
	test     bool // is running
	restart  bool
	restarts []time.Time
}

var unitStates = []supervisor.UnitState{
	active, active, failed, starts, stopped, missing, lost,
	{Load: "loaded", Active: "deactivating"},
	withJob(supervisor.UnitState{Load: "loaded", Active: "deactivating"}, "stop"),
	withJob(supervisor.UnitState{Load: "loaded", Active: "deactivating"}, "restart"),
	withJob(starts, "start"), withJob(failed, "restart"), withJob(active, "reload"),
	{Load: "loaded", Active: "inactive"}, {Load: "loaded", Active: "reloading"},
}

var problems = []string{"", "", "it does not work"}

func newWorld(t *rapid.T) *world {
	cfg := base()
	cfg.Proxy.Attempts = rapid.IntRange(1, 4).Draw(t, "attempts")
	cfg.Proxy.Budget = rapid.IntRange(1, 4).Draw(t, "budget")
	cfg.Proxy.Window = time.Duration(rapid.IntRange(1, 300).Draw(t, "window")) * time.Second
	cfg.Proxy.Rise = rapid.IntRange(1, 3).Draw(t, "rise")
	if rapid.Bool().Draw(t, "no test") {
		cfg.Proxy.Test = nil
	}
	if rapid.Bool().Draw(t, "no probe") {
		cfg.Probes = nil
	}
	w := &world{T: t, cfg: cfg, node: supervisor.NewNode(cfg), now: epoch.Add(time.Hour)}
	w.tell(supervisor.Start{})
	w.tell(link())
	return w
}

// tell steps the node and checks what it wants.
func (w *world) tell(ev supervisor.Event) {
	switch ev := ev.(type) {
	case supervisor.UnitChanged:
		if ev.State.Lost == "" {
			w.unit = ev.State
		}
		w.unit.Lost = ev.State.Lost
	case supervisor.TestDone:
		w.test = false
	case supervisor.RestartDone:
		w.restart = false
	}
	for _, a := range w.node.Step(w.now, ev) {
		switch a.(type) {
		case supervisor.RunTest:
			w.begins("test")
			w.test = true
		case supervisor.Restart:
			w.begins("restart")
			w.restart = true
			w.restarts = append(w.restarts, w.now)
		}
	}
	recent := 0
	for _, at := range w.restarts {
		if w.now.Sub(at) <= w.cfg.Proxy.Window {
			recent++
		}
	}
	if recent > w.cfg.Proxy.Budget {
		w.Fatalf("%d restarts within %s, the budget is %d", recent, w.cfg.Proxy.Window, w.cfg.Proxy.Budget)
	}
}

// begins checks that a test or restart may begin now.
func (w *world) begins(what string) {
	u := w.unit
	switch {
	case w.test || w.restart:
		w.Fatalf("%s, though a test (%t) or a restart (%t) is under way", what, w.test, w.restart)
	case u.Lost != "" || u.Active == "active" || u.Active == "reloading":
	case u.StopAsked || u.Job == "stop":
		w.Fatalf("%s of a unit that an operator stopped: %s", what, u)
	case u.Job != "":
		w.Fatalf("%s beside somebody's own order: %s", what, u)
	}
}

// tick passes some time, at the most to the deadline, which must move then.
func (w *world) tick(d time.Duration) {
	deadline := w.node.Deadline()
	w.now = w.now.Add(d)
	fires := !deadline.IsZero() && !w.now.Before(deadline)
	if fires {
		w.now = later(w.now.Add(-d), deadline)
	}
	w.tell(supervisor.Tick{})
	if next := w.node.Deadline(); fires && !next.IsZero() && !next.After(w.now) {
		w.Fatalf("the tick at the deadline %s leaves it at %s", deadline, next)
	}
}

func (w *world) draw() {
	switch rapid.IntRange(0, 9).Draw(w.T, "what") {
	case 0, 1, 2:
		w.tell(unit(rapid.SampledFrom(unitStates).Draw(w.T, "unit")))
	case 3, 4:
		w.tell(rapid.SampledFrom([]supervisor.Looked{good, deaf, wrong}).Draw(w.T, "look"))
	case 5:
		w.answer(rapid.SampledFrom(problems).Draw(w.T, "problem"))
	case 6: // an answer that nobody asked for
		if !w.test {
			w.tell(supervisor.TestDone{Problem: rapid.SampledFrom(problems).Draw(w.T, "stray")})
		}
	default:
		w.tick(time.Duration(rapid.IntRange(0, 90_000).Draw(w.T, "ms")) * time.Millisecond)
	}
}

// answer answers what is under way.
func (w *world) answer(problem string) {
	if w.test {
		w.tell(supervisor.TestDone{Problem: problem})
	}
	if w.restart {
		w.tell(supervisor.RestartDone{Problem: problem})
	}
}

// TestTheLadderKeepsItsBoundsWhateverHappens: never more than budget restarts within
// the window, one thing at a time, never against an operator, and no deadline stays.
func TestTheLadderKeepsItsBoundsWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			w.draw()
		}
	})
}

// TestAProxyThatStaysGoodGetsItsNodeIn: whatever was before.
func TestAProxyThatStaysGoodGetsItsNodeIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			w.draw()
		}
		w.tell(unit(active))
		for range 20 {
			w.answer("")
			if len(w.cfg.Probes) > 0 {
				w.tell(good)
			}
			w.tick(500 * time.Millisecond)
		}
		if v := w.node.View(w.now); v.Proxy.Phase != supervisor.Good || v.Routers[0].Reason != "" {
			t.Fatalf("after 10 s of good looks: %s, the router is out for %q", v.Proxy.Phase, v.Routers[0].Reason)
		}
	})
}

// TestAProxyThatStaysDeadGetsItsNodeOut: whatever was before.
func TestAProxyThatStaysDeadGetsItsNodeOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			w.draw()
		}
		w.tell(unit(failed))
		for range 2*w.cfg.Proxy.Attempts + 4 {
			w.answer("it does not start")
			w.tell(unit(failed))
			w.tick(w.cfg.Proxy.Wait)
		}
		if v := w.node.View(w.now); v.Routers[0].Reason == "" {
			t.Fatalf("the proxy is dead, the guard %s (%s), and the node takes part", v.Proxy.Phase, v.Proxy.Why)
		}
	})
}
