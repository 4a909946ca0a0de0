//go:build linux

package hostlab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// arpSocket asks on the switch who holds an address, with ARP probes (RFC 5227 §1.1:
// the sender's address is 0.0.0.0, so that nobody's ARP cache learns from them). Each
// probe has a number in its sender hardware address, which an answer brings back.
type arpSocket struct {
	fd int
	id byte // tells the answers to this socket's probes from others'
	to unix.SockaddrLinklayer
}

const (
	arpLen     = 28 // RFC 826, Ethernet and IPv4
	arpRequest = 1
	arpReply   = 2
)

var arpSockets atomic.Uint32

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func openARP(port string) (*arpSocket, error) {
	link, err := net.InterfaceByName(port)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", port, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_ARP)))
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	to := unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ARP), Ifindex: link.Index, Halen: 6}
	if err := unix.Bind(fd, &to); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind to %s: %w", port, err)
	}
	copy(to.Addr[:], broadcast)
	return &arpSocket{fd: fd, id: byte(arpSockets.Add(1)), to: to}, nil
}

func (s *arpSocket) close() { unix.Close(s.fd) }

// ask sends probe number n for the address.
func (s *arpSocket) ask(ip netip.Addr, n uint32) error {
	p := make([]byte, arpLen)
	binary.BigEndian.PutUint16(p[0:], 1)      // Ethernet
	binary.BigEndian.PutUint16(p[2:], 0x0800) // IPv4
	p[4], p[5] = 6, 4
	binary.BigEndian.PutUint16(p[6:], arpRequest)
	p[8], p[9] = 0x02, s.id // sender: a locally administered address with the number
	binary.BigEndian.PutUint32(p[10:], n)
	copy(p[24:], ip.AsSlice())
	return unix.Sendto(s.fd, p, 0, &s.to)
}

// arpAnswer says that mac claimed the address in answer to a probe.
type arpAnswer struct {
	probe uint32
	mac   string
}

// answers collects the answers about the address until the deadline.
func (s *arpSocket) answers(ip netip.Addr, deadline time.Time, found func(arpAnswer)) {
	buf := make([]byte, 128)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return
		}
		wait := unix.NsecToTimespec(int64(left))
		fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
		if n, _ := unix.Ppoll(fds, &wait, nil); n == 0 {
			return
		}
		n, _, err := unix.Recvfrom(s.fd, buf, unix.MSG_DONTWAIT)
		if err != nil {
			continue
		}
		if a, ok := s.parse(buf[:n], ip); ok {
			found(a)
		}
	}
}

func (s *arpSocket) parse(p []byte, ip netip.Addr) (arpAnswer, bool) {
	if len(p) < arpLen || binary.BigEndian.Uint16(p[6:]) != arpReply || netip.AddrFrom4([4]byte(p[14:18])) != ip {
		return arpAnswer{}, false
	}
	if p[18] != 0x02 || p[19] != s.id {
		return arpAnswer{}, false
	}
	return arpAnswer{probe: binary.BigEndian.Uint32(p[20:]), mac: net.HardwareAddr(p[8:14]).String()}, true
}

func htons(v uint16) uint16 { return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)) }
