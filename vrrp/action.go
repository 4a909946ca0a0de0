package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// Action is what a Machine wants done, in the order given.
type Action interface {
	fmt.Stringer
	isAction()
}

// Send wants an advert sent.
type Send struct {
	Priority uint8
	Interval time.Duration // what it advertises; zero: Config.Interval
}

// Own wants the gate open and the addresses on the interface, answered by Owned. They may
// be there; where there is no gate any more, its guard ends.
type Own struct{}

// Refresh wants the lifetime of the addresses renewed.
type Refresh struct{}

// Renew wants the gate of the addresses kept open for another Config.Gate; Shut tells that
// it came too late.
type Renew struct{}

// Linger wants the lifetime and the gate of the addresses to last for a time from now on, and
// is the last that is wanted of them.
type Linger struct{ For time.Duration }

// Disown wants the addresses off the interface, and the gate shut at once: before what else
// is wanted in the same step.
type Disown struct {
	// Drain wants nobody told any more that they are here, and no question answered; but what
	// still comes for them is served until the gate runs out by itself. Disown follows.
	Drain bool
}

// Announce wants gratuitous ARP or unsolicited neighbour advertisements: a burst or, as
// a Reminder, one of each address.
type Announce struct{ Reminder bool }

// Probe wants to know whether anybody else holds the addresses; Answered tells.
type Probe struct{}

// Enter tells a transition, and who else has to do with it.
type Enter struct {
	From, To State
	Reason   Reason
	Peer     netip.Addr // invalid: nobody
}

// Note tells what an operator should know though no state changed.
type Note struct {
	Reason Reason
	Detail string
	From   netip.Addr // whose advert it is about; invalid: nobody's
}

func (Send) isAction()     {}
func (Own) isAction()      {}
func (Refresh) isAction()  {}
func (Renew) isAction()    {}
func (Linger) isAction()   {}
func (Disown) isAction()   {}
func (Announce) isAction() {}
func (Probe) isAction()    {}
func (Enter) isAction()    {}
func (Note) isAction()     {}

func (a Send) String() string {
	if a.Interval > 0 {
		return fmt.Sprintf("send priority %d, interval %s", a.Priority, a.Interval)
	}
	return fmt.Sprintf("send priority %d", a.Priority)
}
func (a Linger) String() string { return "linger for " + a.For.String() }
func (Own) String() string      { return "own" }
func (Refresh) String() string  { return "refresh" }
func (Renew) String() string    { return "renew" }
func (Probe) String() string    { return "probe" }
func (a Disown) String() string {
	if a.Drain {
		return "disown when drained"
	}
	return "disown"
}
func (a Announce) String() string {
	if a.Reminder {
		return "remind"
	}
	return "announce"
}
func (a Enter) String() string {
	if !a.Peer.IsValid() {
		return fmt.Sprintf("%s -> %s (%s)", a.From, a.To, a.Reason)
	}
	return fmt.Sprintf("%s -> %s (%s, peer %s)", a.From, a.To, a.Reason, a.Peer)
}
func (a Note) String() string {
	if a.Detail == "" {
		return "note " + string(a.Reason)
	}
	return fmt.Sprintf("note %s: %s", a.Reason, a.Detail)
}
