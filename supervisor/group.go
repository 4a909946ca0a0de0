package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// members are the routers that move together with one, itself among them.
func (n *Node) members(r *router) []*router {
	if r.cfg.Group == "" {
		return []*router{r}
	}
	return n.groups[r.cfg.Group]
}

// groupFault is why another router of the group keeps one out.
func (s *step) groupFault(r *router) (vrrp.Reason, string) {
	for _, m := range s.members(r) {
		if m == r {
			continue
		}
		if fault, why := s.ownFault(m); fault != "" {
			if !isFault(fault) {
				return fault, why
			}
			return ReasonGroup, "router " + m.cfg.Name + " of group " + r.cfg.Group + ": " + string(fault) + ", " + why
		}
	}
	return "", ""
}

// ready tells that no router of a group keeps the others from rising.
func (n *Node) ready(r *router) bool {
	return !slices.ContainsFunc(n.members(r), func(m *router) bool {
		return m.machine.State() != vrrp.Active && !m.machine.Willing()
	})
}

// settleGroup lets all routers of a group rise when every one is willing and the hooks
// agree, and makes all yield when one has left. A router that has a hook to ask is a group
// of its own.
func (s *step) settleGroup(members []*router) {
	active, ready := 0, 0
	for _, m := range members {
		switch {
		case m.machine.State() == vrrp.Active:
			active++
			ready++
		case m.machine.Willing():
			ready++
		}
	}
	if (ready < len(members) || active > 0) && !s.receives(members) {
		members[0].gate = gate{} // whatever the hooks said
	}
	switch {
	case active == len(members):
	case ready == len(members) && !s.mayTake(members):
	case ready == len(members) && active == 0 && (!s.mayRise(members) || !s.mayPass(members)):
	case ready == len(members):
		s.shootBeside(members)
		for _, m := range members {
			if m.machine.Willing() {
				s.routerStep(m, vrrp.Rise{})
			}
		}
	case active > 0:
		for _, m := range members {
			if m.machine.State() == vrrp.Active {
				s.routerStep(m, vrrp.Yield{Reason: vrrp.ReasonGroup})
			}
		}
	}
}

// mayRise tells whether a group that is willing may do it now: with an advert of whom it
// pre-empts, else when nobody answers for any of its addresses. A router that has heard
// nothing for long does not know that anew: it may be a firewall's doing.
func (s *step) mayRise(members []*router) bool {
	var heard time.Time
	preempting, released := false, false
	for _, m := range members {
		if at := m.machine.Heard().At; at.After(heard) {
			heard = at
		}
		if at := m.arbitration.heldAt; at.After(heard) {
			heard = at
		}
		preempting = preempting || m.machine.Preempting()
		released = released || m.machine.Released()
	}
	if preempting {
		return slices.ContainsFunc(members, func(m *router) bool {
			return m.machine.Preempting() && m.machine.Heard().At.Equal(s.now)
		})
	}
	free := true
	for _, m := range members {
		if !m.machine.Free(heard) {
			free = false
			s.routerStep(m, vrrp.Assure{Heard: heard, Released: released})
		}
	}
	return free
}
