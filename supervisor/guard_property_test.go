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
	reload   bool
	restart  bool
	halt     bool
	cleared  bool      // the restart that runs cleared the start limit
	busy     time.Time // since when the unit is neither up nor at rest
	deaf     bool      // the last look got no answer
	tried    bool      // a reload, in this ladder
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
	cfg.Proxy.RetryMax = time.Duration(rapid.IntRange(0, 300).Draw(t, "retry_max")) * time.Second
	cfg.Proxy.GiveUpStops = rapid.Bool().Draw(t, "give_up stops")
	cfg.Proxy.Ladder = supervisor.Ladder{SkipReload: rapid.Bool().Draw(t, "no reload"), SkipKill: rapid.Bool().Draw(t, "no kill")}
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
		w.keepBusy()
	case supervisor.Looked:
		w.deaf = !ev.OK && !ev.Answered
	case supervisor.TestDone:
		w.test = false
	case supervisor.ReloadDone:
		w.reload = false
	case supervisor.HaltDone:
		w.halt = false
	case supervisor.RestartDone:
		w.restart = false
		if ev.Limited && w.limited() { // then it was none
			w.restarts = w.restarts[:len(w.restarts)-1]
		}
	}
	for _, a := range w.node.Step(w.now, ev) {
		w.does(a)
	}
	p := w.node.View(w.now).Proxy
	if wait := p.Next.Sub(w.now); !p.Next.IsZero() && wait > max(w.cfg.Proxy.Retry, w.cfg.Proxy.RetryMax) {
		w.Fatalf("the next try is %s away, retry_max is %s", wait, w.cfg.Proxy.RetryMax)
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

// limited tells that the start limit has not been cleared in this ladder, and notes that
// it is now.
func (w *world) limited() bool {
	p := w.node.View(w.now).Proxy
	return p.Phase == supervisor.Restarting && !w.cleared
}

// does checks one action.
func (w *world) does(a supervisor.Action) {
	l := w.cfg.Proxy.Ladder
	switch a := a.(type) {
	case supervisor.Note:
		w.tried = w.tried && a.Reason != supervisor.ReasonProxyFailed
	case supervisor.RunTest:
		w.begins("test")
		w.test = true
	case supervisor.Reload:
		w.begins("reload")
		if l.SkipReload || w.tried || w.deaf || w.unit.Active != "active" && w.unit.Active != "reloading" || w.unit.Lost != "" {
			w.Fatalf("reload of %s; tried %t, deaf %t, left out %t", w.unit, w.tried, w.deaf, l.SkipReload)
		}
		w.reload, w.tried = true, true
	case supervisor.Restart:
		w.begins("restart")
		if a.Kill && l.SkipKill {
			w.Fatalf("%s, though that rung is left out", a)
		}
		w.restart, w.cleared = true, a.Reset
		w.restarts = append(w.restarts, w.now)
	case supervisor.Halt:
		w.begins("halt")
		if !w.cfg.Proxy.GiveUpStops || w.unit.Active == "inactive" || w.unit.Active == "failed" || w.unit.Lost != "" {
			w.Fatalf("halt of %s", w.unit)
		}
		w.halt = true
	}
}

func (w *world) keepBusy() {
	switch w.unit.Active {
	case "active", "reloading", "inactive", "failed":
		w.busy = time.Time{}
	default:
		if w.unit.Lost == "" && w.busy.IsZero() {
			w.busy = w.now
		}
	}
}

// stuck tells that the unit has been starting for too long.
func (w *world) stuck() bool {
	return w.unit.Active == "activating" && !w.busy.IsZero() && w.now.Sub(w.busy) >= w.cfg.Proxy.RestartTimeout
}

// begins checks that something may begin now. A test changes nothing: only a halt may
// begin beside it.
func (w *world) begins(what string) {
	u := w.unit
	switch {
	case w.test && what != "halt" || w.reload || w.restart || w.halt:
		w.Fatalf("%s, though a test (%t), a reload (%t), a restart (%t) or a halt (%t) is under way", what, w.test, w.reload, w.restart, w.halt)
	case u.Lost != "" || u.Active == "active" || u.Active == "reloading":
	case u.StopAsked || u.Job == "stop":
		w.Fatalf("%s of a unit that an operator stopped: %s", what, u)
	case u.Job != "" && !w.stuck():
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
	switch rapid.IntRange(0, 11).Draw(w.T, "what") {
	case 0, 1, 2:
		w.tell(unit(rapid.SampledFrom(unitStates).Draw(w.T, "unit")))
	case 3, 4:
		w.tell(rapid.SampledFrom([]supervisor.Looked{good, deaf, wrong}).Draw(w.T, "look"))
	case 5:
		w.answer(rapid.SampledFrom(problems).Draw(w.T, "problem"))
	case 6: // a restart that was refused, or that nobody saw the end of
		if w.restart {
			w.tell(rapid.SampledFrom([]supervisor.RestartDone{
				{Problem: "start-limit-hit", Limited: true}, {Problem: "the bus is gone", Unseen: true},
			}).Draw(w.T, "refused"))
		}
	case 7: // an answer that nobody asked for
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
	if w.reload {
		w.tell(supervisor.ReloadDone{Problem: problem})
	}
	if w.restart {
		w.tell(supervisor.RestartDone{Problem: problem})
	}
	if w.halt {
		w.tell(supervisor.HaltDone{Problem: problem})
	}
}

// TestTheLadderKeepsItsBoundsWhateverHappens: never more than budget restarts within
// the window, one thing at a time, never against an operator, a reload only of a proxy
// that answers and once a ladder, no next try beyond retry_max, and no deadline stays.
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
		for range 2*w.cfg.Proxy.Attempts + 6 {
			w.answer("it does not start")
			w.tell(unit(failed))
			w.tick(w.cfg.Proxy.Wait)
		}
		if v := w.node.View(w.now); v.Routers[0].Reason == "" {
			t.Fatalf("the proxy is dead, the guard %s (%s), and the node takes part", v.Proxy.Phase, v.Proxy.Why)
		}
	})
}
