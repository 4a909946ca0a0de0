package supervisor

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Node is the root of one node's deciders. It only wires: an event goes to the part
// it concerns, then everything that may have changed settles in a fixed order: proxy,
// then routers, then groups.
type Node struct {
	cfg       Config
	started   bool
	stopping  bool
	parting   parting
	awaited   time.Time // until when the other node, which restarts, may be silent; zero: it does not
	guard     guard
	conf      confGuard
	probes    []probe
	links     map[string]LinkChanged // by interface
	routers   []*router
	schedule  schedule
	pulse     *fencing.Pulse // nil: not begun
	voters    []voter
	claimed   []fencing.Claim // memory of heartbeat, used again
	stoodFor  time.Duration   // for how long this host's clocks have stood still, not noted yet
	restless  bool            // something that roles tells may have changed
	doubtedAt time.Time       // when it was last asked because the other node is silent
	gatewayAt time.Time       // when the gateway last answered
	said      uint64          // roles when they were last sent
	fence     fence
	agreement agreement
	handover  handover
	modes     [modes]mode
	balance   balance
	mine      []fencing.MAC // see macs

	questions uint64 // that hooks were asked

	// What follows from cfg: for looking up, never for going through.
	byName    map[string]*router
	groups    map[string][]*router
	neighbors map[string][]*router // by each interface that a router has to do with
	virtuals  map[netip.Addr]bool  // addresses that move between the nodes
}

// NewNode returns a node that has not started.
func NewNode(cfg Config) *Node {
	n := &Node{cfg: cfg, guard: newGuard(cfg.Proxy, guarding(cfg.Probes)), links: map[string]LinkChanged{}}
	n.conf.cfg = cfg.Proxy
	n.fence.shot = fencing.NewShot(cfg.Fence.Shot)
	n.probes = newProbes(cfg.Probes, nil)
	var routers []*router
	for _, r := range cfg.Routers {
		routers = append(routers, newRouter(r))
	}
	n.index(routers)
	n.newBallots(true)
	return n
}

// index makes routers those of the node.
func (n *Node) index(routers []*router) {
	n.routers, n.schedule = routers, make(schedule, 0, len(routers))
	n.byName, n.groups = make(map[string]*router, len(routers)), map[string][]*router{}
	n.neighbors, n.virtuals = map[string][]*router{}, make(map[netip.Addr]bool, len(routers))
	for i, r := range routers {
		r.number, r.place = i, -1
		n.schedule.plan(r)
		n.byName[r.cfg.Name] = r
		if g := r.cfg.Group; g != "" {
			n.groups[g] = append(n.groups[g], r)
		}
		for _, name := range r.cfg.Links() {
			n.neighbors[name] = append(n.neighbors[name], r)
		}
		if r.cfg.VRRP.Priority != vrrp.PriorityOwner {
			for _, a := range r.cfg.VRRP.Addresses {
				n.virtuals[a] = true
			}
		}
	}
	n.mine = n.macs()
}

// Deadline is when the next Tick is due; zero: no timer runs.
func (n *Node) Deadline() time.Time {
	first := earlier(earlier(n.guard.deadline(), n.schedule.first()), n.fence.shot.Deadline())
	first = earlier(first, n.modesDeadline())
	if n.pulse != nil {
		first = earlier(first, n.pulse.Deadline())
	}
	return earlier(first, n.parting.deadline())
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Step gives the node an event and returns what it wants done, in order.
func (n *Node) Step(now time.Time, ev Event) []Action { return n.Append(nil, now, ev) }

// Append is Step that appends what it wants done to out.
func (n *Node) Append(out []Action, now time.Time, ev Event) []Action {
	s := &step{Node: n, now: now, out: out}
	s.event(ev)
	s.settle()
	if s.pulse != nil {
		s.handoverSettles()
		s.settle()
	}
	s.beat()
	s.partingSettled()
	s.fenceSettled()
	s.balanceSettled()
	return s.out
}

// step is one Step under way.
type step struct {
	*Node
	now     time.Time
	out     []Action
	touched []*router // what may have to settle
	paused  bool      // this host stood still until now
}

// touch has a router settle, and with it its group.
func (s *step) touch(r *router) {
	for _, m := range s.members(r) {
		if !m.touched {
			m.touched = true
			s.touched = append(s.touched, m)
		}
	}
}

func (s *step) touchAll() {
	s.restless = true
	for _, r := range s.routers {
		s.touch(r)
	}
}

func (s *step) event(ev Event) {
	switch ev := ev.(type) {
	case Start:
		s.started = true
		s.beginPulse(ev.Session)
		s.fenceBegins(ev.Fenced)
		s.guard.since = s.now
		for _, r := range s.routers {
			r.since = s.now
		}
		s.resume(ev.Resumed)
		s.balanceBegins()
		s.touchAll()
	case Stop:
		s.drainsEnd()
		s.stop(ev)
	case UnitChanged, RestartDone, HaltDone:
		s.guardStep(ev)
	case TestDone:
		s.tested(ev)
	case ReloadDone:
		s.reloaded(ev)
	case ProxyConfigChanged:
		s.confChanged(ev)
	case Looked:
		s.looked(ev)
	case Checked:
		s.checked(ev)
	case LinkChanged:
		s.linkChanged(ev)
	case RouterEvent:
		s.routerEvent(ev)
	case OwnFailed:
		s.ownFailed(ev)
	case Barred:
		s.bar(ev)
	case HookDone:
		s.hookDone(ev)
	case Reconfigured:
		s.reconfigured(ev.Config)
	case HeartbeatHeard:
		s.heartbeat(ev)
	case HeartbeatGone:
		s.heartbeatGone(ev.Link)
	case ShotDone:
		s.shotDone(ev)
	case FenceLooked:
		s.fenceLooked(ev)
	case FenceConfirmed:
		s.fenceConfirmed()
	case HandOver:
		s.handOver(ev)
	case TakeForced:
		s.takeForced(ev)
	case SetMode:
		s.setMode(ev)
	case Clear:
		s.clear()
	case VoteCast:
		s.voteCast(ev)
	case Tick:
		s.tick()
	}
}

func (s *step) tick() {
	if due(s.now, s.guard.deadline()) {
		s.guardStep(Tick{})
	}
	s.fenceTick()
	s.modesTick()
	for _, r := range s.schedule.due(s.now) {
		if due(s.now, r.machine.Deadline()) {
			s.routerStep(r, vrrp.Tick{})
		}
		if due(s.now, r.retryAt) {
			r.retryAt = time.Time{}
			s.touch(r)
		}
		if due(s.now, r.vetoUntil) {
			r.vetoUntil = time.Time{}
			s.touch(r)
		}
		s.holdOffTick(r)
		s.reassertTick(r)
		s.voteTick(r)
		if due(s.now, r.drained) {
			s.drainEnds(r)
		}
		s.resumeTick(r)
		if due(s.now, r.arbitration.checkAt) {
			r.arbitration.checkAt = time.Time{}
			s.touch(r)
		}
		s.schedule.plan(r)
	}
}

// guardStep gives the guard an event; its verdict concerns every router.
func (s *step) guardStep(ev Event) {
	fault, why := s.guard.fault(), s.guard.why
	look, deaf := s.opinion()
	done := s.guard.step(s.now, ev, look, deaf)
	s.out = append(s.out, done...)
	s.confAfter(done)
	if s.guard.fault() != fault || s.guard.why != why {
		s.touchAll()
	}
}

// tested gives the answer of a test to who asked for it.
func (s *step) tested(ev TestDone) {
	if ev.For == ForConfig {
		s.confTested(ev.Problem)
		return
	}
	s.conf.ladder = false
	s.guardStep(ev)
}

// reloaded gives the answer of a reload to who asked for it.
func (s *step) reloaded(ev ReloadDone) {
	if ev.For == ForConfig {
		s.confReloaded(ev.Problem)
		return
	}
	s.guardStep(ev)
}

func (n *Node) router(name string) *router { return n.byName[name] }

// routerEvent passes an event on; one for a router that is gone is dropped.
func (s *step) routerEvent(ev RouterEvent) {
	if r := s.router(ev.Router); r != nil {
		s.routerStep(r, s.identified(r, ev.Event))
	}
}

// routerStep gives one router an event and keeps book of what it does.
func (s *step) routerStep(r *router, ev vrrp.Event) {
	if _, ok := ev.(vrrp.Owned); ok {
		r.owned = true
	}
	state, willing, preempting := r.machine.State(), r.machine.Willing(), r.machine.Preempting()
	var noted vrrp.Reason
	for _, a := range r.machine.Step(s.now, ev) {
		switch a := a.(type) {
		case vrrp.Probe:
			r.arbitration.lateAt, s.restless = s.now, true
			s.doubt(r)
		case vrrp.Own, vrrp.Refresh, vrrp.Renew, vrrp.Linger, vrrp.Disown:
			s.hold(r, a)
			continue
		case vrrp.Enter:
			r.since, r.entered = s.now, a
			s.do(RouterAction{Router: r.cfg.Name, Action: a})
			s.moved(r, a)
			r.arbitration.rival = rival{}
			s.suspect(r, a)
			s.damped(r, a)
			continue
		case vrrp.Note:
			if a.Reason == vrrp.ReasonIntervalAdopted && s.awaiting() {
				continue // it is how the restart is told
			}
			noted = a.Reason
		}
		s.do(RouterAction{Router: r.cfg.Name, Action: a})
	}
	if r.machine.State() != state {
		s.restless, s.balance.stale = true, true
	}
	if r.arbitration.hear(s.now, r.machine.Heard()) {
		s.fenceHears(false)
	}
	s.reassertAfter(r, ev, noted)
	if ev == (vrrp.Owned{}) && r.untold != nil {
		s.tellActive(r)
		if r.cfg.Group != "" {
			s.groupMoved(s.members(r))
		}
	}
	preempting = preempting || r.machine.Preempting()
	if r.machine.State() != state || r.machine.Willing() != willing || r.contested() || s.rivalled(r) || preempting && s.ready(r) { // then every advert counts
		s.touch(r)
	}
	s.schedule.plan(r)
}

func (s *step) do(a Action) { s.out = append(s.out, a) }

func (s *step) note(router string, reason vrrp.Reason, format string, args ...any) {
	s.do(Note{Router: router, Reason: reason, Detail: fmt.Sprintf(format, args...)})
}

// settle starts and stops routers, and moves groups, until each agrees with what is known.
func (s *step) settle() {
	var groups []*router // the first of each that was touched
	for len(s.touched) > 0 {
		routers := s.untouch()
		if !s.started {
			return
		}
		for _, r := range routers {
			s.settleRouter(r)
		}
		for _, r := range routers {
			if members := s.members(r); r.cfg.VRRP.Grouped && members[0] == r {
				s.settleGroup(members)
				s.vote(members)
				if r.cfg.Group != "" && !slices.Contains(groups, r) {
					groups = append(groups, r)
				}
			}
		}
	}
	for _, lead := range groups {
		if s.byName[lead.cfg.Name] == lead {
			s.groupMoved(s.members(lead))
		}
	}
}

// untouch returns who was touched, and forgets it.
func (s *step) untouch() []*router {
	routers := s.touched
	s.touched = nil
	for _, r := range routers {
		r.touched = false
	}
	return routers
}

func (s *step) settleRouter(r *router) {
	if s.byName[r.cfg.Name] != r {
		return // gone with an earlier configuration
	}
	fault, detail := s.faultOf(r)
	state, changed := r.machine.State(), fault != r.fault
	r.fault, r.detail = fault, detail
	if r.leftOpen() && (isFault(fault) || fault == ReasonStopping && !s.parting.bridges) {
		s.giveUp(r)
	}
	s.settleFailing(r)
	s.reprioritize(r)
	s.damp(r)
	r.forget()
	switch {
	case fault == "" && state.Out():
		r.native = s.nativeAddresses(r)
		s.startup(r)
	case fault == "":
		s.holderSettles(r)
		s.endedSettles(r)
		s.contestSettles(r)
	case changed && state == vrrp.Fault && isFault(fault):
		r.since = s.now
		s.note(r.cfg.Name, fault, "%s", detail)
	default:
		s.routerStep(r, vrrp.Shutdown{Reason: fault, Fault: isFault(fault)})
	}
}
