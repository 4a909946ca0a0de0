package vrrpnet

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// packetSize holds the largest advert (255 addresses) under the largest IP header;
// what is longer arrives cut off and is no advert.
const packetSize = 2048

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

// take reads the IPv4 header (RFC 791 3.1) and the control messages.
func (p *Packet) take(raw, control []byte) bool {
	if len(raw) < 20 || raw[0]>>4 != 4 {
		return false
	}
	header := int(raw[0]&0xf) * 4
	if header < 20 || len(raw) < header {
		return false
	}
	p.Envelope = vrrp.Envelope{
		Source:      netip.AddrFrom4([4]byte(raw[12:16])),
		Destination: netip.AddrFrom4([4]byte(raw[16:20])),
		TTL:         raw[8],
	}
	p.Message = raw[header:]
	p.At = stamp(control)
	return true
}

// stamp finds SO_TIMESTAMPNS's answer; without one the packet came now.
func stamp(control []byte) time.Time {
	for len(control) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		if header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS &&
			len(data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			return time.Unix((*unix.Timespec)(unsafe.Pointer(&data[0])).Unix())
		}
		control = rest
	}
	return time.Now()
}
