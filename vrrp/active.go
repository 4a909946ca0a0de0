package vrrp

import (
	"strconv"
	"time"
)

// active is what an Active router does from time to time.
type active struct {
	since     time.Time
	advertAt  time.Time // Adver_Timer
	sentAt    time.Time // the last advert
	refreshAt time.Time // the addresses' lifetime
	gating
	announcing
}

func (a *active) deadline() time.Time {
	return earliest(a.advertAt, a.refreshAt, a.renewAt, a.announcing.deadline())
}

// toActive takes the addresses: advert, then addresses; Owned is answered by the
// announcement (RFC 9568 6.4.1, 6.4.2).
func (s *step) toActive(r Reason) {
	from := s.state
	peer := s.peerFor(r)
	s.backup = backup{}
	s.state = Active
	s.active = active{since: s.now, refreshAt: s.nextRefresh(), gating: gating{renewAt: s.nextRenewal()}}
	s.advertise()
	s.do(Own{}, Enter{From: from, To: Active, Reason: r, Peer: peer})
}

func (s *step) advertise() {
	s.active.sentAt = s.now
	s.active.advertAt = s.shared(s.cfg.Interval)
	s.do(Send{Priority: s.cfg.Priority})
}

// slots is how many moments within an interval the routers of a node share for what they
// do again and again: a thousand of them then wake it no more often than these.
const slots = 32

// shared is the last such moment of the next d.
func (s *step) shared(d time.Duration) time.Time {
	return s.now.Add(d).Truncate(s.cfg.Interval / slots)
}

// nextRefresh is at the same moment for all routers with the same lifetime: the kernel
// then gets one message.
func (s *step) nextRefresh() time.Time {
	every := s.cfg.Lifetime / 3
	return s.now.Add(every).Truncate(every)
}

func (s *step) inActive(ev Event) {
	if s.slept() {
		s.do(Disown{})
		s.toBackup(s.cfg.Interval, ReasonPaused, ReasonPeerSilent)
		s.backup.pausedAt = s.now
		s.inBackup(ev)
		return
	}
	switch ev := ev.(type) {
	case Received:
		if s.acceptable(ev) {
			s.activeReceived(ev)
		}
	case Yield:
		s.yieldTo(ev.Reason, ev.Drain)
	case Owned:
		s.active.shut = false
		s.announce()
	case Claimed:
		if s.settled() {
			s.note(ReasonAddressClaimed, ev.By+" announces an address that is held here")
		}
		s.defend(ev)
	case Vanished:
		s.note(ReasonAddressVanished, "put back")
		s.do(Own{})
	case Shut:
		s.gateRanOut()
	case Tick:
		s.activeTick()
	}
}

// settled tells that the others must have heard of this router by now: before that,
// they rightly act as if it were not Active.
func (s *step) settled() bool { return s.now.Sub(s.active.since) > s.cfg.Interval }

// slept tells that others may rule by now: no advert was sent for a down interval.
func (s *step) slept() bool {
	return s.now.Sub(s.active.sentAt) > s.cfg.Silence(s.cfg.Interval)
}

// onTime tells that no peer can have run out of patience: not even one with the
// shortest Skew_Time.
func (s *step) onTime() bool { return s.now.Sub(s.active.sentAt) <= s.cfg.patience(s.cfg.Interval) }

// activeReceived is RFC 9568 6.4.3.
func (s *step) activeReceived(ev Received) {
	p := ev.Advert.Priority
	s.hear(ev)
	if p == PriorityOwner && s.cfg.Priority == PriorityOwner {
		s.noteOf(ev.From, ReasonOwnerConflict, "also has priority 255")
	}
	switch {
	case p == PriorityRelease:
		s.advertise()
	case p > s.cfg.Priority:
		s.yield(ev, ReasonHigherAdvert)
	case p == s.cfg.Priority && ev.From.Compare(s.address) > 0:
		s.yield(ev, ReasonHigherAddress)
	default:
		if s.settled() {
			s.noteOf(ev.From, ReasonLowerAdvert, "is Active too, with priority "+strconv.Itoa(int(p)))
		}
		s.advertise()
		s.announceSoon()
	}
}

// yield leaves the addresses to another Active router. The last advert, as if the
// Adver_Timer had just fired, makes it announce them once more: else it may never learn
// that there was another one, and the neighbours keep the wrong MAC address.
func (s *step) yield(ev Received, r Reason) {
	s.do(Disown{})
	if s.onTime() {
		s.do(Send{Priority: s.cfg.Priority})
	}
	s.toBackup(ev.Advert.Interval, r, ReasonPeerSilent)
	s.adopt(ev)
}

// yieldTo releases the addresses to the other router of the pair, and listens for as long
// as it takes that one to come.
func (s *step) yieldTo(r Reason, drain bool) {
	s.do(Send{Priority: PriorityRelease}, Disown{Drain: drain})
	s.enter(Backup, r)
	s.backup.interval = s.cfg.Interval
	other := Config{Version: s.cfg.Version, Priority: s.peerPriority()}
	s.listen(other.Skew(s.cfg.Interval)+max(s.cfg.Interval/8, comeWithin), ReasonUnclaimed)
}

// comeWithin is how long a router takes to act on a release, at the least.
const comeWithin = 100 * time.Millisecond

func (s *step) activeTick() {
	a := &s.active
	if due(s.now, a.advertAt) {
		s.advertise()
	}
	if due(s.now, a.refreshAt) {
		a.refreshAt = s.nextRefresh()
		s.do(Refresh{})
	}
	s.gateTick()
	s.announceTick()
}
