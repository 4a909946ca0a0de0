package supervisor

import (
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// With when_all_unhealthy: keep, a router of a node that has failed does not leave: it
// gives the addresses up, and takes part as the last resort. Only what makes the node
// useless to clients counts for that; what makes the router unable to take part, or is an
// operator's will, takes it out as ever.

// keeps tells that a router takes part as the last resort. An owner's priority is fixed.
func (r *router) keeps() bool {
	return r.cfg.VRRP.LastResort && r.cfg.VRRP.Priority != vrrp.PriorityOwner
}

// spares tells that a tracked interface makes the router the last resort instead of taking
// it out. A reversed one is a switch that somebody has set.
func (r *router) spares(t *Track) bool {
	own := t.Interface == r.cfg.Interface || t.Interface == r.cfg.AdvertsOn() || t.Interface == r.cfg.Holder()
	return r.keeps() && !t.Reverse && !own
}

// sparesProbe is spares of a probe. A value that takes the node out is somebody's will.
func (r *router) sparesProbe(p *probe) bool {
	return r.keeps() && !p.cfg.OnFail.Reverse && p.counter.State() == probes.Failed
}

// sparesProxy is spares of what the guard says.
func (r *router) sparesProxy(fault vrrp.Reason) bool {
	switch fault {
	case ReasonProxyDown, ReasonProxyReturns, ReasonProxyUnknown:
		return r.keeps()
	}
	return false
}

// failing is why a router takes part only as the last resort; empty: as ever. What is
// tracked by a router of a group counts for all of it.
func (s *step) failing(r *router) (vrrp.Reason, string) {
	if !r.keeps() {
		return "", ""
	}
	for _, m := range s.members(r) {
		for i := range m.cfg.Track {
			t := &m.cfg.Track[i]
			_, known := s.link(t.Interface)
			if met, why := s.look(t); known && t.fatal(met) && m.spares(t) {
				return ReasonTrack, why
			}
		}
	}
	for i := range s.probes {
		p := &s.probes[i]
		if out, why := p.out(); out && r.sparesProbe(p) {
			return ReasonProbe, why
		}
	}
	if fault := s.guard.fault(); r.sparesProxy(fault) {
		return fault, s.guard.why
	}
	return "", ""
}

// settleFailing makes a router the last resort, or no longer.
func (s *step) settleFailing(r *router) {
	was := r.failing
	r.failing, r.weakness = "", ""
	if r.fault == "" {
		r.failing, r.weakness = s.failing(r)
	}
	if r.failing != "" && r.failing != was {
		s.note(r.cfg.Name, ReasonLastResort, "%s, %s: takes part with priority %d, for when nobody else does (when_all_unhealthy: keep)",
			r.failing, r.weakness, vrrp.PriorityLastResort)
	}
}
