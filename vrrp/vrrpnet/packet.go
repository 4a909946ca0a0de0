package vrrpnet

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// packetSize holds the largest advert (255 IPv6 addresses and a trailer) or what comes
// under the largest IPv4 header; what is longer arrives cut off and is no advert.
const packetSize = 4608

// Packet is one packet as it came in. Message is valid until the next Receive.
type Packet struct {
	Envelope vrrp.Envelope
	Message  []byte
	// At is when the kernel received it, by the real-time clock. In the first
	// milliseconds after the host's first such socket was opened the kernel does not
	// stamp yet: it is then when the packet was read.
	At time.Time

	buffer []byte
}

// take reads what a socket received. Over IPv6 the header is gone, and what it said is
// in m.
func (p *Packet) take(over Transport, raw []byte, m *message) bool {
	if over == Over6 {
		p.Envelope = vrrp.Envelope{Source: m.from6(), Protocol: vrrp.Protocol}
		p.Message = raw
	} else if !p.take4(raw) {
		return false
	}
	p.control(m.received())
	return true
}

// take4 reads the IPv4 header (RFC 791 3.1).
func (p *Packet) take4(raw []byte) bool {
	if len(raw) < ipv4HeaderLen || raw[0]>>4 != 4 {
		return false
	}
	header := int(raw[0]&0xf) * 4
	if header < ipv4HeaderLen || len(raw) < header {
		return false
	}
	p.Envelope = vrrp.Envelope{
		Source:      addr4(raw[12:]),
		Destination: addr4(raw[16:]),
		TTL:         raw[8],
		Protocol:    raw[9],
		ID:          binary.BigEndian.Uint16(raw[4:]),
	}
	p.Message = raw[header:]
	return true
}

func addr4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }

func addr6(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) }
