package supervisor

import (
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Taking by force: an operator knows better than the arbiter. The other node is asked first,
// and lets go if it hears that; then the addresses are taken, whatever it does. They stay here
// until they are handed over, until the interface fails, or until this daemon stops: so long the
// priority is the highest that there is, so that the other node yields whatever else it hears.

// TakeForced has a router, a group, or all taken.
type TakeForced struct{ Name string }

func (TakeForced) isEvent() {}

// String is one line of the trace.
func (e TakeForced) String() string { return strings.TrimSpace("take by force " + e.Name) }

// forceFor is how long the other node gets to let go.
const forceFor = time.Second

// ForceView is what taking by force would be about.
type ForceView struct {
	Routers   []string // those that do not hold here
	Overrides []string // what speaks against it, each with the name of its rule or reason
	Problem   string   // why even force does not help
}

// Force says what taking by force would override.
func (n *Node) Force(name string) (v ForceView) {
	all := n.named(name)
	if len(all) == 0 {
		v.Problem = "there is no virtual router or group " + name + "; there are: " + strings.Join(n.names(), ", ")
		return v
	}
	for _, r := range all {
		if r.machine.State() == vrrp.Active {
			continue
		}
		v.Routers = append(v.Routers, r.cfg.Name)
		if why := n.unforceable(r); why != "" && v.Problem == "" {
			v.Problem = r.cfg.Name + ": " + why
		}
		for _, why := range n.speaksAgainst(r) {
			v.Overrides = append(v.Overrides, r.cfg.Name+": "+why)
		}
	}
	if n.handover.order.Serial != 0 && v.Problem == "" {
		v.Problem = "a handover is under way"
	}
	return v
}

// unforceable is what keeps a router out that no order changes; empty: nothing.
func (n *Node) unforceable(r *router) string {
	switch r.fault {
	case ReasonStarting, ReasonStopping, ReasonReconfigured, ReasonLinkMissing, ReasonLinkDown, ReasonLinkUnusable, ReasonBarred, ReasonNoAddress, ReasonVIPFailed:
		return fmt.Sprintf("%s (%s): %s", r.machine.State(), r.fault, r.detail)
	}
	return ""
}

// speaksAgainst is all that keeps a router from taking now.
func (n *Node) speaksAgainst(r *router) (list []string) {
	add := func(name, format string, args ...any) { list = append(list, name+": "+fmt.Sprintf(format, args...)) }
	if r.fault != "" {
		add(string(r.fault), "%s", r.detail)
	}
	if r.failing != "" {
		add(string(r.failing), "%s", r.weakness)
	}
	if where := n.frozenWhere(); where != "" {
		add(string(fencing.RuleFrozen), "%s", where)
	}
	h, heard := n.told()
	claim, _ := h.Claim(fencing.RouterKey(r.cfg.Name), r.number)
	switch {
	case heard && claim.Role == fencing.Holds:
		add("peer-holds", "%s holds the addresses, as it says by heartbeat (priority %d)", n.peerName(), claim.Priority)
	case r.heardOf():
		add(string(fencing.RulePeerHolds), "%s holds the addresses, and advertises priority %d", r.machine.Heard().From, r.machine.Heard().Priority)
	}
	if d := r.arbitration.decision; d.Act == fencing.Stay && d.Rule != "" && d.Rule != fencing.RulePeerHolds {
		add(string(d.Rule), "%s", n.says(r, d.Rule))
	}
	if holder := r.machine.Outlook().Holder; holder != "" {
		add(string(fencing.RulePeerAlive), "%s answers for the addresses", holder)
	}
	if n.linked() && !heard {
		add("peer-silent", "nothing is heard of %s by heartbeat: it may hold, and then both do", n.peerName())
	}
	return list
}

// heardOf tells that somebody else was heard last as a holder.
func (r *router) heardOf() bool {
	h := r.machine.Heard()
	return !h.At.IsZero() && h.Priority != vrrp.PriorityRelease
}

// takeForced begins to take by force.
func (s *step) takeForced(ev TakeForced) {
	v := s.Force(ev.Name)
	if v.Problem != "" || len(v.Routers) == 0 {
		return
	}
	h := &s.handover
	h.moving = nil
	for _, r := range s.named(ev.Name) {
		if r.machine.State() != vrrp.Active {
			h.moving = append(h.moving, r)
		}
	}
	for _, r := range h.moving {
		r.forced = true
		s.note(r.cfg.Name, ReasonTakeForced, "an operator has it taken by force, over: %s", joined("; ", append(s.speaksAgainst(r), "nothing")[:max(len(s.speaksAgainst(r)), 1)]...))
		r.heldOff, r.vetoUntil = holdOff{}, time.Time{}
		s.favours(r, 0)
	}
	h.serial++
	h.order, h.asked, h.agreed, h.sent, h.problem = fencing.Order{Serial: uint64(s.now.UnixNano()), Kind: fencing.Demand}, s.now, false, true, ""
	if s.pulse != nil {
		h.order.Serial = s.pulse.Session() + h.serial
	}
}

// forceSettles takes what the other node has let go of, or has had its time for.
func (s *step) forceSettles() {
	h := &s.handover
	if h.order.Serial == 0 || h.order.Kind != fencing.Demand {
		return
	}
	free := !s.linked() || s.pulse.Hearing() == fencing.Silent || s.now.Sub(h.asked) >= forceFor
	if !free {
		peer, _ := s.pulse.Peer()
		free = true
		for _, r := range h.moving {
			c, _ := peer.Claim(fencing.RouterKey(r.cfg.Name), r.number)
			free = free && c.Role != fencing.Holds
		}
	}
	for _, r := range h.moving {
		if free && r.machine.State() == vrrp.Backup {
			s.routerStep(r, vrrp.Seize{Reason: ReasonForced})
		}
	}
}

// forceEnds forgets that a router was forced here, when it has let go.
func (s *step) forceEnds(r *router) {
	if r.forced && r.machine.State() != vrrp.Active && s.handover.order.Serial == 0 {
		r.forced = false
		s.touch(r)
	}
}
