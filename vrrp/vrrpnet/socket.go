package vrrpnet

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Socket carries the adverts of one interface over one transport, to and from the
// multicast group and by unicast.
type Socket struct {
	link Link
	over Transport
	fd   int

	in, out message
	control control
	packet  []byte // the last one sent
}

// Open makes a socket for the adverts of the given virtual routers on one interface.
func Open(link Link, over Transport, vrids []uint8) (*Socket, error) {
	fd, err := unix.Socket(over.family(), unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, over.protocol())
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, fmt.Errorf("%s: raw socket for %s: %w: this kernel runs without IPv6; boot it without ipv6.disable=1", link.Name, over, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: raw socket for %s: %w", link.Name, over, explain(err, capNetRaw))
	}
	s := &Socket{link: link, over: over, fd: fd, control: newControl(over, link.Index), packet: make([]byte, 0, packetSize)}
	s.in.control = make([]byte, receivedControl)
	if err := s.prepare(vrids); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare binds, filters and joins. What arrived before the filter stood is thrown
// away before the group is joined.
func (s *Socket) prepare(vrids []uint8) error {
	if err := unix.BindToDevice(s.fd, s.link.Name); err != nil {
		return fmt.Errorf("%s: binding the socket for %s to the interface: %w", s.link.Name, s.over, explain(err, capNetRaw))
	}
	if err := s.Filter(vrids); err != nil {
		return err
	}
	for _, o := range s.over.options(s.link.Index) {
		if err := o.set(s.fd); err != nil {
			return fmt.Errorf("%s: %s of the socket for %s: %w", s.link.Name, o.name, s.over, err)
		}
	}
	if err := s.drain(); err != nil {
		return err
	}
	if err := s.over.join(s.fd, s.link.Index); err != nil {
		return fmt.Errorf("%s: joining %s on interface %d: %w", s.link.Name, s.over.group(), s.link.Index, err)
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

// Filter changes which virtual routers' adverts arrive; a packet of CARP arrives if its
// VHID is one of them. The rest is dropped by the kernel without waking anybody.
func (s *Socket) Filter(vrids []uint8) error {
	if err := attach(s.fd, advertFilter(s.over, vrids)); err != nil {
		return fmt.Errorf("%s: filter of the socket for %s: %w", s.link.Name, s.over, err)
	}
	return nil
}

// Receive reads the next packet into p, reusing its memory; false: there is none. It
// allocates nothing once p has been used.
func (s *Socket) Receive(p *Packet) (bool, error) {
	if p.buffer == nil {
		p.buffer = make([]byte, packetSize)
	}
	for {
		n, err := s.in.receive(s.fd, p.buffer)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return false, nil
		case passes(err):
			continue
		case err != nil:
			return false, fmt.Errorf("%s: receiving adverts: %w", s.link.Name, err)
		}
		if p.take(s.over, p.buffer[:n], &s.in) {
			return true, nil
		}
	}
}

// Send sends one advert from env.Source, an address of this host, to env.Destination,
// the group or a peer, with env.TTL or 255. It allocates nothing.
//
// Over6 wants a link-local source for the group, and no tentative one. OverAH sends
// env.ID, which may not be 0, as the identification, since the ICV covers it; whether
// env.Source is an address of this host the kernel does not look there.
func (s *Socket) Send(msg []byte, env vrrp.Envelope) error {
	if err := s.over.carries(env); err != nil {
		return fmt.Errorf("%s: advert from %s to %s: %w", s.link.Name, env.Source, env.Destination, err)
	}
	if env.TTL == 0 {
		env.TTL = advertTTL
	}
	s.packet = s.packet[:0]
	if s.over == OverAH {
		s.packet = appendIPv4(s.packet, env, unix.IPPROTO_AH, len(msg))
	}
	s.packet = append(s.packet, msg...)
	s.out.to(env.Destination, s.link.Index)
	s.out.control = s.control.of(env)
	for {
		err := s.out.send(s.fd, s.packet)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: advert from %s to %s: %w", s.link.Name, env.Source, env.Destination, s.hint(err, env.Source))
		}
		return nil
	}
}

// hint says what the kernel means when it refuses an advert.
func (s *Socket) hint(err error, src netip.Addr) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: a firewall rule on this host rejects it; allow protocol %d out", err, s.over.protocol())
	case errors.Is(err, unix.EMSGSIZE):
		return fmt.Errorf("%w: more addresses than the interface's MTU holds; spread them over several virtual routers", err)
	case s.over == Over6 && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EADDRNOTAVAIL)):
		return fmt.Errorf("%w: %s is not an address of this interface or tentative still (ip -6 addr show dev %s), or the interface is down, without IPv6 or without a route there", err, src, s.link.Name)
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
