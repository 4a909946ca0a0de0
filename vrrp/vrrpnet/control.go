package vrrpnet

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// control is what tells the kernel the interface, the source and the TTL of one packet
// to be sent (ip(7), ipv6(7)).
type control struct {
	bytes       []byte
	source, ttl int // offsets
}

func newControl(over Transport, index int) control {
	c := control{source: unix.CmsgLen(0)} // ipi6_addr
	if over == Over6 {
		c.bytes = unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: uint32(index)})
	} else {
		c.bytes = unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(index)})
		c.source += 4 // ipi_spec_dst, after ipi_ifindex
	}
	c.ttl = len(c.bytes) + unix.CmsgLen(0)
	c.bytes = append(c.bytes, ttlControl(over)...)
	return c
}

// ttlControl is a control message with room for a TTL or hop limit, an int.
func ttlControl(over Transport) []byte {
	b := make([]byte, unix.CmsgSpace(4))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_TTL
	if over == Over6 {
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT
	}
	h.SetLen(unix.CmsgLen(4))
	return b
}

// of is c filled in for one packet; it is valid until the next.
func (c *control) of(env vrrp.Envelope) []byte {
	if env.Source.Is4() {
		ip := env.Source.As4()
		copy(c.bytes[c.source:], ip[:])
	} else {
		ip := env.Source.As16()
		copy(c.bytes[c.source:], ip[:])
	}
	binary.NativeEndian.PutUint32(c.bytes[c.ttl:], uint32(env.TTL))
	return c.bytes
}

// receivedControl holds the control messages of one packet received: stamp, pktinfo
// and hop limit, with room to spare.
const receivedControl = 256

// control reads the control messages: the stamp, and for IPv6 the destination and the
// hop limit. Without a stamp the packet came now.
func (p *Packet) control(b []byte) {
	p.At = time.Time{}
	for len(b) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			break
		}
		p.said(header.Level, header.Type, data)
		b = rest
	}
	if p.At.IsZero() {
		p.At = time.Now()
	}
}

func (p *Packet) said(level, kind int32, data []byte) {
	switch {
	case level == unix.SOL_SOCKET && kind == unix.SCM_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		p.At = time.Unix((*unix.Timespec)(unsafe.Pointer(&data[0])).Unix())
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		p.Envelope.Destination = addr6(data)
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_HOPLIMIT && len(data) >= 4:
		p.Envelope.TTL = uint8(binary.NativeEndian.Uint32(data))
	}
}
