//go:build linux

package onlooker

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// CountEvery is the time between two rounds of the census.
	CountEvery = 10 * time.Millisecond
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

// round is one question and who answered it.
type round struct {
	at      Stamp
	holders [][6]byte
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

// run prints "a", when it asked, and how many answered, for each round when its number
// comes again: late answers are in by then.
func (c *census) run(out *printer) {
	for n := 0; ; n = (n + 1) % askers {
		if r := c.rounds[n]; r.at != 0 {
			out.line("a %d %d", r.at, len(r.holders))
		}
		if err := c.count(n); err != nil {
			out.line("e the census cannot ask: %v", err)
		}
	}
}

// count is one round.
func (c *census) count(n int) error {
	c.rounds[n] = round{at: Now()}
	err := unix.Sendto(c.fd, c.question(n), 0, c.to())
	c.listen(c.rounds[n].at.Add(CountEvery))
	return err
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

func (c *census) listen(until Stamp) {
	buf := make([]byte, 128)
	for {
		left := until.Sub(Now())
		if left <= 0 {
			return
		}
		wait := unix.NsecToTimespec(int64(left))
		if n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, &wait, nil); err != nil || n == 0 {
			continue
		}
		if n, _, err := unix.Recvfrom(c.fd, buf, unix.MSG_DONTWAIT); err == nil {
			c.note(buf[:n])
		}
	}
}

// note takes down an answer.
func (c *census) note(p []byte) {
	if len(p) < frameLen || binary.BigEndian.Uint16(p[offOp:]) != arpReply || netip.AddrFrom4([4]byte(p[offSPA:])) != c.vip {
		return
	}
	to := [6]byte(p[offTHA:])
	n := int(to[askerSpace])
	if n >= askers || to != asker(n) {
		return
	}
	r, holder := &c.rounds[n], [6]byte(p[offSHA:])
	if !slices.Contains(r.holders, holder) {
		r.holders = append(r.holders, holder)
	}
}
