package supervisor

import (
	"slices"
	"time"
)

// The ladder: the unit is not good -> test -> restart -> wait -> look again, Attempts
// times, and never more than Budget restarts within Window.

// fail begins the ladder.
func (r *rung) fail(what string) {
	if r.trouble.IsZero() {
		r.trouble = r.now
	}
	r.why = what
	if r.up() && r.complaint != "" {
		r.why += ": " + r.complaint
	}
	r.note(ReasonProxyFailed, "%s: %s", r.cfg.Name(), r.why)
	r.attempt, r.limited = 0, false
	r.climb()
}

// again is the next rung after one that did not help.
func (r *rung) again(what string) {
	if r.attempt == 0 {
		r.fail(what)
		return
	}
	r.why = what
	r.climb()
}

// climb takes the next rung, or gives up.
func (r *rung) climb() {
	switch {
	case r.attempt >= r.cfg.Attempts, r.spent():
		r.giveUp()
	case len(r.cfg.Test) > 0:
		r.enter(Testing, 0)
		if !r.tests { // else the one that runs will do
			r.tests = true
			r.do(RunTest{})
		}
	default:
		r.restart()
	}
}

// spent tells, and says, that the window allows no more restarts.
func (r *rung) spent() bool {
	recent := r.recent(r.now)
	if recent < r.cfg.Budget {
		return false
	}
	r.note(ReasonBudget, "%s was restarted %d times within %s: not again", r.cfg.Name(), recent, r.cfg.Window)
	return true
}

// recent counts the restarts within the window.
func (g *guard) recent(now time.Time) int {
	g.restarts = slices.DeleteFunc(g.restarts, func(t time.Time) bool { return now.Sub(t) > g.cfg.Window })
	return len(g.restarts)
}

func (r *rung) tested(problem string) {
	switch {
	case problem != "":
		r.why = problem
		r.note(ReasonProxyTestFailed, "not restarted: %s", problem)
		r.giveUp()
	case r.others(): // a restart that is as good as ours
		r.attempt++
		r.enter(Settling, r.cfg.Wait)
	default:
		r.restart()
	}
}

func (r *rung) restart() {
	r.attempt++
	r.total++
	r.restarts = append(r.restarts, r.now)
	r.moved = false
	r.note(ReasonProxyRestarting, "%s: attempt %d of %d", r.cfg.Name(), r.attempt, r.cfg.Attempts)
	r.enter(Restarting, 0)
	r.do(Restart{Kill: r.hung(), Reset: r.limited})
}

// clearLimit tries again after systemd refused to start the unit at all, which moves
// nothing in the unit: that was no attempt. Once a ladder; the budget counts it.
func (r *rung) clearLimit(problem string) {
	if r.spent() {
		r.why = problem
		r.giveUp()
		return
	}
	r.note(ReasonStartLimit, "systemd refuses to start %s (%s): clearing its start limit", r.cfg.Name(), problem)
	r.limited = true
	r.resets++
	r.attempt--
	r.restart()
}

// hung tells that an orderly stop would wait for nothing.
func (g *guard) hung() bool {
	return g.up() && g.deaf || g.unit.Active == "deactivating"
}

func (r *rung) restarted(problem string) {
	switch {
	case r.stopped():
		r.isStopped()
	case problem != "" && r.others():
		r.why = problem
		r.enter(Settling, r.cfg.Wait)
	case problem != "" && !r.moved && !r.limited && r.cfg.Unit != "":
		r.clearLimit(problem)
	case problem != "":
		r.why = problem
		r.note(ReasonProxyRestart, "%s", problem)
		r.climb()
	default:
		r.enter(Settling, r.cfg.Wait)
		r.do(LookNow{})
	}
}

// giveUp ends the ladder: the node leaves.
func (r *rung) giveUp() {
	r.note(ReasonProxyDown, "giving up on %s after %d restarts", r.cfg.Name(), r.attempt)
	r.enter(GivenUp, r.cfg.Retry)
	r.leave(r.why)
}

// isReturning counts good looks before the node takes part again.
func (r *rung) isReturning() {
	r.goods = 0
	r.why = "good again, but not yet for long enough"
	look := r.cfg.Look
	if r.probed {
		look = 0 // the probes' looks count
	}
	r.enter(Returning, look)
}

// leave bars the node from taking part; the ladder has ended.
func (r *rung) leave(why string) {
	r.barred, r.why, r.attempt = true, why, 0
	if r.trouble.IsZero() {
		r.trouble = r.now
	}
}

func (r *rung) do(a Action) { r.out = append(r.out, a) }

// due tells whether a deadline that is set has passed.
func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }
