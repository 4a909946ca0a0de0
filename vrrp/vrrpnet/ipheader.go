package vrrpnet

import (
	"encoding/binary"
	"net/netip"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

const (
	ipv4HeaderLen = 20
	ipv6HeaderLen = 40
)

// appendIPv4 appends the IPv4 header (RFC 791 3.1) of an advert of n bytes. The
// identification is the envelope's; the packet may be fragmented.
func appendIPv4(b []byte, env vrrp.Envelope, protocol uint8, n int) []byte {
	start := len(b)
	src, dst := env.Source.As4(), env.Destination.As4()
	b = append(b, 0x45, advertTOS)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4HeaderLen+n))
	b = binary.BigEndian.AppendUint16(b, env.ID)
	b = append(b, 0, 0, env.TTL, protocol, 0, 0)
	b = append(b, src[:]...)
	b = append(b, dst[:]...)
	binary.BigEndian.PutUint16(b[start+10:], ^fold(sum(b[start:])))
	return b
}

// appendIPv6 appends an IPv6 header (RFC 8200 3) for n bytes of payload.
func appendIPv6(b []byte, class, next, hops uint8, src, dst netip.Addr, n int) []byte {
	from, to := src.As16(), dst.As16()
	b = append(b, 0x60|class>>4, class<<4, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, next, hops)
	b = append(b, from[:]...)
	return append(b, to[:]...)
}

// sum adds 16-bit words (RFC 1071); an odd byte counts as if a zero followed.
func sum(b []byte) uint32 {
	var s uint32
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
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
