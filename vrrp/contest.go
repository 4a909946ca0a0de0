package vrrp

import "time"

// Contest is somebody who answers for the addresses of a Backup router that would be Active.
// The zero value: nobody does.
type Contest struct {
	Holder   string    // his MAC address
	Stranger bool      // it is not the other router of the pair
	Until    time.Time // when the kernel of a dead daemon must have let go
}

// Contest tells who answers for the addresses of a router that waits until nobody does, or
// that was overruled in that.
func (m *Machine) Contest() Contest {
	if m.state != Backup {
		return Contest{}
	}
	return m.backup.contest
}

// overrule ends the waiting for who answers.
func (s *step) overrule() {
	b := &s.backup
	if b.contest.Holder == "" || b.willing.reason != "" {
		return
	}
	s.note(ReasonAddressContest, b.contest.Holder+" goes on answering for the address: taking it all the same")
	b.willing.assuring, b.willing.free = false, s.now
	s.rise(b.cause)
}
