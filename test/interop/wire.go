//go:build linux

package interop

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// Advert is a VRRP packet as it was seen on the wire, read by the RFCs and not by the
// code under test.
type Advert struct {
	At          time.Time
	SourceMAC   net.HardwareAddr
	TargetMAC   net.HardwareAddr
	TOS, TTL    byte
	Source      netip.Addr
	Destination netip.Addr
	Message     []byte // without the IP header
}

// Priority is the message's third byte.
func (a Advert) Priority() byte { return a.Message[2] }

// readAdvert reads an IPv4 packet of protocol 112.
func readAdvert(f netlab.Frame) (Advert, bool) {
	if !f.IsIPv4(112) {
		return Advert{}, false
	}
	ip := f.Payload()
	header, total := int(ip[0]&0xf)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if len(ip) < total || total < header+8 {
		return Advert{}, false
	}
	return Advert{
		At: f.At, SourceMAC: f.Source(), TargetMAC: f.Destination(), TOS: ip[1], TTL: ip[8],
		Source: netip.AddrFrom4([4]byte(ip[12:16])), Destination: netip.AddrFrom4([4]byte(ip[16:20])),
		Message: ip[header:total],
	}, true
}

// advertsOf are the adverts that an address has sent since a moment.
func advertsOf(wire *netlab.Capture, source string, since time.Time) []Advert {
	var all []Advert
	for _, f := range wire.Frames(nil) {
		if a, ok := readAdvert(f); ok && a.Source.String() == source && !a.At.Before(since) {
			all = append(all, a)
		}
	}
	return all
}

// isGratuitous tells whether a frame announces an address by ARP.
func isGratuitous(f netlab.Frame, address string) bool {
	p := f.Payload()
	want := netip.MustParseAddr(address)
	return f.IsARP() && len(p) >= 28 && netip.AddrFrom4([4]byte(p[14:18])) == want && netip.AddrFrom4([4]byte(p[24:28])) == want
}

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

// bytes is the message with the checksum of RFC 5798 5.2.8 or RFC 9568 5.2.8, changed
// by Damage.
func (m Message) bytes(source netip.Addr) []byte {
	b := []byte{m.Version<<4 | m.Type, m.VRID, m.Priority, m.Count, m.Fields[0], m.Fields[1], 0, 0}
	for _, a := range m.Addresses {
		b = append(b, netip.MustParseAddr(a).AsSlice()...)
	}
	b = append(b, m.Trailer...)
	binary.BigEndian.PutUint16(b[6:], onesComplement(b, source, m.Version == 3 && !m.Plain)+m.Damage)
	return b
}

// onesComplement is RFC 1071 over a message and, if wanted, its pseudo-header.
func onesComplement(msg []byte, source netip.Addr, pseudo bool) uint16 {
	all := msg
	if pseudo {
		all = append(source.AsSlice(), 224, 0, 0, 18, 0, 112, 0, byte(len(msg)))
		all = append(all, msg...)
	}
	sum := uint32(0)
	for i := 0; i+1 < len(all); i += 2 {
		sum += uint32(all[i])<<8 | uint32(all[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// frame puts a message into IPv4 and Ethernet to the VRRP group.
func frame(from [6]byte, source netip.Addr, ttl byte, msg []byte) []byte {
	f := append([]byte{0x01, 0, 0x5e, 0, 0, 0x12}, from[:]...)
	f = append(f, 0x08, 0x00)
	ip := []byte{0x45, 0xc0, 0, byte(20 + len(msg)), 0, 1, 0, 0, ttl, 112, 0, 0}
	ip = append(ip, source.AsSlice()...)
	ip = append(ip, 224, 0, 0, 18)
	binary.BigEndian.PutUint16(ip[10:], onesComplement(ip, source, false))
	return append(append(f, ip...), msg...)
}
