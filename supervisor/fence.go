package supervisor

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Fence is how this node makes sure that the other one is off. The zero value: it cannot.
type Fence struct {
	Shot    fencing.ShotConfig
	After   bool            // nothing is taken from a silent node before it is fenced
	Off     bool            // it stays off; else it is booted again
	Agents  []fencing.Agent // tried in order until one succeeds
	Timeout time.Duration   // of each
	Monitor time.Duration   // between two looks at whether they work
}

// Action is what the agents are told to do.
func (f *Fence) Action() string {
	if f.Off {
		return "off"
	}
	return "reboot"
}

// Names are those of the agents.
func (f *Fence) Names() string {
	var names []string
	for i := range f.Agents {
		names = append(names, f.Agents[i].Name())
	}
	return strings.Join(names, ", then ")
}

// Shoot wants the other host fenced, answered by ShotDone.
type Shoot struct{ Serial uint64 }

// ShotDone answers Shoot; Problem is empty when an agent says that the host is off.
type ShotDone struct {
	Serial  uint64
	By      string // the agent that succeeded
	Problem string
}

// FenceLooked tells whether the agents could be used now; an empty Problem: they could.
type FenceLooked struct{ Problem string }

// FenceConfirmed tells that an operator has made sure that the other host is off.
type FenceConfirmed struct{}

// Remember wants the next daemon on this host told whether the other host is off, unless this
// host ends before.
type Remember struct{ Fenced bool }

func (Shoot) isAction()         {}
func (Remember) isAction()      {}
func (ShotDone) isEvent()       {}
func (FenceLooked) isEvent()    {}
func (FenceConfirmed) isEvent() {}

func (a Shoot) String() string          { return "shoot" }
func (a Remember) String() string       { return fmt.Sprintf("remember fenced: %t", a.Fenced) }
func (e ShotDone) String() string       { return "shot " + passed(e.Problem) }
func (e FenceLooked) String() string    { return "fence " + passed(e.Problem) }
func (e FenceConfirmed) String() string { return "fence confirmed" }

// fence is what the node knows of its fence.
type fence struct {
	shot     fencing.Shot
	bold     bool // this node took without waiting for the fence, and wants it all the same
	told     bool // the next daemon is told that the other host is off
	asking   bool // the shot's deadline has come in this step
	lookedAt time.Time
	broken   string // why the agents could not be used at lookedAt
}

// fenceHears tells that the other node is heard, by heartbeat or by adverts.
func (s *step) fenceHears(proven bool) {
	before := s.fence.shot.Fence()
	s.fence.bold = false
	s.fence.shot.Heard(s.now, proven)
	if s.fence.shot.Fence() != before {
		s.touchWilling()
	}
}

// shoot asks for a shot; it is fired when its time has come.
func (s *step) shoot() {
	if slices.ContainsFunc(s.routers, s.hears) { // over another router: it lives
		s.fence.shot.Wait(s.now)
		return
	}
	serial, fire := s.fence.shot.Want(s.now, s.beforeShot())
	if !fire {
		return
	}
	s.note("", ReasonFenceShot, "%s is silent: it is fenced now (%s, with %s)", s.peerName(), s.cfg.Fence.Action(), s.cfg.Fence.Names())
	s.do(Shoot{Serial: serial})
	s.touchWilling()
}

// mayRestart is what a daemon that has ended is given to begin anew, by systemd, before its
// host is shot for that.
const mayRestart = 5 * time.Second

// beforeShot is how long a wish for a shot waits: the node that comes second lets the other
// one shoot first, if that may want to.
func (s *step) beforeShot() (wait time.Duration) {
	if !s.heldAll() {
		wait = s.cfg.Fence.Shot.Delay
	}
	if s.pulse.Ended() {
		wait = max(wait, mayRestart)
	}
	return wait
}

// heldAll tells that the other node, when it was last heard, held the addresses of every
// router. Such a node shoots nobody.
func (s *step) heldAll() bool {
	_, told := s.pulse.Peer()
	return !slices.ContainsFunc(s.routers, func(r *router) bool {
		if heard := r.machine.Heard(); heard.At.After(told) {
			return heard.Priority == vrrp.PriorityRelease
		}
		return told.IsZero() || !r.arbitration.heldAt.Equal(told)
	})
}

// shootFor asks for a shot before routers take the addresses: not while somebody answers
// for them, for then it is the links that are broken.
func (s *step) shootFor(members []*router) {
	if s.mayRise(members) {
		s.shoot()
	}
}

// shootBeside asks for a shot while routers take the addresses, where that is not waited for.
func (s *step) shootBeside(members []*router) {
	if s.cfg.Fence.After || !s.cfg.Fence.Shot.Armed || s.pulse == nil || s.pulse.Hearing() != fencing.Silent {
		return
	}
	silent := func(m *router) bool {
		rule := m.arbitration.decision.Rule
		return m.machine.Willing() && (rule == fencing.RuleUnclaimed || rule == fencing.RulePeerSick || rule == fencing.RuleVoted)
	}
	if slices.ContainsFunc(members, silent) {
		s.fence.bold = true
		s.shoot()
	}
}

// fenceTick has everybody asked again who wanted a shot.
func (s *step) fenceTick() {
	if !due(s.now, s.fence.shot.Deadline()) {
		return
	}
	s.fence.shot.Tick(s.now)
	s.fence.asking = true
	if s.fence.bold && s.gateway() != fencing.Lost && s.holdsAny() {
		s.shoot()
	}
	s.touchWilling()
}

// fenceBegins goes on with what the daemon before knew.
func (s *step) fenceBegins(fenced bool) {
	if fenced {
		s.fence.told = true
		s.fence.shot.Resume(s.now)
	}
}

// fenceSettled ends a step, in which the shot's deadline may have come.
func (s *step) fenceSettled() {
	if fenced := s.fence.shot.Fence() == fencing.Fenced; fenced != s.fence.told {
		s.fence.told = fenced
		s.do(Remember{Fenced: fenced})
	}
	if s.fence.asking {
		s.fence.asking = false
		s.fence.shot.Settled(s.now)
	}
}

func (n *Node) holdsAny() bool {
	return slices.ContainsFunc(n.routers, func(r *router) bool { return r.machine.State() == vrrp.Active })
}

// shotDone heeds how a shot ended.
func (s *step) shotDone(ev ShotDone) {
	if !s.fence.shot.Done(s.now, ev.Serial, ev.Problem) {
		return
	}
	switch {
	case ev.Problem != "":
		s.note("", ReasonFenceShotFailed, "%s could not be fenced: %s", s.peerName(), ev.Problem)
	case s.fence.shot.Fence() == fencing.Fenced:
		s.note("", ReasonFenceDone, "%s is off: %s says so", s.peerName(), ev.By)
	default:
		s.note("", ReasonFenceDone, "%s was fenced by %s, and has been heard since", s.peerName(), ev.By)
	}
	s.touchWilling()
}

// fenceLooked keeps whether the fence works, and notes when that changes.
func (s *step) fenceLooked(ev FenceLooked) {
	f := &s.fence
	first := f.lookedAt.IsZero()
	switch was := f.broken; {
	case ev.Problem != "" && was == "":
		s.note("", ReasonFenceBroken, "%s could not be fenced now: %s", s.peerName(), ev.Problem)
	case ev.Problem == "" && (was != "" || first):
		s.note("", ReasonFenceWorks, "%s can be fenced with %s", s.peerName(), s.cfg.Fence.Names())
	}
	f.lookedAt, f.broken = s.now, ev.Problem
}

// fenceConfirmed takes an operator's word, unless the other node is heard.
func (s *step) fenceConfirmed() {
	if s.MayConfirm(s.now) == "" && s.fence.shot.Confirm(s.now) {
		s.note("", ReasonFenceConfirmed, "an operator has made sure that %s is off", s.peerName())
		s.touchWilling()
	}
}

// MayConfirm tells why an operator's word that the other host is off cannot be taken;
// empty: it can.
func (n *Node) MayConfirm(now time.Time) string {
	s := &step{Node: n, now: now}
	switch {
	case !n.cfg.Fence.Shot.Armed:
		return "no fence is configured: nothing waits for it"
	case n.fence.shot.View().State == fencing.Pending:
		return "a shot at " + n.peerName() + " is under way: wait for what becomes of it"
	case n.pulse != nil && n.pulse.Hearing() != fencing.Silent || slices.ContainsFunc(n.routers, s.hears):
		return n.peerName() + " is heard: it is not off"
	}
	return ""
}

// reconfigureFence goes on with another fence; what is known of the old one is void.
func (s *step) reconfigureFence(old, cfg *Fence) {
	s.fence.shot.Retuned(cfg.Shot)
	if !reflect.DeepEqual(old.Agents, cfg.Agents) {
		s.fence.lookedAt, s.fence.broken = time.Time{}, ""
	}
}

func (n *Node) peerName() string {
	if n.cfg.Peer == "" {
		return "the other node"
	}
	return n.cfg.Peer
}
