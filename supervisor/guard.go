package supervisor

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Phase is what the guard is doing.
type Phase uint8

// The phases of the guard.
const (
	Waiting    Phase = iota // nothing is known yet
	Good                    // the proxy is up and its probes are good
	Testing                 // the ladder: the test runs
	Reloading               // the ladder: the reload runs
	Restarting              // the ladder: the restart runs
	Settling                // the ladder: the proxy may still come up
	GivenUp                 // the ladder failed
	Stopped                 // an operator stopped the proxy
	Missing                 // there is no such unit
	Returning               // good again, counting good looks
)

var phaseWords = [...]string{"waiting", "good", "testing", "reloading", "restarting", "settling", "given-up", "stopped", "missing", "returning"}

// String is a stable word.
func (p Phase) String() string { return phaseWords[p] }

// guard watches the proxy and climbs the restart ladder.
type guard struct {
	cfg       Proxy
	phase     Phase
	since     time.Time
	until     time.Time // the phase's own deadline; zero: none
	barred    bool      // the node must not take part
	probed    bool      // probes are configured
	complaint string    // the last bad look
	why       string    // what is wrong, for the operator

	unit  UnitState
	known bool
	look  probes.State // all probes together
	deaf  bool         // a bad probe got no answer at all
	fresh bool         // a look was good since the proxy may have started anew
	busy  time.Time    // since when the unit is neither up nor at rest; zero: it is

	tests    bool          // a test runs that has not been answered
	halts    bool          // a stop of ours runs that has not been answered
	unseen   bool          // nobody saw what an order of ours came to: the unit's state is old
	climbs   bool          // a ladder is under way
	reloaded bool          // in this ladder
	limited  bool          // systemd's start limit was cleared in this ladder
	attempt  int           // restarts in this ladder
	restarts []time.Time   // within the window
	total    int           // restarts ever
	reloads  int           // by the ladder, ever
	resets   int           // start limits cleared
	goods    int           // good looks in a row while Returning
	trouble  time.Time     // since when the proxy is not good
	pause    time.Duration // the last wait after giving up
	stands   standDown
}

func newGuard(cfg Proxy, probed bool) guard {
	return guard{cfg: cfg, probed: probed, barred: true}
}

// fault is why the node must not take part; empty: it may.
func (g *guard) fault() vrrp.Reason {
	if !g.cfg.Guarded() || !g.barred {
		return ""
	}
	switch g.phase {
	case Stopped:
		return ReasonProxyStopped
	case Missing:
		return ReasonProxyMissing
	case Returning:
		return ReasonProxyReturns
	case Waiting:
		if g.known && g.unit.Lost != "" {
			return ReasonProxyUnknown
		}
		if g.trouble.IsZero() {
			return ReasonStarting
		}
	}
	return ReasonProxyDown
}

// reconfigure goes on with another configuration of the same proxy.
func (g *guard) reconfigure(now time.Time, cfg Proxy, probed bool) {
	anew := g.phase == Returning && probed != g.probed // who counts the good looks is another
	g.cfg, g.probed = cfg, probed
	if anew {
		r := rung{guard: g, now: now}
		r.isReturning()
	}
}

func (g *guard) deadline() time.Time { return g.until }

// rung is one call of the guard: it collects the actions.
type rung struct {
	*guard
	now time.Time
	out []Action
}

func (r *rung) note(reason vrrp.Reason, format string, args ...any) {
	r.out = append(r.out, Note{Reason: reason, Detail: fmt.Sprintf(format, args...)})
}

func (r *rung) enter(p Phase, until time.Duration) {
	if r.phase != p {
		if r.phase == Good && r.now.Sub(r.since) >= r.cfg.Window {
			r.pause = 0
		}
		r.phase, r.since = p, r.now
		r.fresh = r.fresh && p != Settling
	}
	r.until = time.Time{}
	if until > 0 {
		r.until = r.now.Add(until)
	}
}

// step gives the guard an event; look is what all probes together say, deaf that a bad
// one got no answer at all.
func (g *guard) step(now time.Time, ev Event, look probes.State, deaf bool) []Action {
	if !g.cfg.Guarded() {
		return nil
	}
	r := &rung{guard: g, now: now}
	g.look, g.deaf = look, deaf
	switch ev := ev.(type) {
	case UnitChanged:
		r.unitChanged(ev.State)
	case Looked:
		r.looked(ev)
	case TestDone:
		g.tests = false
		if g.phase == Testing {
			r.tested(ev.Problem)
		}
	case RestartDone:
		if g.phase == Restarting {
			r.restarted(ev)
		}
	case ReloadDone:
		if g.phase == Reloading {
			r.wasReloaded(ev.Problem)
		}
	case HaltDone:
		r.halted(ev.Problem)
	}
	r.settle()
	return r.out
}

func (r *rung) unitChanged(u UnitState) {
	if u.Lost != "" {
		if r.unit.Lost == "" {
			r.note(ReasonSystemdLost, "%s", u.Lost)
		}
		r.unit.Lost, r.known = u.Lost, true
		return
	}
	r.unit, r.known, r.unseen = u, true, false
	switch {
	case r.up() || r.atRest():
		r.busy = time.Time{}
	case r.busy.IsZero():
		r.busy = r.now
	}
}

func (r *rung) looked(ev Looked) {
	if !ev.OK {
		r.complaint = ev.Detail
		r.goods = 0
		return
	}
	r.fresh = true
	if r.phase == Returning && r.up() {
		r.goods++
	}
}

func (g *guard) up() bool { return g.unit.Active == "active" || g.unit.Active == "reloading" }

// down tells that the unit is known to be at rest and not up.
func (g *guard) down() bool { return g.unit.Lost == "" && !g.unseen && g.atRest() }

// atRest is down by the last word of systemd.
func (g *guard) atRest() bool { return g.unit.Active == "inactive" || g.unit.Active == "failed" }

// others tells that somebody else's order is at work on the unit.
func (r *rung) others() bool {
	return !r.up() && r.unit.Lost == "" && r.unit.Job != "" && !r.stuck()
}

// stuck tells that the unit has been starting for longer than a start may take: systemd
// itself waits for ever where the unit has no time limit.
func (r *rung) stuck() bool {
	return r.unit.Lost == "" && r.unit.Active == "activating" && r.unit.Job != "stop" &&
		!r.busy.IsZero() && r.now.Sub(r.busy) >= max(r.cfg.Wait, r.cfg.RestartTimeout)
}

func (g *guard) healthy() bool { return g.up() && g.look == probes.Good }

// stopped tells that an operator wants the proxy down.
func (g *guard) stopped() bool {
	return !g.up() && (g.unit.StopAsked || g.unit.Job == "stop")
}

// settle looks at the levels and moves on.
func (r *rung) settle() {
	if !r.known {
		return
	}
	switch r.phase {
	case Waiting:
		r.waiting()
	case Good:
		r.good()
	case Testing:
		r.testing()
	case Settling:
		r.settling()
	case GivenUp:
		r.givenUp()
	case Stopped, Missing:
		r.resting()
	case Returning:
		r.returning()
	}
}

func (r *rung) missing() bool {
	return r.unit.Lost == "" && !r.up() && r.unit.Load != "" && r.unit.Load != "loaded"
}

// waiting is the start: one good look is enough.
func (r *rung) waiting() {
	switch {
	case r.unit.Lost != "":
		r.enter(Waiting, 0)
	case r.missing():
		r.isMissing()
	case r.healthy():
		r.isGood()
	case r.up() && r.look == probes.Failed && !r.deaf:
		r.why = "it answers, but not as the probe wants: " + r.complaint
		r.giveUp()
	case r.up() && r.look == probes.Failed:
		r.fail("it runs, but its probe fails")
	case r.stopped():
		r.isStopped()
	case r.down() && r.unit.Job == "":
		r.fail("it is not running")
	case r.up(): // its probes will tell
		r.enter(Waiting, 0)
	case r.until.IsZero():
		r.enter(Waiting, r.cfg.Wait)
	case due(r.now, r.until):
		r.takesLong()
	}
}

// takesLong gives up on what systemd is doing: it is not for the ladder to hasten, but
// the node does not wait for it.
func (r *rung) takesLong() {
	r.why = "it is " + r.unit.Active + " for longer than " + r.cfg.Wait.String()
	if r.unit.Job != "" {
		r.why = "somebody's " + r.unit.Job + " takes longer than " + r.cfg.Wait.String()
	}
	r.why += ": systemctl status " + r.cfg.Name() + " says what it waits for"
	r.giveUp()
}

func (r *rung) good() {
	switch {
	case r.look != probes.Failed && (r.up() || r.unit.Lost != ""):
	case r.stopped():
		r.isStopped()
	case r.missing():
		r.isMissing()
	case r.up():
		r.fail("it runs, but its probe fails")
	case r.down() && r.unit.Job == "":
		r.fail("it is " + r.unit.String())
	case r.unit.Lost != "":
		r.fail("its probe fails and systemd does not answer")
	default:
		r.trouble = r.now
		r.why = "it is " + r.unit.String()
		r.note(ReasonProxyFailed, "%s: %s: waiting for what systemd is doing with it", r.cfg.Name(), r.why)
		r.enter(Settling, r.cfg.Wait)
	}
}

// testing ends early where systemd or the operator was faster.
func (r *rung) testing() {
	switch {
	case r.stopped():
		r.isStopped()
	case r.missing():
		r.isMissing()
	case r.up() && r.look != probes.Failed:
		r.enter(Settling, r.cfg.Wait)
	}
}

func (r *rung) settling() {
	switch {
	case r.healthy() && (r.fresh || !r.probed):
		if r.beenOut() {
			r.isReturning()
		} else {
			r.isGood()
		}
	case r.stopped():
		r.isStopped()
	case r.missing():
		r.isMissing()
	case r.down() && r.unit.Job == "":
		r.again("it is " + r.unit.String())
	case due(r.now, r.until) && r.unit.Job != "" && !r.stuck():
		r.takesLong()
	case due(r.now, r.until):
		r.again("not good within " + r.cfg.Wait.String())
	}
}

// beenOut tells that the node was out when the proxy came back.
func (g *guard) beenOut() bool { return g.barred && !g.trouble.IsZero() }

func (r *rung) givenUp() {
	switch {
	case r.halts:
	case r.stopped():
		r.isStopped()
	case r.missing():
		r.isMissing()
	case r.standsDown():
	case r.healthy():
		r.isReturning()
	case !due(r.now, r.until):
	case r.up() && !r.deaf, r.unit.Job != "" && !r.stuck(): // a restart would not mend what it answers
		r.enter(GivenUp, r.pause)
	case r.up():
		r.fail("its probe still fails")
	default:
		r.fail("it is still " + r.unit.String())
	}
}

// resting is Stopped or Missing: whoever stopped it starts it.
func (r *rung) resting() {
	switch {
	case r.up() && r.look == probes.Good:
		r.isReturning()
	case r.up() && r.look == probes.Failed && r.unit.Job == "":
		r.enter(Settling, r.cfg.Wait)
	case r.phase == Missing && !r.missing() && r.unit.Lost == "":
		r.enter(Waiting, 0)
		r.waiting()
	}
}

func (r *rung) returning() {
	switch {
	case r.stopped():
		r.isStopped()
	case r.missing():
		r.isMissing()
	case r.down() && r.unit.Job == "":
		r.fail("it is " + r.unit.String())
	case !r.up() && r.unit.Lost == "": // systemd, or somebody else, is at it
		r.enter(Settling, r.cfg.Wait)
	case r.look == probes.Failed:
		r.fail("it runs, but its probe fails")
	case r.goods >= r.cfg.Rise:
		r.isGood()
	case due(r.now, r.until): // without a probe the unit alone is looked at
		r.goods++
		r.enter(Returning, r.cfg.Look)
		r.returning()
	}
}

func (r *rung) isGood() {
	if !r.trouble.IsZero() {
		r.note(ReasonProxyRecovered, "%s is good again after %s", r.cfg.Name(), r.now.Sub(r.trouble).Round(time.Millisecond))
	}
	r.enter(Good, 0)
	r.climbs, r.attempt, r.barred, r.why, r.trouble = false, 0, false, "", time.Time{}
}

func (r *rung) isStopped() {
	r.note(ReasonProxyStopped, "an operator stopped %s; the addresses leave until it is started again", r.cfg.Name())
	r.enter(Stopped, 0)
	r.pause = 0
	r.leave("stopped by an operator")
}

func (r *rung) isMissing() {
	why := "unit " + r.cfg.Name() + " is " + r.unit.Load + ": " + unloaded(r.unit.Load, r.cfg.Name())
	r.note(ReasonProxyMissing, "%s", why)
	r.enter(Missing, 0)
	r.pause = 0
	r.leave(why)
}

// unloaded is what to do about a unit that systemd has not loaded.
func unloaded(load, name string) string {
	switch load {
	case "masked":
		return "systemctl unmask " + name
	case "not-found":
		return "there is no file of that name, see systemctl list-unit-files"
	}
	return "systemctl status " + name + " says what is wrong with its file"
}
