package supervisor

import (
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The drain: a router that hands its addresses over is silent about them at once, but serves
// whoever still sends to it until the other node has them. The gate is not renewed, so that
// the kernel ends that whatever becomes of this daemon. With a virtual MAC address there is
// none: what it still sends would tell the switch that the address is here.

// disowns has a router's addresses taken off the kernel; or, at a handover, only silenced, and
// taken off when their gate has run out.
func (s *step) disowns(r *router, a vrrp.Disown) {
	drains := a.Drain && r.cfg.VRRP.Gate > 0 && r.owned && r.cfg.VirtualMAC.Name == ""
	r.owned, r.lingers, r.arbitration.released, r.drained = false, true, s.now, time.Time{}
	if drains {
		r.drained = s.now.Add(r.cfg.VRRP.Gate)
	}
	s.do(RouterAction{Router: r.cfg.Name, Action: vrrp.Disown{Drain: drains}})
}

// drainEnds takes the addresses off that were only silenced.
func (s *step) drainEnds(r *router) {
	if !r.drained.IsZero() {
		r.drained = time.Time{}
		s.do(RouterAction{Router: r.cfg.Name, Action: vrrp.Disown{}})
		s.schedule.plan(r)
	}
}

// drainsEnd does so for all routers: what follows may not wait.
func (s *step) drainsEnd() {
	for _, r := range s.routers {
		s.drainEnds(r)
	}
}
