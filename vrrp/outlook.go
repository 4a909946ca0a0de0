package vrrp

import "time"

// Outlook is what a Backup router waits for, for the operator. It is zero in other states.
type Outlook struct {
	Silence   time.Duration // how long nothing may be heard of the Active router
	DownAt    time.Time     // when it becomes Active if nothing is heard; zero: not by itself
	Cause     Reason        // why it would
	PreemptAt time.Time     // from when it pre-empts the one that it hears; zero: it does not
	Willing   Reason        // why it would be Active if it were not for its group; empty: it would not
	Holder    string        // who answers for the addresses though nothing is heard; empty: nobody
}

// Outlook tells what the machine waits for.
func (m *Machine) Outlook() Outlook {
	if m.state != Backup {
		return Outlook{}
	}
	b := &m.backup
	o := Outlook{
		Silence: m.cfg.Silence(b.interval), DownAt: b.downAt, Cause: b.cause, PreemptAt: b.preemptAt, Willing: b.willing.reason,
	}
	o.Holder = b.contest.Holder
	return o
}

// PeerPriority is what is known of the other router's priority: what it advertised last, or
// has by configuration; 0: nothing.
func (m *Machine) PeerPriority() uint8 {
	s := step{Machine: m}
	return s.peerPriority()
}
