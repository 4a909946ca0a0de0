package supervisor

import "time"

// standDown is why the guard leaves a proxy stopped that was good. The zero value: it does not.
type standDown struct {
	since  time.Time
	until  time.Time // zero: until standUp
	rested bool      // it has been seen at rest since: if it is up, somebody started it
}

// standDown stops the proxy until a moment; the zero time: until standUp. What an operator
// stopped is left as it is.
func (g *guard) standDown(now, until time.Time) []Action {
	if !g.cfg.Guarded() || !g.known || g.phase == Stopped || g.phase == Missing {
		return nil
	}
	r := &rung{guard: g, now: now}
	g.stands = standDown{since: now, until: until}
	r.leave("stopped after a conflict")
	r.rest()
	r.halt("as on_conflict: stop_proxy wants")
	return r.out
}

// standUp has the ladder start a proxy again that standDown stopped.
func (g *guard) standUp(now time.Time) []Action {
	if g.stands.since.IsZero() {
		return nil
	}
	g.stands.until = now
	r := &rung{guard: g, now: now}
	if g.phase == GivenUp && !g.halts {
		r.rest()
		r.settle()
	}
	return r.out
}

// rest waits until the proxy may be started again.
func (r *rung) rest() {
	r.enter(GivenUp, 0)
	r.until = r.stands.until
}

// standsDown tells that a proxy that was given up is to be left stopped.
func (r *rung) standsDown() bool {
	d := &r.stands
	d.rested = d.rested || r.atRest()
	if d.since.IsZero() || due(r.now, d.until) || d.rested && r.up() {
		*d = standDown{}
		return false
	}
	return true
}
