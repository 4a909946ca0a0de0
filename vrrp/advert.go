// Package vrrp decides who is the Active router of a virtual router: the adverts
// (VRRPv3, RFC 9568 and RFC 5798; VRRPv2, RFC 3768) and the state machine. It does
// no I/O and reads no clock; package vrrpnet touches the world for it.
package vrrp

import (
	"net/netip"
	"time"
)

// Version is the protocol version of a virtual router.
type Version uint8

// The versions in use.
const (
	V2 Version = 2 // RFC 3768
	V3 Version = 3 // RFC 9568, RFC 5798
)

// Priorities with a meaning of their own (RFC 9568 5.2.4).
const (
	PriorityRelease uint8 = 0   // the Active router leaves on purpose
	PriorityOwner   uint8 = 255 // the router owns the addresses
)

// Protocol is the IP protocol number of VRRP (RFC 9568 5.1.1.4).
const Protocol = 112

// Group4 is the IPv4 multicast group of VRRP (RFC 9568 5.1.1.2).
var Group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})

// Advert is one VRRP advertisement, as far as a decision needs it.
type Advert struct {
	Version  Version
	VRID     uint8
	Priority uint8
	// Interval is the Max Advertise Interval: whole seconds in version 2,
	// centiseconds in version 3.
	Interval  time.Duration
	Addresses []netip.Addr
}

// Envelope is what the IP layer says of a packet.
type Envelope struct {
	Source, Destination netip.Addr
	TTL                 uint8
}
