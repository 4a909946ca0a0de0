package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// The ladder: the unit is not good -> test -> reload, where that may help -> wait -> test
// -> restart -> wait -> test -> kill and restart -> wait -> give up. It restarts Attempts
// times, and never more than Budget times within Window.

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
	r.climbs, r.reloaded, r.attempt, r.limited = true, false, 0, false
	r.climb()
}

// again is the next rung after one that did not help.
func (r *rung) again(what string) {
	if !r.climbs {
		r.fail(what)
		return
	}
	r.why = what
	if r.up() && r.complaint != "" {
		r.why += ": " + r.complaint
	}
	r.climb()
}

// climb goes for the next rung: the test comes first.
func (r *rung) climb() {
	switch {
	case !r.mayReload() && !r.mayRestart():
		r.giveUp()
	case len(r.cfg.Test) > 0:
		r.enter(Testing, 0)
		if !r.tests { // else the one that runs will do
			r.tests = true
			r.do(RunTest{})
		}
	default:
		r.rung()
	}
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
		r.rung()
	}
}

// rung takes the next rung, or gives up.
func (r *rung) rung() {
	switch {
	case r.mayReload():
		r.reload()
	case r.mayRestart():
		r.restart()
	default:
		r.giveUp()
	}
}

// mayReload tells that a reload may help: the proxy runs and answers, though not as the
// probe wants. One that is dead or deaf would not hear of it.
func (r *rung) mayReload() bool {
	return !r.cfg.Ladder.SkipReload && !r.reloaded && r.attempt == 0 &&
		r.up() && r.unit.Lost == "" && r.look == probes.Failed && !r.deaf
}

// mayRestart tells whether one more restart is allowed.
func (r *rung) mayRestart() bool {
	l := r.cfg.Ladder
	return (!l.SkipRestart || !l.SkipKill) && r.attempt < r.cfg.Attempts && !r.spent()
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

func (r *rung) reload() {
	r.reloaded = true
	r.reloads++
	r.note(ReasonProxyReloading, "%s: it answers, a reload may do", r.cfg.Name())
	r.enter(Reloading, 0)
	r.do(Reload{})
}

func (r *rung) wasReloaded(problem string) {
	switch {
	case r.stopped():
		r.isStopped()
	case problem == "" || r.others():
		r.enter(Settling, r.cfg.Wait)
		r.do(LookNow{})
	default: // its configuration was tested just now
		r.why = problem
		r.note(ReasonProxyReload, "%s", problem)
		r.rung()
	}
}

func (r *rung) restart() {
	r.attempt++
	r.total++
	r.restarts = append(r.restarts, r.now)
	r.note(ReasonProxyRestarting, "%s: attempt %d of %d", r.cfg.Name(), r.attempt, r.cfg.Attempts)
	r.enter(Restarting, 0)
	r.do(Restart{Kill: r.kills(), Reset: r.limited})
}

// kills tells that the restart begins with SIGKILL: an orderly stop would wait for
// nothing, or an orderly restart has not helped.
func (r *rung) kills() bool {
	l := r.cfg.Ladder
	return !l.SkipKill && (l.SkipRestart || r.attempt > 1 || r.hung())
}

// hung tells that an orderly stop would wait for nothing.
func (r *rung) hung() bool {
	return r.up() && r.deaf || r.unit.Active == "deactivating" || r.stuck()
}

func (r *rung) restarted(ev RestartDone) {
	switch {
	case r.stopped():
		r.isStopped()
	case ev.Unseen:
		r.unseen, r.why = true, ev.Problem
		r.note(ReasonProxyRestart, "%s: waiting for what becomes of it", ev.Problem)
		r.enter(Settling, r.cfg.Wait)
		r.do(LookNow{})
	case ev.Problem != "" && r.others():
		r.why = ev.Problem
		r.enter(Settling, r.cfg.Wait)
	case ev.Problem != "" && r.missing():
		r.isMissing()
	case ev.Limited && !r.limited:
		r.clearLimit(ev.Problem)
	case ev.Problem != "":
		r.why = ev.Problem
		r.note(ReasonProxyRestart, "%s", ev.Problem)
		r.climb()
	default:
		r.enter(Settling, r.cfg.Wait)
		r.do(LookNow{})
	}
}

// clearLimit tries again after systemd refused to start the unit at all: that was no
// restart. Once a ladder.
func (r *rung) clearLimit(problem string) {
	r.note(ReasonStartLimit, "systemd refuses to start %s (%s): clearing its start limit", r.cfg.Name(), problem)
	r.limited = true
	r.resets++
	r.attempt--
	r.total--
	r.restarts = r.restarts[:max(len(r.restarts)-1, 0)] // it may be older than the window
	r.restart()
}

// giveUp ends the ladder: the node leaves.
func (r *rung) giveUp() {
	climbed := r.climbs
	r.pause = r.nextPause()
	if climbed {
		r.note(ReasonProxyDown, "giving up on %s after %d restarts%s", r.cfg.Name(), r.attempt, r.next())
	} else {
		r.note(ReasonProxyDown, "giving up on %s%s: %s", r.cfg.Name(), r.next(), r.why)
	}
	r.enter(GivenUp, r.pause)
	r.leave(r.why)
	if climbed && r.cfg.GiveUpStops {
		r.halt("as give_up: stop wants")
	}
}

// nextPause is how long to wait after giving up: each time twice as long, until the
// proxy has been good for a window.
func (g *guard) nextPause() time.Duration {
	if g.pause == 0 {
		return g.cfg.Retry
	}
	return max(g.cfg.Retry, min(2*g.pause, g.cfg.RetryMax))
}

func (r *rung) next() string {
	if r.pause == 0 {
		return ""
	}
	return ", next try in " + r.pause.String()
}

// halt stops the proxy that was given up: it would serve wrong answers. The next try
// starts it again.
func (r *rung) halt(wish string) {
	if r.halts || r.atRest() || r.unit.Lost != "" || r.unit.Job != "" {
		return
	}
	r.halts = true
	r.note(ReasonProxyHalted, "stopping %s, %s", r.cfg.Name(), wish)
	r.enter(GivenUp, 0)
	r.do(Halt{})
}

func (r *rung) halted(problem string) {
	r.halts = false
	if problem != "" {
		r.note(ReasonProxyHalt, "%s", problem)
	}
	switch {
	case r.phase != GivenUp:
	case !r.stands.since.IsZero():
		r.rest()
	default:
		r.enter(GivenUp, r.pause)
	}
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
	r.barred, r.why, r.climbs, r.attempt = true, why, false, 0
	if r.trouble.IsZero() {
		r.trouble = r.now
	}
}

func (r *rung) do(a Action) { r.out = append(r.out, a) }

// due tells whether a deadline that is set has passed.
func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }
