package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// checksum is the checksum of a message whose checksum field is 0 (RFC 1071).
func checksum(msg []byte) uint16 { return ^fold(sum(msg)) }

// pseudoChecksum is the same with the pseudo-header of the envelope.
func pseudoChecksum(msg []byte, env Envelope) uint16 {
	return ^fold(sum(msg) + pseudoSum(env, len(msg)))
}

// hasPseudo says whether a message with this address is sent with a pseudo-header in
// its checksum: never in version 2 (RFC 3768 5.3.8), always over IPv6 (RFC 9568 5.2.8),
// and over IPv4 as configured.
func (f Format) hasPseudo(first netip.Addr) bool {
	return f.Version == V3 && (!first.Is4() || f.Checksum == ChecksumPseudo)
}

// checksumMatches verifies a received message. Over IPv4 the senders of version 3
// differ, so both rules are good, whatever the Format writes.
func (f Format) checksumMatches(msg []byte, env Envelope) bool {
	s := sum(msg)
	plain := fold(s) == 0xffff
	if f.Version == V2 {
		return plain
	}
	return fold(s+pseudoSum(env, len(msg))) == 0xffff || plain && env.Source.Is4()
}

// pseudoSum sums the pseudo-header: source, destination, length, protocol (RFC 8200
// 8.1; RFC 5798 5.2.8 uses it over IPv4 as well).
func pseudoSum(env Envelope, length int) uint32 {
	return addrSum(env.Source) + addrSum(env.Destination) + uint32(length) + Protocol
}

func addrSum(a netip.Addr) uint32 {
	if a.Is4() {
		raw := a.As4()
		return sum(raw[:])
	}
	raw := a.As16()
	return sum(raw[:])
}

// sum adds 16-bit words; every message has an even length. A message of at most 255
// addresses cannot overflow it.
func sum(b []byte) uint32 {
	var s uint32
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	return s
}

// fold adds the carries: the one's complement sum.
func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
