package vrrpnet

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ARP hears and sends ARP on one Ethernet interface.
type ARP struct{ ear }

// OpenARP makes a socket that hears nothing until Watch says what.
func OpenARP(link Link) (*ARP, error) {
	a := &ARP{ear{link: link, protocol: "ARP", etherType: unix.ETH_P_ARP, read: heardARP}}
	if err := a.open(); err != nil {
		return nil, err
	}
	return a, nil
}

// Watch changes which addresses are heard of.
func (a *ARP) Watch(addrs []netip.Addr) error {
	for _, addr := range addrs {
		if !addr.Is4() {
			return fmt.Errorf("%s: %s is not an IPv4 address: ARP does not know it", a.link.Name, addr)
		}
	}
	return a.listen(addrs, arpFilter(addrs))
}

// Announce tells everybody that addr is at mac: a gratuitous ARP request
// (RFC 5227 2.3).
func (a *ARP) Announce(addr netip.Addr, mac net.HardwareAddr) error {
	return a.tell("announcing", arpFrame{operation: arpRequest, senderMAC: mac, sender: addr, target: addr})
}

// AnnounceReply is Announce by a gratuitous ARP reply (RFC 5944 4.6), for those that
// do not learn from requests.
func (a *ARP) AnnounceReply(addr netip.Addr, mac net.HardwareAddr) error {
	return a.tell("announcing", arpFrame{operation: arpReply, senderMAC: mac, sender: addr, targetMAC: mac, target: addr})
}

// Probe asks who has addr without claiming it (RFC 5227 2.1.1).
func (a *ARP) Probe(addr netip.Addr) error {
	return a.tell("probing", arpFrame{operation: arpRequest, senderMAC: a.link.MAC, sender: netip.IPv4Unspecified(), target: addr})
}

func (a *ARP) tell(doing string, f arpFrame) error {
	if !f.target.Is4() || len(f.senderMAC) != 6 {
		return fmt.Errorf("%s: %s %s from %q: ARP needs an IPv4 address and an Ethernet address", a.link.Name, doing, f.target, f.senderMAC)
	}
	return a.send(f.bytes(), doing, f.target)
}
