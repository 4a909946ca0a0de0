package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// checksum is the checksum of a packet with this address whose checksum field is 0.
func (f Format) checksum(p packet, first netip.Addr) uint16 {
	s := p.sum()
	if f.hasPseudo(first) {
		s += p.pseudoSum()
	}
	return ^fold(s)
}

// hasPseudo says whether a packet with this address is sent with a pseudo-header in
// its checksum: never in version 2 (RFC 3768 5.3.8), always over IPv6 (RFC 9568 5.2.8),
// and over IPv4 as configured.
func (f Format) hasPseudo(first netip.Addr) bool {
	return f.Version == V3 && (!first.Is4() || f.Checksum == ChecksumPseudo)
}

// checksumMatches verifies a received packet. Over IPv4 the senders of version 3
// differ, so both rules are good, whatever the Format writes.
func (f Format) checksumMatches(p packet) bool {
	s := p.sum()
	plain := fold(s) == 0xffff
	if f.Version == V2 {
		return plain
	}
	return fold(s+p.pseudoSum()) == 0xffff || plain && p.env.Source.Is4()
}

// summed is what the checksum is over: the message and, over IPv6, its signature. There
// the kernel may compute it, which knows no trailer; over IPv4 keepalived leaves it out.
func (p packet) summed() (message, trailer []byte) {
	if p.env.Source.Is6() {
		return p.msg, p.trailer
	}
	return p.msg, nil
}

// sum sums it (RFC 1071).
func (p packet) sum() uint32 {
	message, trailer := p.summed()
	return sum(message) + sum(trailer)
}

// pseudoSum sums the pseudo-header: source, destination, length, protocol (RFC 8200
// 8.1; RFC 5798 5.2.8 uses it over IPv4 as well).
func (p packet) pseudoSum() uint32 {
	message, trailer := p.summed()
	return addrSum(p.env.Source) + addrSum(p.env.Destination) + uint32(len(message)+len(trailer)) + Protocol
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
