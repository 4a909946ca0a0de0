package supervisor

import (
	"reflect"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// reconfigured applies the difference between two configurations: a router that did
// not change keeps its state and its timers, one that differs only in its priority
// goes on with the new one, every other one leaves and starts anew.
func (s *step) reconfigured(cfg Config) {
	var next []*router
	for _, c := range cfg.Routers {
		next = append(next, s.successor(c))
	}
	kept := map[*router]bool{}
	for _, r := range next {
		kept[r] = true
	}
	for _, old := range s.routers {
		if !kept[old] {
			s.routerStep(old, vrrp.Shutdown{Reason: ReasonReconfigured})
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
	s.cfg = cfg
}

// successor is the router that carries a configuration from now on.
func (s *step) successor(c Router) *router {
	old := s.router(c.Name)
	if old == nil {
		return newRouter(c)
	}
	like := old.cfg
	like.VRRP.Priority, like.VRRP.PeerPriority, like.Track = c.VRRP.Priority, c.VRRP.PeerPriority, c.Track
	owner := c.VRRP.Priority == vrrp.PriorityOwner || old.cfg.VRRP.Priority == vrrp.PriorityOwner
	switch {
	case reflect.DeepEqual(old.cfg, c):
		return old
	case reflect.DeepEqual(like, c) && !owner:
		old.cfg = c // the rest is settled
		return old
	}
	return newRouter(c)
}

func (s *step) reconfigureProxy(cfg Config) {
	if !reflect.DeepEqual(s.cfg.Probes, cfg.Probes) {
		s.probes = newProbes(cfg.Probes)
	}
	same := s.cfg.Proxy.Unit == cfg.Proxy.Unit && reflect.DeepEqual(s.cfg.Proxy.Command, cfg.Proxy.Command)
	if !same {
		s.guard = newGuard(cfg.Proxy, len(cfg.Probes) > 0)
		s.guard.since = s.now
		return
	}
	s.guard.reconfigure(s.now, cfg.Proxy, len(cfg.Probes) > 0)
	s.guardStep(Reconfigured{})
}
