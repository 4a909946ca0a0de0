package vrrpnet

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Socket carries the adverts of one interface: IPv4, protocol 112 (RFC 9568 5.1.1).
type Socket struct {
	link    Link
	fd      int
	control []byte
}

const (
	advertTTL      = 255     // RFC 9568 5.1.1.3
	advertTOS      = 0xc0    // CS6, network control
	advertPriority = 6       // the first band of a default queue; more needs CAP_NET_ADMIN
	receiveBuffer  = 1 << 18 // some 300 adverts while the thread is away
)

// Open makes a socket for the adverts of the given virtual routers on one interface.
func Open(link Link, vrids []uint8) (*Socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, vrrp.Protocol)
	if err != nil {
		return nil, fmt.Errorf("%s: raw socket for VRRP: %w", link.Name, explain(err, capNetRaw))
	}
	s := &Socket{link: link, fd: fd, control: make([]byte, unix.CmsgSpace(16)+64)}
	if err := s.prepare(vrids); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare binds, filters and joins. What arrived before the filter stood is thrown
// away before the group is joined.
func (s *Socket) prepare(vrids []uint8) error {
	if err := unix.BindToDevice(s.fd, s.link.Name); err != nil {
		return fmt.Errorf("%s: binding the VRRP socket to the interface: %w", s.link.Name, explain(err, capNetRaw))
	}
	if err := s.Filter(vrids); err != nil {
		return err
	}
	for _, o := range []struct {
		name               string
		level, option, val int
	}{
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer},
		{"SO_TIMESTAMPNS", unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
		{"IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, advertTTL},
		{"IP_MULTICAST_TTL", unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, advertTTL},
		{"IP_MULTICAST_LOOP", unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0},
		{"IP_MULTICAST_ALL", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0}, // only the group joined here
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, advertTOS},
		{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, advertPriority}, // IP_TOS sets it too
	} {
		if err := unix.SetsockoptInt(s.fd, o.level, o.option, o.val); err != nil {
			return fmt.Errorf("%s: %s of the VRRP socket: %w", s.link.Name, o.name, err)
		}
	}
	if err := s.drain(); err != nil {
		return err
	}
	group := &unix.IPMreqn{Multiaddr: vrrp.Group4.As4(), Ifindex: int32(s.link.Index)}
	if err := unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, group); err != nil {
		return fmt.Errorf("%s: sending multicast on interface %d: %w", s.link.Name, s.link.Index, err)
	}
	if err := unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, group); err != nil {
		return fmt.Errorf("%s: joining %s on interface %d: %w", s.link.Name, vrrp.Group4, s.link.Index, err)
	}
	return nil
}

func (s *Socket) drain() error {
	for p := (Packet{}); ; {
		more, err := s.Receive(&p)
		if err != nil || !more {
			return err
		}
	}
}

// FD is for poll: readable means that Receive has something.
func (s *Socket) FD() int { return s.fd }

// Filter changes which virtual routers' adverts arrive. The rest is dropped by the
// kernel without waking anybody.
func (s *Socket) Filter(vrids []uint8) error {
	if err := attach(s.fd, advertFilter(vrids)); err != nil {
		return fmt.Errorf("%s: filter of the VRRP socket: %w", s.link.Name, err)
	}
	return nil
}

// Receive reads the next packet into p, reusing its memory; false: there is none.
func (s *Socket) Receive(p *Packet) (bool, error) {
	if p.buffer == nil {
		p.buffer = make([]byte, packetSize)
	}
	for {
		n, controls, _, _, err := unix.Recvmsg(s.fd, p.buffer, s.control, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return false, nil
		case passes(err):
			continue
		case err != nil:
			return false, fmt.Errorf("%s: receiving adverts: %w", s.link.Name, err)
		}
		if p.take(p.buffer[:n], s.control[:controls]) {
			return true, nil
		}
	}
}

// Send sends one advert from src, an address of this host, to the group or a peer.
func (s *Socket) Send(msg []byte, src, dst netip.Addr) error {
	if !src.Is4() || !dst.Is4() {
		return fmt.Errorf("%s: advert from %s to %s: both have to be IPv4 addresses", s.link.Name, src, dst)
	}
	control := unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(s.link.Index), Spec_dst: src.As4()})
	for {
		_, err := unix.SendmsgN(s.fd, msg, control, &unix.SockaddrInet4{Addr: dst.As4()}, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: advert from %s to %s: %w", s.link.Name, src, dst, hint(err, src))
		}
		return nil
	}
}

// hint says what the kernel means when it refuses an advert.
func hint(err error, src netip.Addr) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: a firewall rule on this host rejects it; allow protocol %d out", err, vrrp.Protocol)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENETUNREACH): // kernels differ
		return fmt.Errorf("%w: %s is not an address of this host, or the interface is down or has no route there", err, src)
	}
	return err
}

// Close leaves the group and gives the descriptor back.
func (s *Socket) Close() error { return unix.Close(s.fd) }

// passes tells errors that say nothing about the next packet: the interface went
// down (the watch tells that), or a signal came.
func passes(err error) bool { return errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) }
