package vrrpnet

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The values of neighbour discovery (RFC 4861 4.3, 4.4, 4.6.1).
const (
	neighbourSolicitation  = 135
	neighbourAdvertisement = 136
	ndHopLimit             = 255

	flagRouter    = 0x80
	flagSolicited = 0x40
	flagOverride  = 0x20

	optionSourceMAC = 1
	optionTargetMAC = 2
)

// Offsets in an Ethernet frame that carries neighbour discovery.
const (
	offPayloadLen   = 18
	offNextHeader   = 20
	offHopLimit     = 21
	offSource6      = 22
	offDestination6 = 38
	offICMP         = 54
	offICMPCode     = 55
	offICMPChecksum = 56
	offNDFlags      = 58
	offNDTarget     = 62
	offNDOptions    = 78
	ndMessageLen    = offNDOptions - offICMP
)

// allNodes is every host of the link (RFC 4291 2.7.1).
var allNodes = netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 1})

// solicitedNode is the group of those whose addresses end as a does (RFC 4291 2.7.1).
func solicitedNode(a netip.Addr) netip.Addr {
	ip := a.As16()
	return netip.AddrFrom16([16]byte{0xff, 0x02, 11: 1, 12: 0xff, 13: ip[13], 14: ip[14], 15: ip[15]})
}

// advertisement is the frame that tells everybody that target is at mac. The router
// flag is RFC 9568's (6.4.1); the source is the target, so that it is right under any
// MAC.
func advertisement(target netip.Addr, mac net.HardwareAddr) []byte {
	b := ndFrame(target, allNodes, mac, ndMessageLen+8)
	b = append(b, neighbourAdvertisement, 0, 0, 0, flagRouter|flagOverride, 0, 0, 0)
	b = append(b, target.AsSlice()...)
	b = append(b, optionTargetMAC, 1)
	return sealed(append(b, mac...))
}

// solicitation is the frame that asks whether target is free.
func solicitation(target netip.Addr, mac net.HardwareAddr) []byte {
	b := ndFrame(netip.IPv6Unspecified(), solicitedNode(target), mac, ndMessageLen)
	b = append(b, neighbourSolicitation, 0, 0, 0, 0, 0, 0, 0)
	return sealed(append(b, target.AsSlice()...))
}

// ndFrame begins a frame to a group with a message of n bytes.
func ndFrame(src, group netip.Addr, mac net.HardwareAddr, n int) []byte {
	b := make([]byte, 0, etherHeaderLen+ipv6HeaderLen+n)
	b = appendEthernet(b, group, mac)
	return appendIPv6(b, 0, unix.IPPROTO_ICMPV6, ndHopLimit, src, group, n)
}

// sealed is the frame with its checksum.
func sealed(b []byte) []byte {
	binary.BigEndian.PutUint16(b[offICMPChecksum:], ^icmpSum(b))
	return b
}

// icmpSum sums the ICMPv6 message of a frame with its pseudo-header (RFC 8200 8.1).
func icmpSum(b []byte) uint16 {
	return fold(sum(b[offSource6:]) + uint32(len(b)-offICMP) + unix.IPPROTO_ICMPV6)
}

// heardNDP reads a claim or a probe from an Ethernet frame, by the rules of RFC 4861
// 7.1.1 and 7.1.2.
func heardNDP(b []byte) (Heard, bool) {
	b, ok := ndMessage(b)
	if !ok {
		return Heard{}, false
	}
	src, dst := addr6(b[offSource6:]), addr6(b[offDestination6:])
	h := Heard{Address: addr6(b[offNDTarget:]), MAC: bytes.Clone(b[offEtherSource:offEtherType])}
	source, target, ok := macOptions(b[offNDOptions:])
	if !ok || h.Address.IsMulticast() || h.Address.IsUnspecified() {
		return Heard{}, false
	}
	switch b[offICMP] {
	case neighbourAdvertisement:
		if dst.IsMulticast() && b[offNDFlags]&flagSolicited != 0 {
			return Heard{}, false
		}
		if target != nil {
			h.MAC = bytes.Clone(target)
		}
		return h, true
	case neighbourSolicitation:
		h.Probe = true
		return h, src.IsUnspecified() && dst == solicitedNode(h.Address) && source == nil
	}
	return Heard{}, false
}

// ndMessage is the frame without padding, if it carries a whole message.
func ndMessage(b []byte) ([]byte, bool) {
	if len(b) < offNDOptions || binary.BigEndian.Uint16(b[offEtherType:]) != unix.ETH_P_IPV6 || b[etherHeaderLen]>>4 != 6 {
		return nil, false
	}
	end := offICMP + int(binary.BigEndian.Uint16(b[offPayloadLen:]))
	if end < offNDOptions || end > len(b) || b[offNextHeader] != unix.IPPROTO_ICMPV6 || b[offHopLimit] != ndHopLimit {
		return nil, false
	}
	b = b[:end]
	return b, b[offICMPCode] == 0 && icmpSum(b) == 0xffff
}

// macOptions reads the link-layer addresses of an Ethernet, and false if the options
// are broken.
func macOptions(b []byte) (source, target []byte, ok bool) {
	for len(b) > 0 {
		if len(b) < 2 || b[1] == 0 || len(b) < int(b[1])*8 {
			return nil, nil, false
		}
		switch {
		case b[0] == optionSourceMAC:
			source = b[2:8]
		case b[0] == optionTargetMAC && b[1] == 1:
			target = b[2:8]
		}
		b = b[int(b[1])*8:]
	}
	return source, target, true
}
