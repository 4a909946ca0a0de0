package demo

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	countEvery = 20 * time.Millisecond
	// askers is after how many rounds the asking hardware addresses repeat.
	askers = 16
)

// census asks by ARP who holds an address: whoever has it answers. Each round asks from
// a hardware address of its own, which tells the rounds of late answers apart; and the
// switch learns it, so that nobody else hears the answers.
type census struct {
	fd     int
	index  int
	vip    netip.Addr
	rounds [askers]round
}

type round struct {
	at     time.Duration
	holder [6]byte
	heard  bool
	twice  bool // two holders, as is told already
}

const arpRequest, arpReply = 1, 2 // RFC 826

// ARP over Ethernet, header included.
const (
	frameLen   = 14 + 28
	offOp      = 14 + 6
	offSHA     = 14 + 8
	offSPA     = 14 + 14
	offTHA     = 14 + 18
	askerSpace = 5 // the byte of an asker's address with the number of the round
)

func asker(n int) [6]byte { return [6]byte{0x02, 0xce, 0, 0, 0, askerSpace: byte(n)} }

func openCensus(name, address string) (*census, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	c := &census{fd: fd, index: link.Index, vip: netip.MustParseAddr(address)}
	if err := unix.Bind(fd, c.to()); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("packet socket of %s: %w", name, err)
	}
	return c, nil
}

func (c *census) to() *unix.SockaddrLinklayer {
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff})
	return &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: c.index}
}

// run tells each round in which two answered, for ever.
func (c *census) run(two func(at time.Duration)) {
	for n := 0; ; n = (n + 1) % askers {
		c.count(n, two)
	}
}

func (c *census) count(n int, two func(at time.Duration)) {
	c.rounds[n] = round{at: now()}
	_ = unix.Sendto(c.fd, c.question(n), 0, c.to()) // a round that nobody hears counts nobody
	c.listen(c.rounds[n].at+countEvery, two)
}

// question is a probe (RFC 5227 1.1): its sender has no protocol address, so that
// nobody's table learns from it.
func (c *census) question(n int) []byte {
	mac := asker(n)
	b := make([]byte, 0, frameLen)
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = append(b, mac[:]...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_ARP)
	b = append(b, 0, 1, 8, 0, 6, 4, 0, arpRequest) // Ethernet, IPv4
	b = append(b, mac[:]...)
	b = append(b, make([]byte, 4+6)...)
	return append(b, c.vip.AsSlice()...)
}

func (c *census) listen(until time.Duration, two func(at time.Duration)) {
	buf := make([]byte, 128)
	for {
		left := until - now()
		if left <= 0 {
			return
		}
		wait := unix.NsecToTimespec(int64(left))
		if n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, &wait, nil); err != nil || n == 0 {
			continue
		}
		n, _, err := unix.Recvfrom(c.fd, buf, unix.MSG_DONTWAIT)
		if err != nil {
			continue
		}
		if r := c.note(buf[:n]); r != nil {
			two(r.at)
		}
	}
}

// note takes down an answer; it returns a round that has just got its second holder.
func (c *census) note(p []byte) *round {
	if len(p) < frameLen || binary.BigEndian.Uint16(p[offOp:]) != arpReply || netip.AddrFrom4([4]byte(p[offSPA:])) != c.vip {
		return nil
	}
	to := [6]byte(p[offTHA:])
	n := int(to[askerSpace])
	if n >= askers || to != asker(n) {
		return nil
	}
	r, holder := &c.rounds[n], [6]byte(p[offSHA:])
	switch {
	case !r.heard:
		r.heard, r.holder = true, holder
	case r.holder != holder && !r.twice:
		r.twice = true
		return r
	}
	return nil
}
