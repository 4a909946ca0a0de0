// Package fencing decides who of a pair may hold the virtual addresses when the two nodes
// stop hearing each other: what a heartbeat proves, what all the evidence is worth, and
// who takes or leaves. Package fencingnet does the asking.
package fencing

import (
	"fmt"
	"slices"
	"time"
)

// Heartbeat is what a node tells the other one over a link of its own, signed, several
// times a second.
type Heartbeat struct {
	Node    string // the sender's name
	Version string // of its software

	Session  uint64        // drawn at random when its daemon began
	Sequence uint64        // grows with each message of the session, over all links
	Uptime   time.Duration // its own monotonic clock, from any moment on
	// EchoSession and EchoSequence name the newest message that the sender has got from
	// us on this link; zero: none. They prove that this message was made after that one.
	EchoSession, EchoSequence uint64

	Class               Class
	Maintenance, Freeze Notice // what an operator wants of the sender
	Gateway             Reach
	// Restarts is for how long from now on the sender may be silent, with its addresses where
	// they are: another daemon of its node is about to go on. Zero: it does not restart.
	Restarts time.Duration
	// Config and Proxy identify what the sender works by: the first bytes of a SHA-256 of
	// the configuration, and of the proxy's files; zero: not known.
	Config, Proxy uint64
	Clock         int64 // what time it is there: Unix time in nanoseconds; 0: not told
	// MACs are the addresses under which the sender may answer for a virtual address.
	MACs    []MAC
	Order   Order   // what an operator wants moved
	Consent Consent // to the other node's order
	Claims  []Claim // of each virtual router, in the order of the configuration
}

// MAC is an Ethernet address; the zero value: not known.
type MAC [6]byte

// String is the address in the usual form, as package net prints it.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// AnswersAs tells that a MAC address in the form of MAC.String is one of the sender's.
func (h *Heartbeat) AnswersAs(mac string) bool {
	return slices.ContainsFunc(h.MACs, func(m MAC) bool { return m.String() == mac })
}

// Claim is what a node says of one virtual router.
type Claim struct {
	Router   uint32 // see RouterKey
	Role     Role
	Priority uint8 // what it would advertise now
	Hears    bool  // it hears our adverts
	Long     bool  // it holds, and has done so for longer than a silence lasts
	Asks     bool  // it stands by, and would have the addresses: it comes first
	HeldOff  bool  // it is out because it lost a conflict
	Favoured bool  // an operator wants it to hold: it comes first among equals of its class
	Moves    bool  // the sender's order is about it
}

// Role is what a node does for a virtual router.
type Role uint8

// The roles.
const (
	Out     Role = iota // takes no part
	Standby             // would take the addresses if nobody had them
	Holds               // has the addresses, or is about to
)

// Class ranks a node; lower is better.
type Class uint8

// The classes.
const (
	Able     Class = iota // the proxy is good, and so is the way to the gateway
	Cut                   // the proxy is good, the gateway is out of reach
	Ill                   // the proxy is bad, the gateway is within reach
	Useless               // both are bad
	Resigned              // in maintenance
)

var classWords = [...]string{"able", "gateway lost", "proxy failed", "proxy failed, gateway lost", "maintenance"}

// String is the class in words.
func (c Class) String() string { return classWords[c] }

// Reach is whether something answers.
type Reach uint8

// The reaches.
const (
	Unasked Reach = iota // not configured, or no answer yet
	Reached
	Lost
	Doubtful // it answered, but not since the other node was last heard
)

// RouterKey is the short name of a virtual router in a heartbeat: FNV-1a of its name.
func RouterKey(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// Claim finds what the sender says of a router; near is where it may stand in the list.
func (h *Heartbeat) Claim(router uint32, near int) (Claim, bool) {
	if near < len(h.Claims) && h.Claims[near].Router == router {
		return h.Claims[near], true
	}
	for _, c := range h.Claims {
		if c.Router == router {
			return c, true
		}
	}
	return Claim{}, false
}
