package vrrpnet

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// NDP hears and sends IPv6 neighbour discovery on one Ethernet interface. A probe of
// somebody else is heard only while this host listens to the group of the address
// (RFC 4291 2.7.1), as it does when it has the address; claims always are.
type NDP struct{ ear }

// OpenNDP makes a socket that hears nothing until Watch says what.
func OpenNDP(link Link) (*NDP, error) {
	n := &NDP{ear{link: link, protocol: "NDP", etherType: unix.ETH_P_IPV6, read: heardNDP}}
	if err := n.open(); err != nil {
		return nil, err
	}
	return n, nil
}

// Watch changes which addresses are heard of.
func (n *NDP) Watch(addrs []netip.Addr) error {
	watched := make([]netip.Addr, len(addrs))
	for i, addr := range addrs {
		if !isIPv6(addr) {
			return fmt.Errorf("%s: %s is not an IPv6 address: NDP does not know it", n.link.Name, addr)
		}
		watched[i] = addr.WithZone("")
	}
	return n.listen(watched, ndpFilter(watched))
}

// Announce tells everybody that addr is at mac: an unsolicited neighbour advertisement
// (RFC 4861 7.2.6, RFC 9568 6.4.1).
func (n *NDP) Announce(addr netip.Addr, mac net.HardwareAddr) error {
	if err := n.check("announcing", addr, mac); err != nil {
		return err
	}
	return n.send(advertisement(addr, mac), "announcing", addr)
}

// Probe asks who has addr without claiming it: the solicitation of duplicate address
// detection (RFC 4862 5.4.2). A holder answers to all; one that is in the middle of
// such a detection itself gives the address up.
func (n *NDP) Probe(addr netip.Addr) error {
	if err := n.check("probing", addr, n.link.MAC); err != nil {
		return err
	}
	return n.send(solicitation(addr, n.link.MAC), "probing", addr)
}

func (n *NDP) check(doing string, addr netip.Addr, mac net.HardwareAddr) error {
	if !isIPv6(addr) || addr.IsMulticast() || addr.IsUnspecified() || len(mac) != 6 {
		return fmt.Errorf("%s: %s %s from %q: NDP needs the IPv6 address of one host and an Ethernet address", n.link.Name, doing, addr, mac)
	}
	return nil
}
