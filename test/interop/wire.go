//go:build linux

package interop

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const (
	protocolVRRP          = 112
	protocolAH            = 51
	neighbourSolicitation = 135
	neighbourAdvert       = 136
)

// Advert is a VRRP packet as it was seen on the wire, read by the RFCs and not by the
// code under test.
type Advert struct {
	At          time.Time
	SourceMAC   net.HardwareAddr
	TargetMAC   net.HardwareAddr
	TOS, TTL    byte // or traffic class and hop limit
	Source      netip.Addr
	Destination netip.Addr
	AH          []byte // the Authentication Header before the message, if there is one
	Message     []byte // without the headers of IP
}

// Priority is the message's third byte.
func (a Advert) Priority() byte { return a.Message[2] }

// readAdvert reads a VRRP packet of IPv4, plain or behind an Authentication Header, or
// of IPv6.
func readAdvert(f netlab.Frame) (a Advert, ok bool) {
	p, ip := packet(f)
	a = Advert{At: f.At, SourceMAC: f.Source(), TargetMAC: f.Destination(), Message: p}
	switch f.Type() {
	case unix.ETH_P_IP:
		if len(ip) < 20 {
			return a, false
		}
		a.TOS, a.TTL = ip[1], ip[8]
		a.Source, a.Destination = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
		if ip[9] == protocolAH && len(p) > 24 && p[0] == protocolVRRP {
			a.AH, a.Message = p[:24], p[24:]
			return a, len(a.Message) >= 8
		}
		return a, ip[9] == protocolVRRP && len(p) >= 8
	case unix.ETH_P_IPV6:
		if len(ip) < 40 {
			return a, false
		}
		a.TOS, a.TTL = ip[0]<<4|ip[1]>>4, ip[7]
		a.Source, a.Destination = netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40]))
		return a, ip[6] == protocolVRRP && len(p) >= 8
	}
	return a, false
}

// packet splits an IP packet into what it carries and its header; nil: it is none.
func packet(f netlab.Frame) (payload, header []byte) {
	ip := f.Payload()
	switch {
	case f.Type() == unix.ETH_P_IP && len(ip) >= 20:
		size, total := int(ip[0]&0xf)*4, int(binary.BigEndian.Uint16(ip[2:]))
		if size >= 20 && total >= size && len(ip) >= total {
			return ip[size:total], ip[:size]
		}
	case f.Type() == unix.ETH_P_IPV6 && len(ip) >= 40:
		if total := 40 + int(binary.BigEndian.Uint16(ip[4:])); len(ip) >= total {
			return ip[40:total], ip[:40]
		}
	}
	return nil, nil
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

// neighbour reads a message of neighbour discovery about an address (RFC 4861 4.3, 4.4).
func neighbour(f netlab.Frame, kind byte, address netip.Addr) (icmp []byte, ok bool) {
	p, ip := packet(f)
	if !address.Is6() || f.Type() != unix.ETH_P_IPV6 || ip == nil || ip[6] != unix.IPPROTO_ICMPV6 {
		return nil, false
	}
	return p, len(p) >= 24 && p[0] == kind && netip.AddrFrom16([16]byte(p[8:24])) == address
}

// solicited is the S of a neighbour advertisement: somebody had asked.
func solicited(icmp []byte) bool { return icmp[4]&0x40 != 0 }

// arpAddresses are the sender's and the target's of an ARP packet.
func arpAddresses(f netlab.Frame) (sender, target netip.Addr, ok bool) {
	p := f.Payload()
	if !f.IsARP() || len(p) < 28 {
		return sender, target, false
	}
	return netip.AddrFrom4([4]byte(p[14:18])), netip.AddrFrom4([4]byte(p[24:28])), true
}

// isAnswer tells whether a frame tells somebody who asked where an address is.
func isAnswer(f netlab.Frame, address netip.Addr) bool {
	if icmp, ok := neighbour(f, neighbourAdvert, address); ok {
		return solicited(icmp)
	}
	sender, target, ok := arpAddresses(f)
	return ok && f.Payload()[7] == 2 && sender == address && target != address
}

// isAnnouncement tells whether a frame tells everybody where an address is: gratuitous
// ARP, or an unsolicited neighbour advertisement.
func isAnnouncement(f netlab.Frame, address netip.Addr) bool {
	if icmp, ok := neighbour(f, neighbourAdvert, address); ok {
		return !solicited(icmp)
	}
	sender, target, ok := arpAddresses(f)
	return ok && sender == address && target == address
}
