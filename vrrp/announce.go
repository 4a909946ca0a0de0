package vrrp

import "time"

// minAnnounceGap keeps two routers that claim one address from flooding the link.
const minAnnounceGap = time.Second

// announcing is when an Active router tells where the addresses are (RFC 9568 6.4.2): in
// bursts, and one by one for neighbours that have missed them.
type announcing struct {
	burstedAt time.Time // the last burst; zero: none until Owned
	againAt   time.Time // its repetition after a take-over; zero: none
	burstAt   time.Time // an answer to somebody's claim; zero: none
	remindAt  time.Time // the next reminder; zero: none
}

func (a *announcing) deadline() time.Time {
	return earliest(a.againAt, a.burstAt, a.remindAt)
}

// announce sends a burst, and plans its repetition.
func (s *step) announce() {
	s.burst()
	if s.cfg.AnnounceAgain > 0 {
		s.active.againAt = s.now.Add(s.cfg.AnnounceAgain)
	}
}

func (s *step) burst() {
	a := &s.active.announcing
	if due(s.now, a.againAt) {
		a.againAt = time.Time{}
	}
	a.burstedAt, a.burstAt, a.remindAt = s.now, time.Time{}, s.nextReminder()
	s.do(Announce{})
}

func (s *step) nextReminder() time.Time {
	if s.cfg.AnnounceEvery == 0 {
		return time.Time{}
	}
	return s.shared(s.cfg.AnnounceEvery)
}

func (s *step) announceTick() {
	a := &s.active.announcing
	switch {
	case due(s.now, a.burstAt), due(s.now, a.againAt):
		s.burst()
	case due(s.now, a.remindAt):
		a.remindAt = s.nextReminder()
		s.do(Announce{Reminder: true})
	}
}

// defendGap is how often an address is defended against a stranger, who may do the same
// (RFC 5227 2.4, DEFEND_INTERVAL).
const defendGap = 10 * time.Second

// defend answers somebody's claim. The other router of the pair yields when it hears of it.
func (s *step) defend(ev Claimed) {
	gap := minAnnounceGap
	if ev.Stranger {
		gap = defendGap
	}
	s.announceAfter(gap)
}

// announceSoon answers another Active router.
func (s *step) announceSoon() { s.announceAfter(minAnnounceGap) }

// announceAfter announces at once, or when the last burst is as old as gap; and once more
// after that, when the other has gone silent.
func (s *step) announceAfter(gap time.Duration) {
	a := &s.active.announcing
	if a.burstedAt.IsZero() {
		return // Owned will announce
	}
	next := a.burstedAt.Add(gap)
	if due(s.now, next) {
		s.burst()
		a.burstAt = s.now.Add(gap)
		return
	}
	a.burstAt = earliest(a.burstAt, next)
}
