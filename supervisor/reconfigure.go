package supervisor

import (
	"reflect"
	"slices"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// reconfigured applies the difference between two configurations: a router that did
// not change keeps its state and its timers, one that differs only in what can change
// under way goes on with that, every other one leaves and starts anew.
func (s *step) reconfigured(cfg Config) {
	s.drainsEnd()
	s.handoverReconfigured()
	next := make([]*router, 0, len(cfg.Routers))
	for _, c := range cfg.Routers {
		next = append(next, s.successor(c))
	}
	kept := make(map[*router]bool, len(next))
	for _, r := range next {
		kept[r] = true
	}
	for _, old := range s.routers {
		if !kept[old] {
			s.routerStep(old, vrrp.Shutdown{Reason: ReasonReconfigured})
		}
	}
	for _, r := range next {
		if old := s.router(r.cfg.Name); old != nil && old != r {
			r.lingers = old.lingers
		}
	}
	s.do(Configure{Config: cfg})
	s.untouch()
	s.index(next)
	for name := range s.links { // of others nothing is heard any more
		if len(s.neighbors[name]) == 0 {
			delete(s.links, name)
		}
	}
	for _, r := range next {
		s.readdress(r)
	}
	s.touchAll()
	s.reconfigureProxy(cfg)
	s.retunePulse(&s.cfg, &cfg)
	s.reconfigureFence(&s.cfg.Fence, &cfg.Fence)
	others := !slices.Equal(s.cfg.Arbitration.Voters, cfg.Arbitration.Voters) || s.cfg.Arbitration.Lease != cfg.Arbitration.Lease
	s.cfg = cfg
	s.newBallots(others)
	s.reconfigureBalance()
}

// successor is the router that carries a configuration from now on.
func (s *step) successor(c Router) *router {
	old := s.router(c.Name)
	switch {
	case old == nil, !goesOn(&old.cfg, &c):
		return newRouter(c)
	case reflect.DeepEqual(old.cfg, c):
		return old
	}
	if old.cfg.VRRP.Patient && !c.VRRP.Patient { // the arbiter is not asked any more
		old.arbitration = arbitration{}
	}
	old.cfg = c // priorities and what is tracked are settled
	s.routerStep(old, vrrp.Retuned{Config: c.VRRP})
	old.damping.told = c.VRRP.PreemptDelay
	return old
}

// goesOn tells whether a router may go on with another configuration: only its version,
// where it is and what its addresses are must be the same. A key is exchanged, a pair
// moves to auth_hmac step by step, the heartbeat is switched on when both nodes have
// pairkeeper, and nobody has to move for that.
func goesOn(old, c *Router) bool {
	like := *old
	like.VRRP.Priority, like.VRRP.PeerPriority, like.Track = c.VRRP.Priority, c.VRRP.PeerPriority, c.Track
	like.VRRP.Interval, like.VRRP.Lifetime, like.VRRP.DownAdverts = c.VRRP.Interval, c.VRRP.Lifetime, c.VRRP.DownAdverts
	like.VRRP.Gate = c.VRRP.Gate
	like.VRRP.Preempt, like.VRRP.PreemptDelay = c.VRRP.Preempt, c.VRRP.PreemptDelay
	like.FlapWindow, like.PreemptDelayMax = c.FlapWindow, c.PreemptDelayMax
	like.VRRP.LastResort = c.VRRP.LastResort
	like.VRRP.AnnounceAgain, like.VRRP.AnnounceEvery = c.VRRP.AnnounceAgain, c.VRRP.AnnounceEvery
	if like.Group == "" { // alone, it is Grouped for its hook or the heartbeat
		like.VRRP.Grouped = c.VRRP.Grouped
	}
	like.VRRP.Patient = c.VRRP.Patient
	like.Hooks = c.Hooks
	like.Format, like.Source, like.Peer, like.Burst, like.Replies = c.Format, c.Source, c.Peer, c.Burst, c.Replies
	owner := c.VRRP.Priority == vrrp.PriorityOwner || old.VRRP.Priority == vrrp.PriorityOwner
	return reflect.DeepEqual(like, *c) && (!owner || c.VRRP.Priority == old.VRRP.Priority)
}

func (s *step) reconfigureProxy(cfg Config) {
	if !reflect.DeepEqual(s.cfg.Probes, cfg.Probes) {
		s.probes = newProbes(cfg.Probes, s.probes)
	}
	same := s.cfg.Proxy.Unit == cfg.Proxy.Unit && reflect.DeepEqual(s.cfg.Proxy.Command, cfg.Proxy.Command)
	if !same {
		s.guard = newGuard(cfg.Proxy, guarding(cfg.Probes))
		s.guard.since = s.now
		s.conf = confGuard{cfg: cfg.Proxy}
		return
	}
	s.guard.reconfigure(s.now, cfg.Proxy, guarding(cfg.Probes))
	s.reconfigureConf(cfg.Proxy)
	s.guardStep(Reconfigured{})
}
