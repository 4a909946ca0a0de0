package supervisor

import (
	"reflect"
	"slices"

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
	for _, old := range s.routers {
		if !contains(next, old) {
			s.routerStep(old, vrrp.Shutdown{Reason: ReasonReconfigured})
		}
	}
	s.do(Configure{Config: cfg})
	s.routers = next
	s.links = slices.DeleteFunc(s.links, func(l LinkChanged) bool { return !uses(cfg, l.Interface) })
	s.reconfigureProxy(cfg)
	s.cfg = cfg
}

// uses tells whether any router is on an interface; of others nothing is heard any more.
func uses(cfg Config, link string) bool {
	return slices.ContainsFunc(cfg.Routers, func(r Router) bool { return r.Interface == link })
}

// successor is the router that carries a configuration from now on.
func (s *step) successor(c Router) *router {
	old := s.router(c.Name)
	if old == nil {
		return newRouter(c)
	}
	like := old.cfg
	like.VRRP.Priority = c.VRRP.Priority
	owner := c.VRRP.Priority == vrrp.PriorityOwner || old.cfg.VRRP.Priority == vrrp.PriorityOwner
	switch {
	case reflect.DeepEqual(old.cfg, c):
		return old
	case reflect.DeepEqual(like, c) && !owner:
		old.cfg = c
		s.routerStep(old, vrrp.Reprioritized{Priority: c.VRRP.Priority})
		return old
	}
	return newRouter(c)
}

func contains(list []*router, r *router) bool {
	for _, x := range list {
		if x == r {
			return true
		}
	}
	return false
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
