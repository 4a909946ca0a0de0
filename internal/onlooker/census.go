//go:build linux

package onlooker

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// countEvery is the time between two questions of the census.
const countEvery = 10 * time.Millisecond

// census asks by ARP who holds an address: everybody who has it answers.
type census struct {
	fd    int
	to    unix.SockaddrLinklayer
	vip   netip.Addr
	asked Stamp
	macs  []string
}

// What is needed of RFC 826.
const (
	arpLen     = 28
	arpRequest = 1
	arpReply   = 2
)

// asker is the sender's hardware address in the questions. With the sender's protocol
// address 0.0.0.0 (RFC 5227 1.1) nobody's table learns from them.
var asker = net.HardwareAddr{0x02, 0xce, 0, 0, 0, 1}

func openCensus(name, address string) (*census, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(protocol))
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	c := &census{fd: fd, vip: netip.MustParseAddr(address)}
	c.to = unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Index, Halen: 6}
	if err := unix.Bind(fd, &c.to); err != nil {
		return nil, fmt.Errorf("bind to %s: %w", name, err)
	}
	for i := range 6 {
		c.to.Addr[i] = 0xff
	}
	return c, nil
}

// run prints "a", when it asked, and who answered before the next question.
func (c *census) run(out *printer) {
	for {
		c.asked, c.macs = Now(), nil
		if err := unix.Sendto(c.fd, c.question(), 0, &c.to); err != nil {
			out.line("e the census cannot ask: %v", err)
		}
		c.listen(c.asked.Add(countEvery))
		out.line("a %d %s", c.asked, strings.Join(c.macs, ","))
	}
}

func (c *census) question() []byte {
	p := make([]byte, 0, arpLen)
	p = append(p, 0, 1, 8, 0, 6, 4, 0, arpRequest) // Ethernet, IPv4
	p = append(p, asker...)
	p = append(p, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(p, c.vip.AsSlice()...)
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

// note takes down an answer to a question of the census.
func (c *census) note(p []byte) {
	if len(p) < arpLen || binary.BigEndian.Uint16(p[6:]) != arpReply ||
		netip.AddrFrom4([4]byte(p[14:18])) != c.vip || !slices.Equal(p[18:24], asker) {
		return
	}
	if mac := net.HardwareAddr(p[8:14]).String(); !slices.Contains(c.macs, mac) {
		c.macs = append(c.macs, mac)
	}
}
