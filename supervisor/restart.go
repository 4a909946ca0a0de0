package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// A restart without a move: the daemon that ends leaves the addresses and their gates open for
// a bounded time, and the next one goes on with them. Meanwhile the other node waits, since it
// was told; else the time is no longer than it always waits, or it is released to.

// acknowledged is how long the other node has to say that it knows.
const acknowledged = 300 * time.Millisecond

// parting is a daemon that is about to end for another one.
type parting struct {
	until   time.Time // when the kernel lets go of the addresses at the latest; zero: it does not part
	asked   time.Time // when the other node is not waited for any more
	said    time.Time // when it was first told; zero: not yet
	bridges bool      // addresses were left open
}

func (p *parting) deadline() time.Time { return p.asked }

// told keeps when a heartbeat first says that this node restarts.
func (p *parting) told(now time.Time) {
	if !p.asked.IsZero() && p.said.IsZero() {
		p.said = now
	}
}

// Stopping tells that the node has left; nothing more is to be told to it.
func (n *Node) Stopping() bool { return n.stopping }

// GoneOn tells that nothing that the daemon before has left waits for this one, and that the
// other node hears it.
func (n *Node) GoneOn() bool {
	waits := slices.ContainsFunc(n.routers, (*router).leftOpen)
	return !waits && (!n.linked() || n.pulse != nil && n.pulse.Hearing() == fencing.BothWay)
}

// stop ends at once, or when the other node knows that another daemon goes on.
func (s *step) stop(ev Stop) {
	held := slices.ContainsFunc(s.routers, func(r *router) bool { return r.role() == fencing.Holds })
	switch {
	case ev.For <= 0 || !held:
		s.end()
	case s.linked() && s.pulse.Hearing() != fencing.Silent:
		s.parting = parting{until: s.now.Add(max(ev.For, vrrp.LeastBridge+acknowledged)), asked: s.now.Add(acknowledged)}
		s.restless = true
	default:
		s.parting.until = s.now.Add(ev.For)
		s.part(false)
	}
}

// end releases what is held.
func (s *step) end() {
	s.stopping = true
	s.parting.asked = time.Time{}
	if !s.parting.bridges {
		s.parting.until = time.Time{}
	}
	s.balanceEnds()
	s.touchAll()
}

// partingSettled parts when the other node has shown that it knows, or has not for too long.
func (s *step) partingSettled() {
	p := &s.parting
	switch {
	case p.asked.IsZero():
		return
	case !p.said.IsZero() && !s.pulse.Proven().Before(p.said):
		s.part(true)
	case due(s.now, p.asked):
		s.part(false)
	}
	s.settle()
}

// part leaves the addresses that are held open; what has too little time is released.
func (s *step) part(informed bool) {
	p := &s.parting
	p.asked = time.Time{}
	var left []Bridged
	for _, r := range s.routers {
		if r.machine.State() == vrrp.Active {
			s.bridge(r, informed)
		}
		if r.leftOpen() {
			left = append(left, r.bridged)
		}
	}
	p.bridges = len(left) > 0
	s.end()
	if p.bridges {
		s.do(Bridge{left})
	}
}

func (s *step) bridge(r *router, informed bool) {
	informed = informed || !s.linked() && r.cfg.VRRP.TellsInterval()
	long := r.cfg.VRRP.BridgeFor(s.parting.until.Sub(s.now), informed)
	if long < vrrp.LeastBridge {
		return
	}
	since, favour, forced := r.since, r.favour, r.forced
	s.routerStep(r, vrrp.Bridge{For: long})
	if r.machine.State() == vrrp.Initialize {
		r.bridged = Bridged{
			Router: r.cfg.Name, VRID: r.cfg.VRRP.VRID, Interface: r.cfg.Interface, Addresses: r.cfg.VRRP.Addresses,
			Until: s.now.Add(long), Since: since, Favoured: !favour.since.IsZero(), FavouredUntil: favour.until, Forced: forced,
		}
	}
}

// leftOpen tells that a router's addresses are open though it is not Active.
func (r *router) leftOpen() bool { return !r.bridged.Until.IsZero() }

// restarts is for how long this node may be silent; zero: it does not restart.
func (n *Node) restarts(now time.Time) time.Duration {
	until := n.parting.until
	for _, r := range n.routers {
		if r.bridged.Until.After(until) {
			until = r.bridged.Until
		}
	}
	return max(until.Sub(now), 0)
}

// resume takes over what the daemon before has left, as far as it is configured still.
func (s *step) resume(left []Bridged) {
	for _, b := range left {
		r := s.router(b.Router)
		same := r != nil && b.VRID == r.cfg.VRRP.VRID && b.Interface == r.cfg.Interface && slices.Equal(b.Addresses, r.cfg.VRRP.Addresses)
		if same && s.now.Before(b.Until) {
			r.bridged, r.forced = b, b.Forced
			if b.Favoured {
				r.favour = favour{since: s.now, until: b.FavouredUntil}
			}
			s.handover.favours = s.handover.favours || b.Favoured || b.Forced
			s.schedule.plan(r)
		}
	}
}

// startup lets a router take part: where the one before left, or listening first.
func (s *step) startup(r *router) {
	b := r.bridged
	r.bridged = Bridged{}
	s.routerStep(r, vrrp.Startup{Address: r.primary, Resume: s.now.Before(b.Until)})
	if r.machine.State() == vrrp.Active && !b.Since.IsZero() {
		r.since = b.Since
	}
}

// giveUp releases addresses that were left open, and cannot be held now.
func (s *step) giveUp(r *router) {
	r.bridged = Bridged{}
	s.do(RouterAction{Router: r.cfg.Name, Action: vrrp.Send{Priority: vrrp.PriorityRelease}})
	s.hold(r, vrrp.Disown{})
	s.restless = true
	s.schedule.plan(r)
}

// resumeTick gives up what could not be resumed with in time.
func (s *step) resumeTick(r *router) {
	if due(s.now, r.bridged.Until) {
		s.giveUp(r)
		s.touch(r)
	}
}

// awaits keeps until when the other node, which restarts, may be silent.
func (s *step) awaits(long time.Duration) {
	before := s.awaiting()
	s.awaited = time.Time{}
	if long > 0 {
		s.awaited = s.now.Add(long)
	}
	if s.awaiting() == before {
		return
	}
	s.touchAll()
	if !before {
		s.note("", ReasonPeerRestarts, "%s restarts, and has %s to come back", s.cfg.Peer, long.Round(time.Millisecond))
	}
}

// awaiting tells that the other node restarts: that it is silent says nothing.
func (s *step) awaiting() bool { return s.now.Before(s.awaited) }
