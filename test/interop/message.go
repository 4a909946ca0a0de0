//go:build linux

package interop

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

var group4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})

// Message is a VRRP message to be made, good or bad.
type Message struct {
	Version, Type, VRID, Priority, Count byte
	Fields                               [2]byte // auth type and interval, or the interval
	Addresses                            []string
	Trailer                              []byte
	Plain                                bool // version 3 without pseudo-header
	Damage                               uint16
}

// goodV3 is an advert of priority 255 for the VIP that a Backup or Active router of
// version 3 must obey.
func goodV3(vrid byte, interval time.Duration, addresses ...string) Message {
	m := Message{Version: 3, Type: 1, VRID: vrid, Priority: 255, Count: byte(len(addresses)), Addresses: addresses}
	binary.BigEndian.PutUint16(m.Fields[:], uint16(interval/(10*time.Millisecond)))
	return m
}

// bytes is the message from an IPv4 source to the group, with the checksum of RFC 5798
// 5.2.8 or RFC 9568 5.2.8, changed by Damage.
func (m Message) bytes(source netip.Addr) []byte {
	b := []byte{m.Version<<4 | m.Type, m.VRID, m.Priority, m.Count, m.Fields[0], m.Fields[1], 0, 0}
	for _, a := range m.Addresses {
		b = append(b, netip.MustParseAddr(a).AsSlice()...)
	}
	b = append(b, m.Trailer...)
	var pseudo []byte
	if m.Version == 3 && !m.Plain {
		pseudo = pseudoHeader(source, group4, protocolVRRP, len(b))
	}
	setChecksum(b, 6, pseudo)
	binary.BigEndian.PutUint16(b[6:], binary.BigEndian.Uint16(b[6:])+m.Damage)
	return b
}

// pseudoHeader is that of IPv4 (RFC 9293 3.1) or of IPv6 (RFC 8200 8.1).
func pseudoHeader(source, destination netip.Addr, protocol byte, length int) []byte {
	b := append(source.AsSlice(), destination.AsSlice()...)
	if source.Is4() {
		return append(b, 0, protocol, byte(length>>8), byte(length))
	}
	return append(b, 0, 0, byte(length>>8), byte(length), 0, 0, 0, protocol)
}

// onesComplement is RFC 1071 over a pseudo-header, which may be absent, and a message.
func onesComplement(pseudo, msg []byte) uint16 {
	sum := uint32(0)
	for _, part := range [][]byte{pseudo, msg} {
		for i := 0; i+1 < len(part); i += 2 {
			sum += uint32(part[i])<<8 | uint32(part[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// setChecksum writes the checksum of b, which is 0 there so far.
func setChecksum(b []byte, at int, pseudo []byte) {
	binary.BigEndian.PutUint16(b[at:], onesComplement(pseudo, b))
}

// frame puts a message into IPv4 and Ethernet to the VRRP group.
func frame(from [6]byte, source netip.Addr, ttl byte, msg []byte) []byte {
	f := ethernet([6]byte{0x01, 0, 0x5e, 0, 0, 0x12}, from, unix.ETH_P_IP)
	ip := []byte{0x45, 0xc0, 0, byte(20 + len(msg)), 0, 1, 0, 0, ttl, protocolVRRP, 0, 0}
	ip = append(append(ip, source.AsSlice()...), group4.AsSlice()...)
	setChecksum(ip, 10, nil)
	return append(append(f, ip...), msg...)
}
