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
// trailer follows the addresses: the authentication data of version 2, the signature of
// AuthHMAC. With AuthAH an IP Authentication Header goes before.
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

// Append appends the VRRP message of an advert to b, without IP header; with AuthAH it
// begins with the IP Authentication Header. Version, VRID and authentication are the
// Format's; ad.Version and ad.VRID are not read. The addresses keep their order.
// ad.Sequence is read where the advert is signed: with AuthAH, and with AuthHMAC unless
// it is HMACReceiveOnly.
//
// The envelope's Source and Destination go into the pseudo-header of the checksum, for
// version 3 over IPv6 always and over IPv4 with ChecksumPseudo, and into signatures, with
// AuthAH together with ID; else the envelope is not read. Nothing is allocated when the
// capacity of b suffices.
//
// An error means that the advert cannot be expressed in this Format; b is then
// returned as it came.
func (f Format) Append(b []byte, ad *Advert, env Envelope) ([]byte, error) {
	env = env.unmapped()
	if err := f.writable(ad, env); err != nil {
		return b, fmt.Errorf("virtual router %d: %w", f.VRID, err)
	}
	start := len(b)
	if f.Auth.Type == AuthAH {
		b = appendAH(b, ad.Sequence, env)
	}
	body := len(b)
	b = f.appendMessage(b, ad)
	end := len(b)
	if f.signsHMAC() {
		b = appendTrailer(b, f.Auth.Keys[0].ID, ad.Sequence)
	}
	p := packet{env: env, ah: b[start:body], msg: b[body:end], trailer: b[end:]}
	if f.signsHMAC() {
		f.signHMAC(p)
	}
	binary.BigEndian.PutUint16(p.msg[offChecksum:], f.checksum(p, ad.Addresses[0]))
	if f.Auth.Type == AuthAH {
		f.signAH(p)
	}
	return b, nil
}

// appendMessage appends the message with checksum 0.
func (f Format) appendMessage(b []byte, ad *Advert) []byte {
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
	return b
}

// Parse parses a received VRRP message into ad and says why it is refused, or nothing
// when it is accepted. b is what follows the IP header, with or without the padding of
// the Ethernet frame. The envelope is complete: both addresses, the TTL or hop limit,
// and what AuthAH needs.
//
// A refused message leaves ad as it was. An accepted one overwrites it and reuses the
// backing array of ad.Addresses, so Parse allocates nothing once that is big enough;
// who keeps the addresses across calls clones them.
//
// Parse judges the packet alone. What depends on state is judged elsewhere: that it is
// no replay (Replay), own packets, the interval of version 2, the list of addresses.
func (f Format) Parse(ad *Advert, b []byte, env Envelope) Refusal {
	env = env.unmapped()
	if IsCARP(b) {
		return RefusalCARP
	}
	if r := f.checkPath(env); r != "" {
		return r
	}
	p, r := cutAH(b, env)
	if r != "" {
		return r
	}
	if r := f.checkKind(p.msg); r != "" {
		return r
	}
	size, ip := f.addressLen(env)
	if size == 0 {
		return RefusalFamily
	}
	count := int(p.msg[offCount])
	if r := p.cut(f, headerLen+count*size, ip); r != "" {
		return r
	}
	interval := f.interval(p.msg)
	switch {
	case p.msg[offVRID] != f.VRID:
		return RefusalVRID
	case count == 0:
		return RefusalNoAddresses
	case interval == 0:
		return RefusalIntervalZero
	}
	sequence, r := f.checkAuth(p)
	if r != "" {
		return r
	}
	if !f.checksumMatches(p) {
		return RefusalChecksum
	}
	ad.Version, ad.VRID, ad.Priority, ad.Interval = f.Version, f.VRID, p.msg[offPriority], interval
	ad.Sequence = sequence
	ad.Addresses = appendParsed(slices.Grow(ad.Addresses[:0], count), p.msg[headerLen:], count, size)
	return ""
}

// PeekVRID reads the VRID of a received message, to find the Format that judges it.
// protocol is the Envelope's. It says false when the message is too short for the
// headers; it checks nothing else.
func PeekVRID(b []byte, protocol uint8) (uint8, bool) {
	if protocol == ProtocolAH {
		b = b[min(ahLen, len(b)):]
	}
	if len(b) < headerLen {
		return 0, false
	}
	return b[offVRID], true
}

// checkKind makes sure that the message is an advert in this version.
func (f Format) checkKind(b []byte) Refusal {
	switch {
	case len(b) < headerLen:
		return RefusalLength
	case b[offVersionType]>>4 != byte(f.Version), f.Version != V2 && f.Version != V3:
		return RefusalVersion
	case b[offVersionType]&0x0f != typeAdvertisement:
		return RefusalType
	}
	return ""
}

// IsCARP recognises the fixed message of CARP: it begins like version 2, but has 36
// bytes and says 7 (words of counter and digest) where version 2 has the address
// count, and 7 addresses take 44 bytes.
func IsCARP(b []byte) bool {
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

// interval reads the interval between adverts.
func (f Format) interval(msg []byte) time.Duration {
	if f.Version == V2 {
		return intervalV2(msg)
	}
	return intervalV3(msg)
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
