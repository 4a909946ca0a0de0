package vrrpnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ARP hears and sends ARP on one Ethernet interface.
type ARP struct {
	link   Link
	fd     int
	buffer [128]byte
}

// Heard is somebody's claim to an address, or, if Probe, somebody's question
// whether it is free.
type Heard struct {
	Address netip.Addr
	MAC     net.HardwareAddr
	Probe   bool
}

// OpenARP makes a socket that hears nothing until Watch says what.
func OpenARP(link Link) (*ARP, error) {
	if len(link.MAC) != 6 {
		return nil, fmt.Errorf("%s: not an Ethernet interface (hardware address %q): a virtual IP cannot be announced there", link.Name, link.MAC)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: packet socket for ARP: %w", link.Name, explain(err, capNetRaw))
	}
	a := &ARP{link: link, fd: fd}
	if err := a.Watch(nil); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ARP), Ifindex: link.Index}); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: binding the ARP socket to interface %d: %w", link.Name, link.Index, err), a.Close())
	}
	return a, nil
}

// FD is for poll: readable means that Receive has something.
func (a *ARP) FD() int { return a.fd }

// Watch changes which addresses are heard of. Our own MAC is never heard.
func (a *ARP) Watch(addrs []netip.Addr) error {
	for _, addr := range addrs {
		if !addr.Is4() {
			return fmt.Errorf("%s: %s is not an IPv4 address: ARP does not know it", a.link.Name, addr)
		}
	}
	if err := attach(a.fd, arpFilter(a.link.MAC, addrs)); err != nil {
		return fmt.Errorf("%s: filter of the ARP socket: %w", a.link.Name, err)
	}
	return nil
}

// Receive reads the next claim or probe; false: there is none.
func (a *ARP) Receive() (Heard, bool, error) {
	for {
		n, _, err := unix.Recvfrom(a.fd, a.buffer[:], unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return Heard{}, false, nil
		case passes(err):
			continue
		case err != nil:
			return Heard{}, false, fmt.Errorf("%s: receiving ARP: %w", a.link.Name, err)
		}
		if h, ok := heard(a.buffer[:n]); ok {
			return h, true, nil
		}
	}
}

// Announce tells everybody that addr is at mac: a gratuitous ARP request
// (RFC 5227 2.3).
func (a *ARP) Announce(addr netip.Addr, mac net.HardwareAddr) error {
	return a.send("announcing", arpFrame{operation: arpRequest, senderMAC: mac, sender: addr, target: addr})
}

// Probe asks who has addr without claiming it (RFC 5227 2.1.1).
func (a *ARP) Probe(addr netip.Addr) error {
	return a.send("probing", arpFrame{operation: arpRequest, senderMAC: a.link.MAC, sender: netip.IPv4Unspecified(), target: addr})
}

func (a *ARP) send(doing string, f arpFrame) error {
	if !f.target.Is4() || len(f.senderMAC) != 6 {
		return fmt.Errorf("%s: %s %s from %q: ARP needs an IPv4 address and an Ethernet address", a.link.Name, doing, f.target, f.senderMAC)
	}
	to := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ARP), Ifindex: a.link.Index}
	for {
		err := unix.Sendto(a.fd, f.bytes(), unix.MSG_DONTWAIT, to)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %s %s by ARP: %w", a.link.Name, doing, f.target, err)
		}
		return nil
	}
}

// Close gives the descriptor back.
func (a *ARP) Close() error { return unix.Close(a.fd) }
