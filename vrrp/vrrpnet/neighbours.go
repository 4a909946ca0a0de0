package vrrpnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Neighbours hears and says on one interface who has which address: ARP for IPv4, NDP
// for IPv6. A frame that this host sends is not heard.
type Neighbours interface {
	// FD is for poll: readable means that Receive may have something.
	FD() int
	// Watch changes which addresses are heard of.
	Watch(addrs []netip.Addr) error
	// Receive reads the next claim or probe; false: there is none.
	Receive() (Heard, bool, error)
	// Announce tells everybody that addr is at mac.
	Announce(addr netip.Addr, mac net.HardwareAddr) error
	// Probe asks who has addr without claiming it.
	Probe(addr netip.Addr) error
	// Close gives the descriptor back.
	Close() error
}

var (
	_ Neighbours = (*ARP)(nil)
	_ Neighbours = (*NDP)(nil)
)

// Heard is somebody's claim to an address, or, if Probe, somebody's question
// whether it is free.
type Heard struct {
	Address netip.Addr
	MAC     net.HardwareAddr // which has it, or asks
	Probe   bool
}

// ear is the packet socket of ARP and NDP.
type ear struct {
	link      Link
	protocol  string // for messages
	etherType uint16
	read      func([]byte) (Heard, bool)

	fd      int
	watched map[netip.Addr]bool
	buffer  [2048]byte
}

// sendBuffer holds the announcements of 250 addresses, five times over, for a slow
// interface.
const sendBuffer = 1 << 20

// open makes a socket that hears nothing until listen says what.
func (e *ear) open() error {
	if len(e.link.MAC) != 6 {
		return fmt.Errorf("%s: not an Ethernet interface (hardware address %q): a virtual IP cannot be announced there", e.link.Name, e.link.MAC)
	}
	var err error
	if e.fd, err = openPacket(e.link, e.protocol); err != nil {
		return err
	}
	if err := e.listen(nil, []bpf.Instruction{drop}); err != nil {
		return errors.Join(err, e.Close())
	}
	if err := unix.Bind(e.fd, e.address()); err != nil {
		return errors.Join(fmt.Errorf("%s: binding the %s socket to interface %d: %w", e.link.Name, e.protocol, e.link.Index, err), e.Close())
	}
	return nil
}

// openPacket makes a packet socket that receives nothing until it is bound.
func openPacket(link Link, protocol string) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("%s: packet socket for %s: %w", link.Name, protocol, explain(err, capNetRaw))
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) != nil { // needs CAP_NET_ADMIN
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer) // as much as net.core.wmem_max allows
	}
	return fd, nil
}

func (e *ear) address() *unix.SockaddrLinklayer {
	return &unix.SockaddrLinklayer{Protocol: networkOrder(e.etherType), Ifindex: e.link.Index}
}

// listen changes what is heard; addrs are without zones.
func (e *ear) listen(addrs []netip.Addr, filter []bpf.Instruction) error {
	e.watched = make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		e.watched[a] = true
	}
	if err := attach(e.fd, filter); err != nil {
		return fmt.Errorf("%s: filter of the %s socket: %w", e.link.Name, e.protocol, err)
	}
	return nil
}

// FD is for poll: readable means that Receive may have something.
func (e *ear) FD() int { return e.fd }

// Receive reads the next claim or probe; false: there is none.
func (e *ear) Receive() (Heard, bool, error) {
	for {
		n, _, err := unix.Recvfrom(e.fd, e.buffer[:], unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return Heard{}, false, nil
		case passes(err):
			continue
		case err != nil:
			return Heard{}, false, fmt.Errorf("%s: receiving %s: %w", e.link.Name, e.protocol, err)
		}
		if h, ok := e.read(e.buffer[:n]); ok && e.watched[h.Address] && !e.own(h.MAC) {
			return h, true, nil
		}
	}
}

// own tells the interface's own MAC. A packet socket that is bound to a protocol never
// gets what its host sends, but some switches and hypervisors send broadcasts back. A
// virtual MAC (RFC 9568 7.3) is as much the peer's as ours, so that it is always heard.
func (e *ear) own(mac net.HardwareAddr) bool {
	return string(mac) == string(e.link.MAC) && !isVirtual(mac)
}

// isVirtual tells a virtual router's MAC: 00-00-5E-00-01-VRID, for IPv6 -02-.
func isVirtual(mac net.HardwareAddr) bool {
	return len(mac) == 6 && mac[0] == 0 && mac[1] == 0 && mac[2] == 0x5e && mac[3] == 0 && (mac[4] == 1 || mac[4] == 2)
}

// send sends a frame about an address; doing is for messages.
func (e *ear) send(frame []byte, doing string, addr netip.Addr) error {
	for {
		err := unix.Sendto(e.fd, frame, unix.MSG_DONTWAIT, e.address())
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) {
			return fmt.Errorf("%s: %s %s by %s: %w: the interface's queue is full, the frame is lost; send it again later", e.link.Name, doing, addr, e.protocol, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %s %s by %s: %w", e.link.Name, doing, addr, e.protocol, err)
		}
		return nil
	}
}

// Close gives the descriptor back.
func (e *ear) Close() error { return unix.Close(e.fd) }
