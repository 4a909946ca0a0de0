package vrrp

import "time"

// minRecheck bounds how often an address that is still answered is asked for again.
const minRecheck = 50 * time.Millisecond

// After a release in a pair the kernel of the other node gets letGo to remove the
// addresses, and then releaseWindow to show whether it has; where adverts come more often
// than every 50 ms, a fifth of their interval.
const (
	letGo          = 5 * time.Millisecond
	releaseWindow  = 10 * time.Millisecond
	releaseRecheck = 5 * time.Millisecond // after an answer, so that answers are known to be quick
)

// endedWindow is how long an answer is waited for when the other node's daemon has ended: only
// its kernel answers, until the gate is shut.
const endedWindow = 30 * time.Millisecond

// soon shortens a time to what suits the advert interval.
func (s *step) soon(d time.Duration) time.Duration { return min(d, s.backup.interval/5) }

// backup is what a Backup router waits for.
type backup struct {
	interval  time.Duration // Active_Adver_Interval, adopted from the Active router
	down      time.Duration // what the down timer was set to
	downAt    time.Time     // Active_Down_Timer
	cause     Reason        // why the router would become Active at downAt
	preemptAt time.Time     // from when a lower Active router is pre-empted; zero: none heard
	pausedAt  time.Time     // when we last ran again after a pause; zero: never
	willing   willing       // zero unless of a group

	probe   probe
	contest Contest
}

// probe is the ARP round in the last part of the silence (RFC 5227 2.1.1), so that
// asking costs no time.
type probe struct {
	at     time.Time // when it is sent, or was
	sent   bool
	holder string // who answered
	// stranger tells that it was somebody else than the other router.
	stranger bool
}

// answered keeps who has the address; of several the other router.
func (p *probe) answered(ev Answered) {
	if p.sent && (p.holder == "" || p.stranger) {
		p.holder, p.stranger = ev.Holder, ev.Stranger
	}
}

func (b *backup) deadline() time.Time {
	if !b.probe.sent && !b.downAt.IsZero() {
		return earliest(b.probe.at, b.downAt)
	}
	return b.downAt
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
	b.willing = willing{}
	b.down, b.downAt, b.cause = down, s.now.Add(down), cause
	b.probe = probe{at: b.downAt.Add(-s.probeWindow())}
	b.contest = Contest{}
}

// probeWindow is how long an answer is waited for: a tenth of the down interval.
func (s *step) probeWindow() time.Duration {
	window := min(s.cfg.DownInterval(s.backup.interval)/10, s.backup.down)
	switch {
	case s.hastened():
		window = min(window, s.soon(releaseWindow))
	case s.ended():
		window = min(window, s.soon(endedWindow))
	}
	return window
}

// ended tells that the other node's daemon has ended.
func (s *step) ended() bool { return s.backup.cause == ReasonPeerEnded }

// hastened tells that the other node of the pair has just let go.
func (s *step) hastened() bool { return s.cfg.Pair && s.backup.cause == ReasonPeerReleased }

func (s *step) inBackup(ev Event) {
	if late := s.late(); late > s.cfg.DownInterval(s.backup.interval) { // we slept, others may rule: listen anew
		s.note(ReasonPaused, "did not run for "+late.Round(time.Millisecond).String())
		s.backup.preemptAt, s.backup.pausedAt = time.Time{}, s.now
		s.listen(s.cfg.DownInterval(s.backup.interval), s.backup.cause)
	}
	switch ev := ev.(type) {
	case Received:
		if s.acceptable(ev) {
			s.backupReceived(ev)
		}
	case Answered:
		s.backup.probe.answered(ev)
	case Overrule:
		s.overrule()
	case Rise:
		if s.Willing() {
			s.toActive(s.backup.willing.reason)
		}
	case Seize:
		s.toActive(ev.Reason)
	case Assure:
		s.assure(ev)
	case PeerEnded:
		s.peerEnded()
	case Tick:
		s.backupTick()
	}
}

// late is how long ago the down timer ran out.
func (s *step) late() time.Duration {
	if s.backup.downAt.IsZero() {
		return 0
	}
	return s.now.Sub(s.backup.downAt)
}

// backupReceived is RFC 9568 6.4.2.
func (s *step) backupReceived(ev Received) {
	b := &s.backup
	s.hear(ev)
	switch {
	case ev.Advert.Priority == PriorityRelease:
		b.preemptAt = time.Time{}
		s.released()
	case ev.Advert.Priority >= s.cfg.Priority || !s.preempts() && !s.lastResort(ev):
		b.preemptAt = time.Time{}
		s.follow(ev)
	default:
		s.lowerHeard(ev)
	}
}

// released waits Skew_Time, for a better Backup; where there is none, only for the
// other node's kernel.
func (s *step) released() {
	skew := s.cfg.Skew(s.backup.interval)
	if s.cfg.Pair {
		skew = min(skew, s.soon(letGo)+s.soon(releaseWindow))
	}
	s.listen(skew, ReasonPeerReleased)
}

// preempts is Preempt_Mode: the owner always pre-empts (RFC 9568 6.1).
func (s *step) preempts() bool { return s.cfg.Preempt || s.cfg.Priority == PriorityOwner }

// follow accepts the Active router for another down interval.
func (s *step) follow(ev Received) {
	if ev.Advert.Interval != s.backup.interval {
		s.adopt(ev)
	}
	s.listen(s.cfg.Silence(s.backup.interval), ReasonPeerSilent)
}

// adopt takes over the Active router's interval.
func (s *step) adopt(ev Received) {
	s.backup.interval = ev.Advert.Interval
	if ev.Advert.Interval != s.cfg.Interval {
		s.noteOf(ev.From, ReasonIntervalAdopted, "advertises every "+ev.Advert.Interval.String()+", we would every "+s.cfg.Interval.String())
	}
}

// lowerHeard pre-empts a lower Active router: not before the preemption delay is over,
// without one not before the down timer would have run out; and always on an advert of
// it, for then it is alive and will yield. One that has just died is not pre-empted,
// its address is probed for.
func (s *step) lowerHeard(ev Received) {
	if !s.lastResort(ev) && !s.patient() {
		s.follow(ev)
		return
	}
	if s.cfg.Grouped {
		s.follow(ev)
	}
	s.rise(ReasonPreempts)
}

// patient tells that the preemption delay is over; it begins with the first call.
func (s *step) patient() bool {
	b := &s.backup
	if b.preemptAt.IsZero() {
		b.preemptAt = b.downAt
		if s.cfg.PreemptDelay > 0 {
			b.preemptAt = s.now.Add(s.cfg.PreemptDelay)
		}
	}
	return due(s.now, b.preemptAt)
}

// lastResort tells that an advert is of a router that must not serve while we can. What
// has lain here during a pause tells nothing of now.
func (s *step) lastResort(ev Received) bool {
	old := !s.backup.pausedAt.IsZero() && s.now.Sub(s.backup.pausedAt) < s.cfg.Interval
	return s.cfg.LastResort && ev.Advert.Priority == PriorityLastResort && !old
}

// peerEnded asks for the addresses once an advert is overdue: nobody renews them, so that the
// other node's kernel tells by its answer when it has let go.
func (s *step) peerEnded() {
	b := &s.backup
	at := s.heard.At.Add(s.cfg.Overdue(b.interval))
	if s.Willing() || b.probe.sent || b.cause != ReasonPeerSilent || s.heard.At.IsZero() || !at.Before(b.downAt) {
		return
	}
	b.cause, b.downAt = ReasonPeerEnded, at
	b.probe.at = at.Add(-s.probeWindow())
}

// backupTick asks who holds the addresses near the end of the silence, then decides by
// the answer.
func (s *step) backupTick() {
	b := &s.backup
	if b.downAt.IsZero() {
		return
	}
	if !b.probe.sent {
		if due(s.now, b.probe.at) {
			s.sendProbe(s.probeWindow())
		}
		return
	}
	if !due(s.now, b.downAt) {
		return
	}
	switch {
	case b.probe.holder == "":
		b.willing.free, b.contest = s.now, Contest{}
		if b.cause == ReasonUnclaimed {
			s.vain = s.now
		}
		s.rise(b.cause)
	case s.cfg.Grouped && !b.willing.assuring:
		s.answered(b.probe.holder)
	default:
		s.contested(b.probe.holder)
	}
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
// in that, and is taken over as RFC 9568 wants it; unless the router is patient.
func (s *step) contested(holder string) {
	b := &s.backup
	first := b.contest.Until.IsZero()
	b.contest.Holder, b.contest.Stranger = holder, b.probe.stranger
	if first {
		b.contest.Until = s.lastRefresh().Add(s.cfg.Lifetime + lifetimeSlack)
		if !s.hastened() && !s.ended() && !b.willing.noted && !s.cfg.Patient { // else its kernel is just not done yet
			s.note(ReasonAddressAnswered, holder+" sends no adverts but still holds the address: waiting for its lifetime to end")
		}
	}
	if due(s.now, b.contest.Until) && s.cfg.Patient {
		b.downAt = s.now
		s.sendProbe(s.cfg.Interval)
		return
	}
	if due(s.now, b.contest.Until) {
		b.willing.free, b.contest = s.now, Contest{}
		s.note(ReasonAddressContest, holder+" holds the address beyond any lifetime: taking it all the same")
		s.rise(b.cause)
		return
	}
	left := b.contest.Until.Sub(s.now)
	if left < min(s.recheck(), minRecheck) { // no time for another answer
		b.downAt = b.contest.Until
		return
	}
	b.downAt = s.now
	s.sendProbe(min(s.recheck(), left))
}

// recheck is how long the next answer is waited for.
func (s *step) recheck() time.Duration {
	if s.hastened() {
		return min(s.probeWindow(), releaseRecheck)
	}
	if s.ended() {
		return s.probeWindow()
	}
	return max(s.probeWindow(), minRecheck)
}

// lastRefresh is when the last holder can have refreshed its addresses for the last
// time: it would have advertised soon after.
func (s *step) lastRefresh() time.Time {
	heard := s.heard.At
	if heard.Before(s.backup.willing.heard) {
		heard = s.backup.willing.heard
	}
	if heard.IsZero() {
		return s.now
	}
	return heard.Add(s.backup.interval)
}
