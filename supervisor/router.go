package supervisor

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// vipRetry is how long a router stays out after the kernel refused its addresses.
const vipRetry = 5 * time.Second

// router is one virtual router, what keeps it from taking part, and what the kernel
// has of its addresses.
type router struct {
	cfg       Router
	machine   *vrrp.Machine
	fault     vrrp.Reason // empty: takes part
	detail    string
	failing   vrrp.Reason // why it takes part only as the last resort; empty: as ever
	weakness  string      // the same in words
	since     time.Time   // of the state, or of the fault
	barred    string      // why it cannot be run here; empty: it can
	problem   string      // why the kernel refused the addresses
	retryAt   time.Time   // when to try them again
	veto      string      // what its hook said against becoming Active
	vetoUntil time.Time   // until when that keeps it out; zero: not
	native    bool        // owner of addresses that the host has anyway (RFC 9568 1.2)
	owned     bool        // the kernel has the addresses from us
	lingers   bool        // they were given up, but have not been seen to be gone
	drained   time.Time   // when they are taken off that were only silenced; zero: there are none
	bridged   Bridged     // what one daemon leaves to the next one; zero: nothing
	entered   vrrp.Enter  // the last transition

	primary  netip.Addr // where adverts come from
	base     uint8      // the priority as configured
	priority uint8      // with what is tracked
	peer     uint8      // the other router's, as configured
	offsets  []string   // what changes the priority

	gate        gate // of the first of a group, or of a router alone
	reasserting reasserting
	untold      *Moved     // it is Active, but has not got its addresses yet
	told        vrrp.State // what was last told of the group, at its first router

	number   int       // in the order of the configuration
	place    int       // in the schedule; -1: no deadline
	deadline time.Time // as the schedule has it
	touched  bool

	arbitration arbitration
	heldOff     holdOff
	damping     damping
	suspicion   suspicion
	favour      favour
	forced      bool        // an operator wants it to hold whatever speaks against it
	endures     vrrp.Reason // for which it would have left if it were not frozen or forced; empty: none
	handedOver  bool        // to the other node, by the order under way
	voting      voting      // of the first of a group, or of a router alone
}

func newRouter(cfg Router) *router {
	p := cfg.VRRP.Priority
	return &router{
		cfg: cfg, machine: vrrp.New(cfg.VRRP), fault: ReasonStarting,
		base: p, priority: p, peer: cfg.VRRP.PeerPriority, place: -1, damping: damping{told: cfg.VRRP.PreemptDelay},
	}
}

func (n *Node) link(name string) (LinkChanged, bool) {
	link, known := n.links[name]
	return link, known
}

// sender is the address a router sends from.
func (n *Node) sender(r *router) netip.Addr {
	link, _ := n.link(r.cfg.AdvertsOn())
	return n.senderOf(r, link.Addresses)
}

// senderOf is the one of some addresses that a router would send from.
func (n *Node) senderOf(r *router, some []netip.Prefix) netip.Addr {
	return r.cfg.Sender(some, func(a netip.Addr) bool { return n.virtuals[a] })
}

// nativeAddresses tells whether an owner's addresses are the host's own, which are
// neither added nor removed.
func (n *Node) nativeAddresses(r *router) bool {
	link, _ := n.link(r.cfg.Interface)
	return r.cfg.VRRP.Priority == vrrp.PriorityOwner && r.present(link.Addresses) == len(r.cfg.Addresses)
}

// present counts the router's addresses among those of its interface.
func (r *router) present(have []netip.Prefix) int {
	count := 0
	for _, a := range r.cfg.Addresses {
		if slices.Contains(have, a.Prefix) {
			count++
		}
	}
	return count
}

// hold passes on what the machine wants of the kernel's addresses.
func (s *step) hold(r *router, a vrrp.Action) {
	_, own := a.(vrrp.Own)
	if own {
		r.drained = time.Time{}
	}
	if r.native {
		if own {
			s.routerStep(r, vrrp.Owned{})
		}
		return
	}
	if disown, ok := a.(vrrp.Disown); ok {
		s.disowns(r, disown)
		return
	}
	s.do(RouterAction{Router: r.cfg.Name, Action: a})
}

// linkChanged keeps the level, then answers what it shows of each router's addresses.
func (s *step) linkChanged(ev LinkChanged) {
	before := s.links[ev.Interface].MAC
	s.links[ev.Interface] = ev
	if ev.MAC != before {
		s.mine = s.macs()
	}
	for _, r := range s.neighbors[ev.Interface] {
		s.touch(r)
		s.readdress(r)
		if !ev.Exists && ev.Interface == r.cfg.Interface || ev.Problem != "" {
			continue
		}
		if ev.Anew && r.machine.State() == vrrp.Active && r.owned {
			s.routerStep(r, vrrp.Owned{}) // what was announced is void
		}
		if ev.Interface != r.cfg.Holder() || r.barred != "" {
			continue
		}
		r.native = r.native && s.nativeAddresses(r) // they may have been a dead daemon's
		if !r.native {
			s.reconcile(r, &ev)
		}
	}
}

// readdress tells a router the address it sends from; it keeps the last one.
func (s *step) readdress(r *router) {
	now := s.sender(r)
	if now == r.primary {
		return
	}
	r.primary = now
	if now.IsValid() {
		s.routerStep(r, vrrp.Readdressed{Address: now})
	}
}

// reconcile compares the addresses that are there with those that should be.
func (s *step) reconcile(r *router, link *LinkChanged) {
	there := r.present(link.Addresses)
	active := r.machine.State() == vrrp.Active
	if !active { // what is tried out comes to be used, or lies in the way
		there += r.present(link.Tentative) + r.present(link.Duplicate)
	}
	switch {
	case active && !r.primary.IsValid(), r.leftOpen(): // leaves, or is about to resume
	case !r.drained.IsZero():
	case active && r.owned && (there < len(r.cfg.Addresses) || r.present(link.Restored) > 0):
		r.owned = false
		s.routerStep(r, vrrp.Vanished{})
	case !active && there == 0:
		r.lingers = false
	case !active && r.cfg.VRRP.Priority != vrrp.PriorityOwner:
		if !r.lingers {
			s.note(r.cfg.Name, ReasonAddressFound, "%d of its addresses on %s though this node is not Active: removed", there, r.cfg.Holder())
		}
		s.hold(r, vrrp.Disown{})
	}
}

// bar keeps a router out as long as another daemon of this host runs it: the addresses
// are that one's.
func (s *step) bar(ev Barred) {
	r := s.router(ev.Router)
	if r == nil {
		return
	}
	free := r.barred != "" && ev.Problem == ""
	r.barred = ev.Problem
	s.touch(r)
	if link, known := s.link(r.cfg.Holder()); free && known && link.Problem == "" {
		s.reconcile(r, &link)
	}
}

// ownFailed takes a router out for a while.
func (s *step) ownFailed(ev OwnFailed) {
	r := s.router(ev.Router)
	if r == nil || r.machine.State() != vrrp.Active && (!ev.Early || r.machine.State().Out()) {
		return
	}
	r.problem, r.retryAt = ev.Problem, s.now.Add(vipRetry)
	s.touch(r)
	s.schedule.plan(r)
}
