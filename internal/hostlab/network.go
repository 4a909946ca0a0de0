//go:build linux

package hostlab

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Gateway is the lab's own address in the hosts' network: their default gateway and
// where the client asks from.
const Gateway = "10.77.0.254"

// censusPort is the lab's second plug in the switch, for ARP questions that do not
// touch the client's own neighbour table.
const censusPort = "census"

// bridges[i] joins the hosts' eth<i>, whose network is prefixes[i].
var (
	bridges  = []string{"br0", "br1"}
	prefixes = []string{"10.77.0.", "10.78.0."}
)

// addrOf is the address of the n-th host on NIC i.
func addrOf(nic, n int) string { return fmt.Sprintf("%s%d", prefixes[nic], n) }

// macOf is its MAC, which tells a host by sight in a capture.
func macOf(nic, n int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x10, 0x77 + byte(nic), 0, 0, byte(n)}
}

// portOf is the switch's end of the host's cable.
func portOf(host string, nic int) string { return fmt.Sprintf("%s.%d", host, nic) }

// buildSwitches makes the two bridges with the lab's own address in each.
func buildSwitches() error {
	off := false
	for i, name := range bridges {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		attrs.HardwareAddr = macOf(i, 254)
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &off}); err != nil {
			return fmt.Errorf("bridge %s: %w", name, err)
		}
		if err := setAddr(&netlink.Handle{}, name, addrOf(i, 254)); err != nil {
			return err
		}
	}
	if err := setAddr(&netlink.Handle{}, bridges[0], Referee); err != nil {
		return err
	}
	return addCensusPort()
}

// addCensusPort adds a cable that ends in the lab without address or ARP.
func addCensusPort() error {
	br, err := netlink.LinkByName(bridges[0])
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = "census.br", br.Attrs().Index
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: censusPort}); err != nil {
		return fmt.Errorf("census port: %w", err)
	}
	link, err := netlink.LinkByName(censusPort)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetARPOff(link); err != nil {
		return err
	}
	for _, name := range []string{"census.br", censusPort} {
		if err := linkUp(name); err != nil {
			return err
		}
	}
	return nil
}

// removeSwitches takes the bridges and their ports away.
func removeSwitches() {
	for _, name := range append([]string{censusPort}, bridges...) {
		if link, err := netlink.LinkByName(name); err == nil {
			netlink.LinkDel(link)
		}
	}
}

// plugIn connects a host that is waiting to boot: its cables, addresses and route.
func plugIn(host string, n, pid int) error {
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return err
	}
	defer ns.Close()
	inside, err := netlink.NewHandleAt(ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	if err := handleUp(inside, "lo"); err != nil {
		return err
	}
	for nic := range bridges {
		if err := plugCable(host, nic, n, pid); err != nil {
			return err
		}
		if err := setAddr(inside, fmt.Sprintf("eth%d", nic), addrOf(nic, n)); err != nil {
			return err
		}
	}
	return inside.RouteAdd(&netlink.Route{Gw: net.ParseIP(Gateway)})
}

// plugCable lays a veth pair between the switch and the host.
func plugCable(host string, nic, n, pid int) error {
	br, err := netlink.LinkByName(bridges[nic])
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = portOf(host, nic), br.Attrs().Index
	cable := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         fmt.Sprintf("eth%d", nic),
		PeerNamespace:    netlink.NsPid(pid),
		PeerHardwareAddr: macOf(nic, n),
	}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("cable %s: %w", attrs.Name, err)
	}
	return linkUp(attrs.Name)
}

// unplug removes the host's cables.
func unplug(host string) {
	for nic := range bridges {
		if link, err := netlink.LinkByName(portOf(host, nic)); err == nil {
			netlink.LinkDel(link)
		}
	}
}

// setAddr gives the link a /24 address and brings it up.
func setAddr(h *netlink.Handle, link, addr string) error {
	l, err := h.LinkByName(link)
	if err != nil {
		return fmt.Errorf("link %s: %w", link, err)
	}
	a, err := netlink.ParseAddr(addr + "/24")
	if err != nil {
		return err
	}
	if err := h.AddrAdd(l, a); err != nil {
		return fmt.Errorf("address %s on %s: %w", addr, link, err)
	}
	return h.LinkSetUp(l)
}

func linkUp(name string) error { return handleUp(&netlink.Handle{}, name) }

func handleUp(h *netlink.Handle, name string) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return h.LinkSetUp(l)
}

// setCables plugs (up) or unplugs the switch's end of the host's NICs.
func setCables(host string, nics []string, up bool) error {
	for nic := range bridges {
		if !wanted(nics, fmt.Sprintf("eth%d", nic)) {
			continue
		}
		link, err := netlink.LinkByName(portOf(host, nic))
		if err != nil {
			return fmt.Errorf("cable %s: %w", portOf(host, nic), err)
		}
		set := netlink.LinkSetDown
		if up {
			set = netlink.LinkSetUp
		}
		if err := set(link); err != nil {
			return os.NewSyscallError("cable "+portOf(host, nic), err)
		}
	}
	return nil
}

// wanted: an empty list means every NIC.
func wanted(nics []string, nic string) bool {
	for _, n := range nics {
		if n == nic {
			return true
		}
	}
	return len(nics) == 0
}
