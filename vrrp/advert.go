// Package vrrp decides who is the Active router of a virtual router: the adverts
// (VRRPv3, RFC 9568 and RFC 5798; VRRPv2, RFC 3768) and the state machine. It does
// no I/O and reads no clock; package vrrpnet touches the world for it.
package vrrp

import (
	"net/netip"
	"slices"
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
	PriorityRelease uint8 = 0 // the Active router leaves on purpose
	// PriorityLastResort is that of a router that must not serve while anybody else can,
	// where Config.LastResort is set: the lowest that can hold the addresses.
	PriorityLastResort uint8 = 1
	PriorityOwner      uint8 = 255 // the router owns the addresses
)

// IP protocol numbers.
const (
	Protocol   = 112 // VRRP (RFC 9568 5.1.1.4)
	ProtocolAH = 51  // the IP Authentication Header, which AuthAH puts before VRRP (RFC 2402 2)
)

// The multicast groups of VRRP (RFC 9568 5.1.1.2, 5.1.2.2).
var (
	Group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})
	Group6 = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
)

// Advert is one VRRP advertisement, as far as a decision needs it.
type Advert struct {
	Version  Version
	VRID     uint8
	Priority uint8
	// Interval is the Max Advertise Interval: whole seconds in version 2,
	// centiseconds in version 3.
	Interval time.Duration
	// Addresses are in the order of the wire; see LinkLocalFirst.
	Addresses []netip.Addr
	// Sequence orders the adverts of a sender: with AuthHMAC see NextSequence, with
	// AuthAH it has 32 bits; see NextSequenceAH. 0: the advert carries none.
	Sequence uint64
}

// Envelope is what the IP layer says of a packet.
type Envelope struct {
	Source, Destination netip.Addr
	TTL                 uint8 // or hop limit
	// Protocol is what the message begins with: 0 or Protocol: the VRRP header;
	// ProtocolAH: the IP Authentication Header.
	Protocol uint8
	// ID is the Identification of the IPv4 header; only AuthAH reads it. A sender
	// chooses one that is not 0, since for 0 the kernel writes its own.
	ID uint16
}

// LinkLocalFirst orders addresses as an advert over IPv6 has them: the link-local one
// first (RFC 9568 5.2.9), the others as they are. It does nothing to IPv4 addresses.
func LinkLocalFirst(addrs []netip.Addr) {
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return linkLocalRank(a) - linkLocalRank(b) })
}

func linkLocalRank(a netip.Addr) int {
	if a.Is6() && a.IsLinkLocalUnicast() {
		return 0
	}
	return 1
}

// unmapped is the envelope with bare addresses: no zone, and IPv4 addresses as such,
// also where a socket gave them in IPv6 notation.
func (e Envelope) unmapped() Envelope {
	e.Source, e.Destination = bare(e.Source), bare(e.Destination)
	return e
}

func bare(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
