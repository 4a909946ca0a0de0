package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The VRRP message (RFC 9568 5.1, RFC 3768 5.1). Bytes 4 and 5 are the auth type and
// the interval in seconds in version 2, the interval in centiseconds in version 3. The
// trailer follows the addresses: the authentication data of version 2.
//
//	 0              1      2          3       4 5   6 7       8
//	| version, type | VRID | priority | count |     | checksum | addresses | trailer |
const (
	headerLen = 8

	offVersionType = 0
	offVRID        = 1
	offPriority    = 2
	offCount       = 3
	offChecksum    = 6

	typeAdvertisement = 1
	maxAddresses      = 255
)

// Lengths outside of the message.
const (
	ipv4HeaderLen   = 20
	ipv6HeaderLen   = 40
	ethernetMinimum = 46 // shortest payload of an Ethernet frame (IEEE 802.3)
)

// requiredTTL proves that no router forwarded a packet (RFC 9568 5.1.1.3).
const requiredTTL = 255

// Append appends the VRRP message of an advert to b, without IP header. Version, VRID
// and authentication are the Format's; ad.Version and ad.VRID are not read. The
// addresses keep their order.
//
// The envelope's Source and Destination go into the pseudo-header of the checksum, for
// version 3 over IPv6 always and over IPv4 with ChecksumPseudo; without a pseudo-header
// the envelope is not read. Nothing is allocated when the capacity of b suffices.
//
// An error means that the advert cannot be expressed in this Format; b is then
// returned as it came.
func (f Format) Append(b []byte, ad *Advert, env Envelope) ([]byte, error) {
	env = env.unmapped()
	if err := f.writable(ad, env); err != nil {
		return b, fmt.Errorf("virtual router %d: %w", f.VRID, err)
	}
	start := len(b)
	b = append(b, byte(f.Version)<<4|typeAdvertisement, f.VRID, ad.Priority, byte(len(ad.Addresses)))
	if f.Version == V2 {
		b = appendFieldsV2(b, f.Auth, ad.Interval)
	} else {
		b = appendFieldsV3(b, ad.Interval)
	}
	b = append(b, 0, 0)
	b = appendAddresses(b, ad.Addresses)
	if f.Version == V2 {
		b = appendAuthV2(b, f.Auth)
	}
	msg := b[start:]
	check := checksum(msg)
	if f.hasPseudo(ad.Addresses[0]) {
		check = pseudoChecksum(msg, env)
	}
	binary.BigEndian.PutUint16(msg[offChecksum:], check)
	return b, nil
}

// Parse parses a received VRRP message into ad and says why it is refused, or nothing
// when it is accepted. b is what follows the IP header, with or without the padding of
// the Ethernet frame. The envelope is complete: both addresses and the TTL or hop limit.
//
// A refused message leaves ad as it was. An accepted one overwrites it and reuses the
// backing array of ad.Addresses, so Parse allocates nothing once that is big enough;
// who keeps the addresses across calls clones them.
//
// Parse judges the message alone. What depends on the state of the virtual router is
// judged elsewhere: own packets, the interval of version 2, the list of addresses.
func (f Format) Parse(ad *Advert, b []byte, env Envelope) Refusal {
	env = env.unmapped()
	if r := f.checkKind(b, env); r != "" {
		return r
	}
	size, ip := f.addressLen(env)
	if size == 0 {
		return RefusalFamily
	}
	count := int(b[offCount])
	want := headerLen + count*size + f.trailerLen()
	if len(b) < want || len(b) > want && ip+len(b) > ethernetMinimum {
		return RefusalLength
	}
	msg := b[:want]
	interval := f.interval(msg)
	switch {
	case msg[offVRID] != f.VRID:
		return RefusalVRID
	case count == 0:
		return RefusalNoAddresses
	case interval == 0:
		return RefusalIntervalZero
	case !f.checksumMatches(msg, env):
		return RefusalChecksum
	}
	if r := f.checkAuth(msg); r != "" {
		return r
	}
	ad.Version, ad.VRID, ad.Priority, ad.Interval = f.Version, f.VRID, msg[offPriority], interval
	ad.Addresses = appendParsed(slices.Grow(ad.Addresses[:0], count), msg[headerLen:], count, size)
	return ""
}

// PeekVRID reads the VRID of a received message, to find the Format that judges it. It
// says false when the message is too short for the header; it checks nothing else.
func PeekVRID(b []byte) (uint8, bool) {
	if len(b) < headerLen {
		return 0, false
	}
	return b[offVRID], true
}

// checkKind makes sure that the packet is an advert of this link in this version.
func (f Format) checkKind(b []byte, env Envelope) Refusal {
	switch {
	case env.TTL != requiredTTL:
		return RefusalTTL
	case isCARP(b):
		return RefusalCARP
	case len(b) < headerLen:
		return RefusalLength
	case b[offVersionType]>>4 != byte(f.Version), f.Version != V2 && f.Version != V3:
		return RefusalVersion
	case b[offVersionType]&0x0f != typeAdvertisement:
		return RefusalType
	}
	return ""
}

// isCARP recognises the fixed message of CARP: it begins like version 2, but has 36
// bytes and says 7 (words of counter and digest) where version 2 has the address
// count, and 7 addresses take 44 bytes.
func isCARP(b []byte) bool {
	const carpLen, carpVersionType, carpAuthLen = 36, 0x21, 7
	return len(b) == carpLen && b[0] == carpVersionType && b[3] == carpAuthLen
}

// addressLen is the length of an address and of the IP header in this envelope: the
// family of the packet is that of the addresses (RFC 9568 5.2.9). 0, 0: there is no
// such packet.
func (f Format) addressLen(env Envelope) (size, ip int) {
	switch {
	case env.Source.Is4() && env.Destination.Is4():
		return 4, ipv4HeaderLen
	case f.Version == V3 && env.Source.Is6() && env.Destination.Is6():
		return 16, ipv6HeaderLen
	}
	return 0, 0
}

// trailerLen is the length of what follows the addresses.
func (f Format) trailerLen() int {
	if f.Version == V2 {
		return authDataLen
	}
	return 0
}

// interval reads the interval between adverts.
func (f Format) interval(msg []byte) time.Duration {
	if f.Version == V2 {
		return intervalV2(msg)
	}
	return intervalV3(msg)
}

// writable says what keeps an advert from being expressed in this Format.
func (f Format) writable(ad *Advert, env Envelope) error {
	if err := f.writableFields(ad.Interval); err != nil {
		return err
	}
	if err := f.writableAddresses(ad.Addresses); err != nil {
		return err
	}
	return f.writableEnvelope(ad.Addresses[0], env)
}

func (f Format) writableFields(interval time.Duration) error {
	switch f.Version {
	case V2:
		return writableV2(f.Auth, interval)
	case V3:
		return writableV3(f.Auth, interval)
	}
	return fmt.Errorf("there is no VRRP version %d: use 2 or 3", f.Version)
}

func (f Format) writableAddresses(addrs []netip.Addr) error {
	switch n := len(addrs); {
	case n == 0:
		return fmt.Errorf("no addresses: an advert carries at least one")
	case n > maxAddresses:
		return fmt.Errorf("%d addresses: an advert carries at most %d; use a second virtual router", n, maxAddresses)
	}
	for i, a := range addrs {
		switch {
		case !a.IsValid():
			return fmt.Errorf("address %d of %d is empty", i+1, len(addrs))
		case a.Is4() != addrs[0].Is4():
			return fmt.Errorf("addresses %s and %s are of two families: use a virtual router for each", addrs[0], a)
		case f.Version == V2 && !a.Is4():
			return fmt.Errorf("address %s: VRRPv2 carries only IPv4 addresses; use version 3", a)
		}
	}
	return nil
}

func (f Format) writableEnvelope(first netip.Addr, env Envelope) error {
	if !f.hasPseudo(first) {
		return nil
	}
	family := "IPv6"
	if first.Is4() {
		family = "IPv4"
	}
	if size, _ := f.addressLen(env); size*8 != first.BitLen() {
		return fmt.Errorf("source %s, destination %s: the checksum needs both, and both %s as address %s is",
			env.Source, env.Destination, family, first)
	}
	return nil
}

// unmapped is the envelope with IPv4 addresses as such, also where a socket gave them
// in IPv6 notation.
func (e Envelope) unmapped() Envelope {
	e.Source, e.Destination = e.Source.Unmap(), e.Destination.Unmap()
	return e
}

func appendAddresses(b []byte, addrs []netip.Addr) []byte {
	for _, a := range addrs {
		if a.Is4() {
			raw := a.As4()
			b = append(b, raw[:]...)
		} else {
			raw := a.As16()
			b = append(b, raw[:]...)
		}
	}
	return b
}

func appendParsed(addrs []netip.Addr, b []byte, count, size int) []netip.Addr {
	for ; count > 0; count-- {
		if size == 4 {
			addrs = append(addrs, netip.AddrFrom4([4]byte(b)))
		} else {
			addrs = append(addrs, netip.AddrFrom16([16]byte(b)))
		}
		b = b[size:]
	}
	return addrs
}
