package vrrp

import "time"

// minRecheck bounds how often an address that is still answered is asked for again.
const minRecheck = 50 * time.Millisecond

// backup is what a Backup router waits for.
type backup struct {
	interval  time.Duration // Active_Adver_Interval, adopted from the Active router
	down      time.Duration // what the down timer was set to
	downAt    time.Time     // Active_Down_Timer
	cause     Reason        // why the router would become Active at downAt
	preemptAt time.Time     // when a lower Active router may be pre-empted; zero: none heard
	lowerAt   time.Time     // the last advert of a lower Active router

	probe   probe
	contest time.Time // until when an answered address is waited for; zero: not answered
}

// probe is the ARP round in the last part of the silence (RFC 5227 2.1.1), so that
// asking costs no time.
type probe struct {
	at     time.Time // when it is sent, or was
	sent   bool
	holder string // who answered
}

func (b *backup) deadline() time.Time {
	if !b.probe.sent {
		return earliest(b.probe.at, b.downAt, b.preemptAt)
	}
	return earliest(b.downAt, b.preemptAt)
}

// toBackup enters Backup; the down timer runs from now.
func (s *step) toBackup(interval time.Duration, r, cause Reason) {
	s.enter(Backup, r)
	s.backup.interval = interval
	s.listen(s.cfg.DownInterval(interval), cause)
}

// listen sets the down timer, with the probe in its last tenth.
func (s *step) listen(down time.Duration, cause Reason) {
	b := &s.backup
	b.down, b.downAt, b.cause = down, s.now.Add(down), cause
	b.probe = probe{at: b.downAt.Add(-s.probeWindow())}
	b.contest = time.Time{}
}

// probeWindow is how long an answer is waited for: a tenth of the down interval.
func (s *step) probeWindow() time.Duration {
	return min(s.cfg.DownInterval(s.backup.interval)/10, s.backup.down)
}

func (s *step) inBackup(ev Event) {
	switch ev := ev.(type) {
	case Received:
		if s.acceptable(ev) {
			s.backupReceived(ev)
		}
	case Answered:
		if s.backup.probe.sent {
			s.backup.probe.holder = ev.Holder
		}
	case Tick:
		s.backupTick()
	}
}

// backupReceived is RFC 9568 6.4.2.
func (s *step) backupReceived(ev Received) {
	b := &s.backup
	s.heard = Heard{From: ev.From, Priority: ev.Advert.Priority, At: s.now}
	switch {
	case ev.Advert.Priority == PriorityRelease:
		b.preemptAt = time.Time{}
		s.listen(s.cfg.Skew(b.interval), ReasonPeerReleased)
	case ev.Advert.Priority >= s.cfg.Priority || !s.cfg.Preempt:
		b.preemptAt = time.Time{}
		s.follow(ev)
	default:
		s.lowerHeard(ev)
	}
}

// follow accepts the Active router for another down interval.
func (s *step) follow(ev Received) {
	if ev.Advert.Interval != s.backup.interval {
		s.backup.interval = ev.Advert.Interval
		if ev.Advert.Interval != s.cfg.Interval {
			s.note(ReasonIntervalAdopted, ev.From.String()+" advertises every "+ev.Advert.Interval.String()+", we would every "+s.cfg.Interval.String())
		}
	}
	s.listen(s.cfg.DownInterval(s.backup.interval), ReasonPeerSilent)
}

// lowerHeard ignores a lower Active router, so that the down timer ends its rule;
// it follows it as long as the preemption delay lasts.
func (s *step) lowerHeard(ev Received) {
	b := &s.backup
	b.lowerAt = s.now
	if s.cfg.PreemptDelay > 0 {
		if b.preemptAt.IsZero() {
			b.preemptAt = s.now.Add(s.cfg.PreemptDelay)
		}
		s.follow(ev)
		return
	}
	b.cause, b.contest = ReasonPreempts, time.Time{}
}

// preempting tells whether a lower Active router is alive and need not be waited for.
func (s *step) preempting() bool {
	b := &s.backup
	alive := !b.lowerAt.IsZero() && s.now.Sub(b.lowerAt) <= b.interval+b.interval/2
	return alive && (b.cause == ReasonPreempts || due(s.now, b.preemptAt))
}

func (s *step) backupTick() {
	b := &s.backup
	if s.now.Sub(b.downAt) > s.cfg.DownInterval(b.interval) { // we slept, others may rule: listen anew
		s.note(ReasonPaused, "did not run for "+s.now.Sub(b.downAt).Round(time.Millisecond).String())
		b.preemptAt = time.Time{}
		s.listen(s.cfg.DownInterval(b.interval), b.cause)
		return
	}
	if due(s.now, b.preemptAt) {
		if s.preempting() {
			s.toActive(ReasonPreempts)
			return
		}
		b.preemptAt = time.Time{}
	}
	if b.cause == ReasonPreempts {
		if due(s.now, b.downAt) && s.preempting() {
			s.toActive(ReasonPreempts)
			return
		}
		if !s.preempting() {
			b.cause = ReasonPeerSilent
		}
	}
	s.probeTick()
}

// probeTick asks who holds the addresses, then decides by the answer.
func (s *step) probeTick() {
	b := &s.backup
	if !b.probe.sent {
		if due(s.now, b.probe.at) && !s.preempting() {
			s.sendProbe(s.probeWindow())
		} else if due(s.now, b.probe.at) {
			b.probe.at = b.downAt
		}
		return
	}
	if !due(s.now, b.downAt) {
		return
	}
	if b.probe.holder == "" {
		s.toActive(b.cause)
		return
	}
	s.contested(b.probe.holder)
}

// sendProbe asks now, and moves the down timer so that an answer has its time.
func (s *step) sendProbe(window time.Duration) {
	b := &s.backup
	b.probe = probe{at: s.now, sent: true}
	if end := s.now.Add(window); b.downAt.Before(end) {
		b.downAt = end
	}
	s.do(Probe{})
}

// contested waits while somebody answers for an address: the kernel of a dead daemon
// lets go of it by itself within the lifetime. Who keeps it longer does not take part
// in that, and is taken over as RFC 9568 wants it.
func (s *step) contested(holder string) {
	b := &s.backup
	if b.contest.IsZero() {
		b.contest = s.now.Add(s.cfg.Lifetime + lifetimeSlack)
		s.note(ReasonAddressAnswered, holder+" sends no adverts but still holds the address: waiting for its lifetime to end")
	}
	if due(s.now, b.contest) {
		s.note(ReasonAddressContest, holder+" holds the address beyond any lifetime: taking it all the same")
		s.toActive(b.cause)
		return
	}
	b.downAt = s.now
	s.sendProbe(max(s.probeWindow(), minRecheck))
}
