//go:build linux

package interop

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// question asks everybody who holds an address: ARP (RFC 826), or neighbour discovery
// (RFC 4861 4.3).
func question(from [6]byte, asker, address netip.Addr) []byte {
	if address.Is4() {
		return arpRequest(from, asker, address)
	}
	return solicitation(from, asker, address)
}

func arpRequest(from [6]byte, sender, target netip.Addr) []byte {
	f := ethernet([6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, from, unix.ETH_P_ARP)
	f = append(f, 0, 1, 0x08, 0, 6, 4, 0, 1)
	f = append(f, from[:]...)
	f = append(f, sender.AsSlice()...)
	f = append(f, 0, 0, 0, 0, 0, 0)
	return append(f, target.AsSlice()...)
}

func solicitation(from [6]byte, sender, target netip.Addr) []byte {
	t := target.As16()
	group := netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: t[13], 14: t[14], 15: t[15]})
	icmp := append([]byte{neighbourSolicitation, 0, 0, 0, 0, 0, 0, 0}, t[:]...)
	icmp = append(icmp, 1, 1) // the source's link-layer address
	icmp = append(icmp, from[:]...)
	setChecksum(icmp, 2, pseudoHeader(sender, group, unix.IPPROTO_ICMPV6, len(icmp)))
	f := ethernet([6]byte{0x33, 0x33, 0xff, t[13], t[14], t[15]}, from, unix.ETH_P_IPV6)
	return append(append(f, ipv6Header(sender, group, unix.IPPROTO_ICMPV6, len(icmp))...), icmp...)
}

func ethernet(to, from [6]byte, kind uint16) []byte {
	f := append(to[:], from[:]...)
	return append(f, byte(kind>>8), byte(kind))
}

func ipv6Header(source, destination netip.Addr, protocol byte, payload int) []byte {
	h := []byte{0x60, 0, 0, 0, byte(payload >> 8), byte(payload), protocol, 255}
	return append(append(h, source.AsSlice()...), destination.AsSlice()...)
}

// Wire sends Ethernet frames from a host as they are.
type Wire struct {
	MAC [6]byte
	fd  int
}

// OpenWire opens a host's eth0 until the test ends.
func OpenWire(t testing.TB, host *netlab.Host) *Wire {
	t.Helper()
	w := &Wire{MAC: [6]byte(host.Cable("eth0").MAC)}
	w.fd = openPacketSocket(t, host, 0)
	t.Cleanup(func() { _ = unix.Close(w.fd) })
	return w
}

// openPacketSocket opens packet(7) on a host's eth0 for the frames of a type; 0: none.
func openPacketSocket(t testing.TB, host *netlab.Host, kind uint16) int {
	t.Helper()
	var fd int
	host.Do(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: kind>>8 | kind<<8, Ifindex: host.Cable("eth0").Index}); err != nil {
			t.Fatal(err)
		}
	})
	return fd
}

// Send sends one frame; one that is lost is not missed.
func (w *Wire) Send(frame []byte) { _, _ = unix.Write(w.fd, frame) }
