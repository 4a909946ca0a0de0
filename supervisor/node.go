package supervisor

import (
	"fmt"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Node is the root of one node's deciders. It only wires: an event goes to the part
// it concerns, then everything settles in a fixed order: proxy, then routers.
type Node struct {
	cfg      Config
	started  bool
	stopping bool
	guard    guard
	probes   []probe
	links    []LinkChanged // by interface, in the order first heard
	routers  []*router
}

// probe is one probe and what it last said.
type probe struct {
	name    string
	counter *probes.Counter
	detail  string
	since   time.Time
}

// NewNode returns a node that has not started.
func NewNode(cfg Config) *Node {
	n := &Node{cfg: cfg, guard: newGuard(cfg.Proxy, len(cfg.Probes) > 0)}
	n.probes = newProbes(cfg.Probes)
	for _, r := range cfg.Routers {
		n.routers = append(n.routers, newRouter(r))
	}
	return n
}

func newProbes(cfgs []probes.Config) []probe {
	list := make([]probe, len(cfgs))
	for i, c := range cfgs {
		list[i] = probe{name: c.Name, counter: probes.NewCounter(c)}
	}
	return list
}

// Deadline is when the next Tick is due; zero: no timer runs.
func (n *Node) Deadline() time.Time {
	first := n.guard.deadline()
	for _, r := range n.routers {
		first = earlier(first, earlier(r.machine.Deadline(), r.retryAt))
	}
	return first
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Step gives the node an event and returns what it wants done, in order.
func (n *Node) Step(now time.Time, ev Event) []Action {
	s := &step{Node: n, now: now}
	s.event(ev)
	s.settle()
	return s.out
}

// step is one Step under way.
type step struct {
	*Node
	now time.Time
	out []Action
}

func (s *step) event(ev Event) {
	switch ev := ev.(type) {
	case Start:
		s.started = true
		s.guard.since = s.now
		for _, r := range s.routers {
			r.since = s.now
		}
	case Stop:
		s.stopping = true
	case UnitChanged, TestDone, RestartDone:
		s.guardStep(ev)
	case Looked:
		s.looked(ev)
	case LinkChanged:
		s.linkChanged(ev)
	case RouterEvent:
		s.routerEvent(ev)
	case OwnFailed:
		s.ownFailed(ev)
	case Reconfigured:
		s.reconfigured(ev.Config)
	case Tick:
		s.tick()
	}
}

func (s *step) tick() {
	if due(s.now, s.guard.deadline()) {
		s.guardStep(Tick{})
	}
	for _, r := range s.routers {
		if due(s.now, r.machine.Deadline()) {
			s.routerStep(r, vrrp.Tick{})
		}
		if due(s.now, r.retryAt) {
			r.retryAt = time.Time{}
		}
	}
}

func (s *step) guardStep(ev Event) {
	s.out = append(s.out, s.guard.step(s.now, ev, s.opinion())...)
}

// opinion is what all probes say together; none are good.
func (n *Node) opinion() probes.State {
	all := probes.Good
	for _, p := range n.probes {
		switch p.counter.State() {
		case probes.Failed:
			return probes.Failed
		case probes.Unknown:
			all = probes.Unknown
		}
	}
	return all
}

func (s *step) looked(ev Looked) {
	i := slices.IndexFunc(s.probes, func(p probe) bool { return p.name == ev.Probe })
	if i < 0 {
		return // a look that began before the configuration changed
	}
	p := &s.probes[i]
	p.detail = ev.Detail
	if p.counter.Add(ev.OK) {
		p.since = s.now
	}
	s.guardStep(ev)
}

func (n *Node) router(name string) *router {
	i := slices.IndexFunc(n.routers, func(r *router) bool { return r.cfg.Name == name })
	if i < 0 {
		return nil
	}
	return n.routers[i]
}

// routerEvent passes an event on; one for a router that is gone is dropped.
func (s *step) routerEvent(ev RouterEvent) {
	if r := s.router(ev.Router); r != nil {
		s.routerStep(r, ev.Event)
	}
}

// routerStep gives one router an event and keeps book of what it does.
func (s *step) routerStep(r *router, ev vrrp.Event) {
	if _, ok := ev.(vrrp.Owned); ok {
		r.owned = true
	}
	for _, a := range r.machine.Step(s.now, ev) {
		switch a := a.(type) {
		case vrrp.Own, vrrp.Refresh, vrrp.Disown:
			s.hold(r, a)
			continue
		case vrrp.Enter:
			r.since = s.now
		}
		s.do(RouterAction{Router: r.cfg.Name, Action: a})
	}
}

func (s *step) do(a Action) { s.out = append(s.out, a) }

func (s *step) note(router string, reason vrrp.Reason, format string, args ...any) {
	s.do(Note{Router: router, Reason: reason, Detail: fmt.Sprintf(format, args...)})
}

// settle starts and stops routers until each agrees with what is known.
func (s *step) settle() {
	if !s.started {
		return
	}
	for _, r := range s.routers {
		fault, detail := s.faultOf(r)
		state, changed := r.machine.State(), fault != r.fault
		r.fault, r.detail = fault, detail
		switch {
		case fault == "" && state.Out():
			r.native = s.nativeAddresses(r)
			s.routerStep(r, vrrp.Startup{Address: s.primary(r)})
		case fault == "":
		case changed && state == vrrp.Fault && isFault(fault):
			r.since = s.now
			s.note(r.cfg.Name, fault, "%s", detail)
		default:
			s.routerStep(r, vrrp.Shutdown{Reason: fault, Fault: isFault(fault)})
		}
	}
}

// faultOf is why a router must not take part, the nearest cause first.
func (s *step) faultOf(r *router) (vrrp.Reason, string) {
	if s.stopping {
		return ReasonStopping, "told to stop"
	}
	link, known := s.link(r.cfg.Interface)
	switch {
	case !known:
		return ReasonStarting, "waiting for the state of " + r.cfg.Interface
	case !link.Exists:
		return ReasonLinkMissing, "interface " + r.cfg.Interface + " does not exist: waiting for it"
	case !link.Up:
		return ReasonLinkDown, "interface " + r.cfg.Interface + " is down or has no carrier"
	case link.Problem != "":
		return ReasonLinkUnusable, link.Problem
	case !s.primary(r).IsValid():
		return ReasonNoAddress, "interface " + r.cfg.Interface + " has no IPv4 address to send from"
	}
	if fault := s.guard.fault(); fault != "" {
		return fault, s.guard.why
	}
	if !r.retryAt.IsZero() {
		return ReasonVIPFailed, r.problem
	}
	return "", ""
}
