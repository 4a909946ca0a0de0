package vrrp

import (
	"net/netip"
	"time"
)

// Event is what a Machine is told.
type Event interface{ isEvent() }

// Startup lets the router take part, with the interface's primary address. Resume tells that
// the addresses are this node's, since the process before had a Bridge.
type Startup struct {
	Address netip.Addr
	Resume  bool
}

// Bridge makes an Active router leave the addresses where they are for a bounded time: this
// process ends, and another one of this node is to resume within it.
type Bridge struct{ For time.Duration }

// Shutdown makes the router leave, releasing the addresses if it holds them: for good
// or, with Fault, until something is mended.
type Shutdown struct {
	Reason Reason
	Fault  bool
}

// Received is an advert that passed its Format.
type Received struct {
	Advert Advert
	From   netip.Addr
}

// Reprioritized changes the priority, effective at once, and what the other router of the
// pair has by configuration.
type Reprioritized struct{ Priority, Peer uint8 }

// Retuned changes the configuration of a router that goes on: all but VRID, version,
// addresses and priority.
type Retuned struct{ Config Config }

// Delayed changes for how long a lower Active router is heard before it is pre-empted; a wait
// that has begun stays as it is.
type Delayed struct{ PreemptDelay time.Duration }

// Rise lets a router of a group become Active, now that all are willing.
type Rise struct{}

// Seize has a Backup router take the addresses at once, as an operator wants.
type Seize struct{ Reason Reason }

// Assure has a router of a group that is willing make sure that nobody holds its addresses
// any more, before it may Rise: since Heard, when the group last heard the other router.
// Released tells that that one has released.
type Assure struct {
	Heard    time.Time
	Released bool
}

// Yield makes an Active router leave the addresses to the other router of its pair. It
// takes them back when nobody comes.
type Yield struct {
	Reason Reason
	Drain  bool // see Disown
}

// Owned answers Own: the kernel has the addresses.
type Owned struct{}

// Answered answers Probe: somebody else holds an address. Stranger tells that it is not the
// other router of the pair.
type Answered struct {
	Holder   string
	Stranger bool
}

// Overrule lets a router that waits until nobody answers for its addresses be willing all
// the same.
type Overrule struct{}

// PeerEnded tells that the other node's daemon has ended while its host lives: what its kernel
// still answers for, nobody renews.
type PeerEnded struct{}

// Readdressed tells the interface's new primary address.
type Readdressed struct{ Address netip.Addr }

// Claimed tells that somebody else announced an address that this router holds. Stranger
// tells that it is not the other router of the pair.
type Claimed struct {
	By       string
	Stranger bool
}

// Vanished tells that somebody took an address away that this router holds.
type Vanished struct{}

// Shut tells that the gate of the addresses ran out before it was renewed.
type Shut struct{}

// Tick tells that time has passed; it may come early or late.
type Tick struct{}

func (Startup) isEvent()       {}
func (Bridge) isEvent()        {}
func (Shutdown) isEvent()      {}
func (Received) isEvent()      {}
func (Reprioritized) isEvent() {}
func (Retuned) isEvent()       {}
func (Rise) isEvent()          {}
func (Seize) isEvent()         {}
func (Assure) isEvent()        {}
func (Yield) isEvent()         {}
func (Overrule) isEvent()      {}
func (Delayed) isEvent()       {}
func (Owned) isEvent()         {}
func (Answered) isEvent()      {}
func (PeerEnded) isEvent()     {}
func (Readdressed) isEvent()   {}
func (Claimed) isEvent()       {}
func (Vanished) isEvent()      {}
func (Shut) isEvent()          {}
func (Tick) isEvent()          {}
