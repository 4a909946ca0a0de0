package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// Machine is the state machine of one virtual router (RFC 9568 6.4, RFC 3768 6.4).
// It is a plain value: Step is the only way in, and only Tick fires its timers.
type Machine struct {
	cfg     Config
	state   State
	address netip.Addr // the interface's primary address
	backup  backup     // zero unless Backup
	active  active     // zero unless Active
	heard   Heard
	vain    time.Time // when it yielded and nobody came; zero: somebody was heard since
}

// Heard is the last advert of another router that was good enough to count.
type Heard struct {
	From     netip.Addr
	Priority uint8
	At       time.Time
}

// New returns a Machine in Initialize.
func New(cfg Config) *Machine { return &Machine{cfg: cfg} }

// State is the state of RFC 9568 6.4.
func (m *Machine) State() State { return m.state }

// Priority is the priority that the adverts carry.
func (m *Machine) Priority() uint8 { return m.cfg.Priority }

// Heard is the last advert of another router; its At is zero if there was none.
func (m *Machine) Heard() Heard { return m.heard }

// Deadline is when the next Tick is due; zero: no timer runs.
func (m *Machine) Deadline() time.Time {
	switch m.state {
	case Backup:
		return m.backup.deadline()
	case Active:
		return m.active.deadline()
	}
	return time.Time{}
}

// Step gives the machine an event and returns what it wants done, in order.
func (m *Machine) Step(now time.Time, ev Event) []Action {
	s := &step{Machine: m, now: now}
	s.event(ev)
	return s.out
}

// step is one Step under way.
type step struct {
	*Machine
	now time.Time
	out []Action
}

func (s *step) do(a ...Action) { s.out = append(s.out, a...) }

func (s *step) note(r Reason, detail string) { s.do(Note{Reason: r, Detail: detail}) }

// noteOf is a note about somebody's advert.
func (s *step) noteOf(from netip.Addr, r Reason, detail string) {
	s.do(Note{Reason: r, Detail: from.String() + " " + detail, From: from})
}

func (s *step) event(ev Event) {
	switch ev := ev.(type) {
	case Startup:
		if s.state.Out() {
			s.startup(ev)
		}
		return
	case Shutdown:
		s.shutdown(ev)
		return
	case Bridge:
		s.bridge(ev)
		return
	case Reprioritized:
		s.reprioritized(ev)
		return
	case Retuned:
		s.retuned(ev.Config)
		return
	case Delayed:
		s.cfg.PreemptDelay = ev.PreemptDelay
		return
	case Readdressed:
		s.address = ev.Address
		return
	}
	switch s.state {
	case Backup:
		s.inBackup(ev)
	case Active:
		s.inActive(ev)
	case Initialize, Fault:
		if r, ok := ev.(Received); ok { // for the operator only
			s.hear(r)
		}
	}
}

func (s *step) hear(ev Received) {
	s.heard = Heard{From: ev.From, Priority: ev.Advert.Priority, At: s.now}
	s.vain = time.Time{}
}

// startup is RFC 9568 6.4.1.
func (s *step) startup(ev Startup) {
	s.address = ev.Address
	s.heard = Heard{}
	s.vain = time.Time{}
	if ev.Resume {
		s.toActive(ReasonResumed)
		return
	}
	if s.cfg.Priority == PriorityOwner && !s.cfg.Grouped {
		s.toActive(ReasonOwner)
		return
	}
	s.toBackup(s.cfg.Interval, ReasonStarted, ReasonAlone)
	if s.cfg.Priority == PriorityOwner {
		s.rise(ReasonOwner)
	}
}

// reprioritized releases at once what the other router is better for: it would take as
// long as its down timer, or its preemption delay, to come by itself.
func (s *step) reprioritized(ev Reprioritized) {
	fell := ev.Priority < s.cfg.Priority
	s.cfg.Priority, s.cfg.PeerPriority = ev.Priority, ev.Peer
	if fell && s.state == Active && !s.slept() && s.outranked() {
		s.yieldTo(ReasonOutranked, false)
	}
}

// retuned goes on with another configuration. An Active router that is to advertise more
// often begins at once.
func (s *step) retuned(cfg Config) {
	cfg.Priority = s.cfg.Priority
	alone, regated := s.cfg.Grouped && !cfg.Grouped, (s.cfg.Gate == 0) != (cfg.Gate == 0)
	s.cfg = cfg
	if alone && s.Willing() { // nobody lets it rise any more
		s.listen(s.cfg.DownInterval(s.backup.interval), s.backup.willing.reason)
	}
	if s.state == Active && s.now.Add(cfg.Interval).Before(s.active.advertAt) {
		s.active.advertAt = s.now
	}
	if s.state == Active && regated {
		s.active.gating = gating{renewAt: s.now, anew: true}
	}
	if s.state == Active && (s.active.remindAt.IsZero() != (cfg.AnnounceEvery == 0)) {
		s.active.remindAt = s.nextReminder()
	}
}

// yieldAgain is how long a router that yielded in vain does not try again: an interface
// that flaps beside a dead peer must not cost a gap each time.
const yieldAgain = time.Minute

// outranked tells that the other router has a higher priority, as far as is known, and
// may be there.
func (s *step) outranked() bool {
	inVain := !s.vain.IsZero() && s.now.Sub(s.vain) < yieldAgain
	return s.cfg.Pair && !inVain && s.peerPriority() > s.cfg.Priority
}

// peerPriority is what the other router advertised last, or has by configuration.
func (s *step) peerPriority() uint8 {
	if s.heard.Priority != PriorityRelease {
		return s.heard.Priority
	}
	return s.cfg.PeerPriority
}

// shutdown leaves; an Active router tells the others first (RFC 9568 6.4.3).
func (s *step) shutdown(ev Shutdown) {
	to := Initialize
	if ev.Fault {
		to = Fault
	}
	if s.state == to {
		return
	}
	if s.state == Active {
		s.do(Send{Priority: PriorityRelease}, Disown{})
	}
	s.enter(to, ev.Reason)
}

// enter changes the state; the timers of the old one end with it.
func (s *step) enter(to State, r Reason) {
	s.do(Enter{From: s.state, To: to, Reason: r, Peer: s.peerFor(r)})
	s.state = to
	s.backup, s.active = backup{}, active{}
}

// peerFor names the other router where the reason is about it.
func (s *step) peerFor(r Reason) netip.Addr {
	switch r {
	case ReasonPeerSilent, ReasonPeerEnded, ReasonPeerReleased, ReasonPreempts, ReasonHigherAdvert, ReasonHigherAddress, ReasonOutranked:
		return s.heard.From
	}
	return netip.Addr{}
}

// acceptable tells whether an advert may count, and notes what is odd about it.
func (s *step) acceptable(ev Received) bool {
	ad := &ev.Advert
	switch {
	case ev.From == s.address:
		s.note(ReasonOwnAdvert, "the network returns our adverts, or "+ev.From.String()+" is used twice")
		return false
	case ad.Version == V2 && ad.Interval != s.cfg.Interval:
		s.noteOf(ev.From, ReasonIntervalRefused, "advertises every "+ad.Interval.String()+", we every "+s.cfg.Interval.String())
		return false
	case !overlap(ad.Addresses, s.cfg.Addresses):
		s.noteOf(ev.From, ReasonForeignRouter, "uses our VRID for other addresses")
		return false
	case !sameSet(ad.Addresses, s.cfg.Addresses):
		s.noteOf(ev.From, ReasonAddressList, "has another address list")
	}
	return true
}

func overlap(a, b []netip.Addr) bool {
	return slices.ContainsFunc(a, func(x netip.Addr) bool { return slices.Contains(b, x) })
}

func sameSet(a, b []netip.Addr) bool {
	within := func(x, y []netip.Addr) bool {
		return !slices.ContainsFunc(x, func(v netip.Addr) bool { return !slices.Contains(y, v) })
	}
	return len(a) == len(b) && within(a, b) && within(b, a)
}

// earliest is the earliest of the times that are set.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// due tells whether a timer that is set has run out.
func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }
