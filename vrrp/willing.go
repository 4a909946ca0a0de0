package vrrp

import "time"

// willing is what a Backup router of a group would do, and what it knows of its addresses.
type willing struct {
	reason   Reason    // why it would be Active, if it were alone; empty: it would not
	free     time.Time // when nobody answered for its addresses; zero: somebody does, or was not asked
	assuring bool      // waits until nobody does any more
	heard    time.Time // when the group last heard the other router, while assuring
	noted    bool      // who holds an address was told
}

// Willing tells that a router of a group would be Active now, if it were alone: nobody
// else is, or only somebody whom it pre-empts.
func (m *Machine) Willing() bool { return m.state == Backup && m.backup.willing.reason != "" }

// Preempting tells that Willing is for somebody who is Active. Rise should then come with
// an advert of his: without one he may have died since, and his kernel holds on.
func (m *Machine) Preempting() bool { return m.Willing() && m.backup.willing.reason == ReasonPreempts }

// Released tells that Willing is because the other router has released.
func (m *Machine) Released() bool {
	return m.Willing() && m.backup.willing.reason == ReasonPeerReleased
}

// Wants is why a Willing router would be Active.
func (m *Machine) Wants() Reason { return m.backup.willing.reason }

// Free tells that nobody has held the addresses of a Willing router since the other one
// was last heard, by whichever router of the group. An owner's are its own.
func (m *Machine) Free(heard time.Time) bool {
	w := &m.backup.willing
	return w.reason == ReasonOwner || w.free.After(heard)
}

// rise becomes Active; a router of a group only says that it would.
func (s *step) rise(r Reason) {
	if !s.cfg.Grouped {
		s.toActive(r)
		return
	}
	s.backup.willing.reason = r
	if r != ReasonPreempts { // an Active router that is pre-empted may still go silent
		s.backup.downAt = time.Time{}
	}
}

// assure asks once more for the addresses of a willing router.
func (s *step) assure(ev Assure) {
	b := &s.backup
	if b.willing.reason == "" {
		return
	}
	b.cause = b.willing.reason
	if ev.Released {
		b.cause = ReasonPeerReleased
	}
	b.willing = willing{assuring: true, heard: ev.Heard, noted: b.willing.noted}
	b.contest = Contest{}
	b.downAt = s.now
	s.sendProbe(s.recheck())
}

// answered is the end of the silence in a group while somebody holds an address: the other
// router may be there, and be heard by others of the group.
func (s *step) answered(holder string) {
	if !s.hastened() && !s.ended() && !s.cfg.Patient { // else the arbiter says what it means
		s.note(ReasonAddressAnswered, holder+" holds the address, but none of its adverts come: that alone is no reason to take it from there")
		s.backup.willing.noted = true
	}
	s.rise(s.backup.cause)
}
