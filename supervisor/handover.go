package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The handover: an operator has the addresses move while both nodes are well. Whoever is to
// hold them is asked by heartbeat first, and agrees only if it could take them now; then the
// holder lets go. The new holder is favoured from then on: it comes before the other node
// whatever the priorities say, as long as both are of one class.

// HandOver wants routers moved to the node that does not hold them.
type HandOver struct {
	Name  string        // of a router or a group; empty: all that this node holds, or, if none, all
	Lasts time.Duration // for how long the new holder is favoured; 0: until it lets go
}

func (HandOver) isEvent() {}

// String is one line of the trace.
func (e HandOver) String() string { return strings.TrimSpace("handover " + e.Name) }

// handover is the order of an operator here, and what was answered to the other node's.
type handover struct {
	order   fencing.Order // zero: none is under way
	sent    bool          // the other node may see it: the hooks have agreed
	moving  []*router     // what it is about
	asked   time.Time
	agreed  bool
	problem string // of the last order; empty: none
	ended   time.Time
	serial  uint64 // of the last order

	theirs  fencing.Order   // the other node's last order
	heeded  []*router       // what that is about
	pending bool            // the hooks have not agreed to it yet
	consent fencing.Consent // the answer

	favours bool // some router may be favoured or forced
}

// orderFor is how long an order waits for its answer and for what follows.
const orderFor = 3 * time.Second

// patience is orderFor, and what the hooks that may veto take.
func (h *handover) patience() time.Duration {
	most := time.Duration(0)
	for _, r := range h.moving {
		most = max(most, r.cfg.Hooks.BeforeActive.Timeout)
	}
	return orderFor + most
}

// HandoverView is the last order that was given here.
type HandoverView struct {
	Routers []string
	To      string // the node that is to hold
	Over    bool
	Problem string // why it came to nothing; empty: nothing is wrong
}

// Handover tells of the last order.
func (n *Node) Handover() HandoverView {
	h := &n.handover
	v := HandoverView{To: n.peerName(), Over: h.order.Serial == 0, Problem: h.problem}
	if h.order.Kind != fencing.Give {
		v.To = n.cfg.Node
	}
	for _, r := range h.moving {
		v.Routers = append(v.Routers, r.cfg.Name)
	}
	return v
}

// handOver begins an order, or says at once why it comes to nothing.
func (s *step) handOver(ev HandOver) {
	h := &s.handover
	if h.order.Serial != 0 {
		return // MayHandOver has said so
	}
	kind, moving, problem := s.orders(ev.Name)
	h.order, h.moving, h.problem, h.ended = fencing.Order{Kind: kind}, moving, problem, s.now
	if problem != "" {
		return
	}
	s.handed(kind, ev.Lasts)
}

// handed gives the order.
func (s *step) handed(kind fencing.OrderKind, lasts time.Duration) {
	h := &s.handover
	h.serial++
	h.order = fencing.Order{Serial: s.pulse.Session() + h.serial, Kind: kind, Lasts: lasts}
	h.asked, h.agreed, h.sent = s.now, false, kind == fencing.Give
	for _, r := range h.moving {
		r.handedOver = false
		if kind == fencing.Want {
			s.favours(r, lasts)
			s.note(r.cfg.Name, ReasonHandover, "an operator wants this node to hold the addresses: %s is asked", s.peerName())
		} else {
			s.note(r.cfg.Name, ReasonHandover, "an operator hands the addresses over: %s is asked", s.peerName())
		}
	}
	s.restless = true
}

// MayHandOver says why an order cannot even be given; empty: it can.
func (n *Node) MayHandOver(name string) string {
	if n.handover.order.Serial != 0 {
		return "another handover is under way"
	}
	_, _, problem := n.orders(name)
	return problem
}

// orders is what an order by some name is about, or why it cannot be given.
func (n *Node) orders(name string) (kind fencing.OrderKind, moving []*router, problem string) {
	all := n.named(name)
	held := slices.DeleteFunc(slices.Clone(all), func(r *router) bool { return r.machine.State() != vrrp.Active })
	kind = fencing.Give
	switch moving = held; {
	case len(all) == 0 && name == "":
		return kind, nil, "there is no virtual router here"
	case len(all) == 0:
		return kind, nil, "there is no virtual router or group " + name + "; there are: " + strings.Join(n.names(), ", ")
	case !n.linked():
		return kind, nil, "without a heartbeat the nodes cannot agree on it: configure heartbeat: with a key_file and links; stopping pairkeeper on the holder moves the addresses all the same"
	case n.pulse == nil || n.pulse.Hearing() != fencing.BothWay:
		return kind, nil, "the heartbeat does not go both ways, so that " + n.peerName() + " cannot be asked: `pairkeeper status` shows the links"
	case n.frozen():
		return kind, nil, n.frozenWhere() + ": `pairkeeper freeze off` there"
	case len(held) > 0:
		return kind, moving, ""
	}
	kind, moving = fencing.Want, all
	for _, r := range all {
		if why := n.cannotTake(r); why != "" {
			return kind, moving, n.cfg.Node + ": " + r.cfg.Name + ": " + why
		}
	}
	return kind, moving, ""
}

// named are the routers that a name means, with the rest of their groups.
func (n *Node) named(name string) (list []*router) {
	for _, r := range n.routers {
		meant := func(m *router) bool { return name == "" || m.cfg.Name == name || m.cfg.Group == name }
		if slices.ContainsFunc(n.members(r), meant) {
			list = append(list, r)
		}
	}
	return list
}

// names are those of all routers and groups, each once.
func (n *Node) names() (list []string) {
	for _, r := range n.routers {
		for _, name := range []string{r.cfg.Name, r.cfg.Group} {
			if name != "" && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// cannotTake is why this node must not be given a router now; empty: it may.
func (n *Node) cannotTake(r *router) string {
	switch state := r.machine.State(); {
	case r.fault != "":
		return fmt.Sprintf("%s (%s): %s", state, r.fault, r.detail)
	case r.failing != "":
		return fmt.Sprintf("the last resort (%s): %s", r.failing, r.weakness)
	case state != vrrp.Backup:
		return "it is " + state.String()
	case n.cfg.Proxy.Guarded() && n.guard.phase != Good:
		return fmt.Sprintf("%s is not good (%s): %s", n.guard.cfg.Name(), n.guard.phase, n.guard.why)
	case n.gatewayNow() == fencing.Lost:
		return "its gateway does not answer"
	case n.class() != fencing.Able:
		return "it is not able to serve: " + n.class().String()
	}
	return ""
}

// agrees gives the consent when the hooks that may veto have agreed.
func (s *step) agrees() {
	h := &s.handover
	for _, r := range h.heeded {
		if why := s.refuses(r); why != "" { // by now
			h.pending, h.consent = false, fencing.Consent{Serial: h.theirs.Serial, Refusal: cut(why)}
			s.restless = true
			return
		}
	}
	if h.theirs.Kind == fencing.Give && !s.passes(h.heeded) {
		return
	}
	h.pending, h.consent = false, fencing.Consent{Serial: h.theirs.Serial}
	s.restless = true
	for _, r := range h.heeded {
		if h.theirs.Kind == fencing.Give {
			s.note(r.cfg.Name, ReasonHandover, "%s hands the addresses over to this node", s.peerName())
		} else {
			s.note(r.cfg.Name, ReasonHandover, "an operator on %s wants the addresses: they are handed over", s.peerName())
		}
		s.touch(r)
	}
}

// passes asks the hooks of routers that are to rise; true: all have agreed.
func (s *step) passes(routers []*router) bool {
	all := true
	for _, r := range routers {
		if members := s.members(r); members[0] == r && !s.mayPass(members) {
			all = false
		}
	}
	return all
}

// granted tells that a router is to be given to the other node, and that both have agreed.
func (s *step) granted(r *router, c fencing.Claim) bool {
	h := &s.handover
	switch {
	case !c.Favoured || !c.Asks:
		return false
	case h.agreed && h.order.Kind == fencing.Give && slices.Contains(h.moving, r):
		return true
	}
	return h.theirs.Kind != fencing.Give && h.consent.Serial != 0 && h.consent.Refusal == "" && slices.Contains(h.heeded, r)
}

// handoverSettles looks how far the orders have come.
func (s *step) handoverSettles() {
	h := &s.handover
	if h.pending {
		s.agrees()
	}
	if h.favours {
		h.favours = false
		for _, r := range s.routers {
			s.favourSettles(r)
			s.forceEnds(r)
			h.favours = h.favours || r.favoured() || r.forced
		}
	}
	s.forceSettles()
	if h.order.Serial == 0 {
		return
	}
	if !h.sent && s.passes(h.moving) {
		h.sent, s.restless = true, true
	}
	peer, _ := s.pulse.Peer()
	moved := 0
	for _, r := range h.moving {
		c, _ := peer.Claim(fencing.RouterKey(r.cfg.Name), r.number)
		state := r.machine.State()
		switch {
		case h.order.Kind != fencing.Give && state == vrrp.Active && (r.owned || r.native):
			moved++
		case h.order.Kind == fencing.Want && state.Out():
			s.orderFailed(fmt.Sprintf("%s is %s (%s) here now: %s", r.cfg.Name, state, r.fault, r.detail))
			return
		case h.order.Kind == fencing.Give && state != vrrp.Active && c.Role == fencing.Holds:
			moved++
		case h.order.Kind == fencing.Give && state == vrrp.Active && r.handedOver:
			s.orderFailed(s.peerName() + " had agreed, but did not take the addresses: this node has taken them back")
			return
		}
	}
	switch {
	case moved == len(h.moving):
		s.orderEnds("")
	case s.now.Sub(h.asked) < h.patience():
	case h.agreed:
		s.orderFailed(s.peerName() + " had agreed, but the addresses have not moved in time")
	case !h.sent:
		s.orderFailed("the hook before_active has not answered in time")
	default:
		s.orderFailed(s.peerName() + " has not answered: nothing has moved")
	}
}

// orderRefused ends the order: nothing has moved.
func (s *step) orderRefused(problem string) {
	for _, r := range s.handover.moving {
		s.note(r.cfg.Name, ReasonHandoverRefused, "%s", problem)
	}
	s.orderEnds(problem)
}

// orderFailed ends an order that came to nothing.
func (s *step) orderFailed(problem string) {
	for _, r := range s.handover.moving {
		s.note(r.cfg.Name, ReasonHandoverFailed, "%s", problem)
	}
	s.orderEnds(problem)
}

// orderEnds ends the order here; an empty problem: it was carried out.
func (s *step) orderEnds(problem string) {
	h := &s.handover
	h.order.Serial, h.problem, h.ended, h.agreed = 0, problem, s.now, false
	s.restless = true
	for _, r := range h.moving {
		if r.favoured() && r.machine.State() != vrrp.Active {
			s.disfavour(r)
		}
	}
}

// handoverReconfigured ends the orders: they may be about routers that are gone.
func (s *step) handoverReconfigured() {
	if s.handover.order.Serial != 0 {
		s.orderFailed("the configuration was reloaded meanwhile")
	}
	h := &s.handover
	h.moving, h.heeded, h.pending, h.consent = nil, nil, false, fencing.Consent{}
}

// shown is the order as the other node may see it.
func (h *handover) shown() fencing.Order {
	if !h.sent || h.order.Serial == 0 {
		return fencing.Order{}
	}
	return h.order
}

// moves tells that the order under way is about a router.
func (h *handover) moves(r *router) bool {
	return h.shown().Serial != 0 && slices.Contains(h.moving, r)
}
