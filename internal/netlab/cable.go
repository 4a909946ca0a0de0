package netlab

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
)

// Cable connects an interface of a host with the switch.
type Cable struct {
	Name  string // of the host's interface
	Index int
	MAC   net.HardwareAddr

	host *Host
	lab  *Lab // whose switch it leads to
	port string
}

func makeBridge() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridge
	snooping := false
	b := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
	if err := netlink.LinkAdd(b); err != nil {
		return err
	}
	return netlink.LinkSetUp(b)
}

// Plug connects the host with the switch and waits until frames pass. The hardware
// addresses of a lab are 02:00:00:00:00:01 and so on, in the order of plugging.
func (h *Host) Plug(name string, addresses ...string) *Cable {
	h.lab.t.Helper()
	return h.PlugInto(h.lab, name, addresses...)
}

// PlugInto is Plug into the switch of another lab: the host is in both networks.
func (h *Host) PlugInto(l *Lab, name string, addresses ...string) *Cable {
	h.lab.t.Helper()
	l.cables++
	c := &Cable{Name: name, MAC: mac(l.cables), host: h, lab: l, port: port(l.cables)}
	l.backing.must(c.lay)
	h.must(func() error { return c.configure(addresses) })
	h.cables[name] = c
	c.Settle()
	return c
}

// Cable is the cable plugged in under a name.
func (h *Host) Cable(name string) *Cable {
	h.lab.t.Helper()
	c := h.cables[name]
	if c == nil {
		h.lab.t.Fatalf("host %s: no cable at %s", h.Name, name)
	}
	return c
}

// lay runs inside the switch.
func (c *Cable) lay() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = c.port
	veth := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         c.Name,
		PeerHardwareAddr: c.MAC,
		PeerNamespace:    netlink.NsFd(c.host.fd),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return err
	}
	if err := c.attach(); err != nil {
		return err
	}
	return netlink.LinkSetUp(veth)
}

// configure runs inside the host.
func (c *Cable) configure(addresses []string) error {
	link, err := netlink.LinkByName(c.Name)
	if err != nil {
		return err
	}
	c.Index = link.Attrs().Index
	for _, a := range addresses {
		address, err := netlink.ParseAddr(a)
		if err != nil {
			return fmt.Errorf("address %q: %w", a, err)
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	return netlink.LinkSetUp(link)
}

// Cut takes the carrier away.
func (c *Cable) Cut() {
	c.host.lab.t.Helper()
	c.lab.backing.must(func() error { return c.onPort(netlink.LinkSetDown) })
}

// Join gives the carrier back and waits until frames pass.
func (c *Cable) Join() {
	c.host.lab.t.Helper()
	c.lab.backing.must(func() error { return c.onPort(netlink.LinkSetUp) })
	c.Settle()
}

// Detach takes the port out of the switch: nothing passes, but the carrier stays.
func (c *Cable) Detach() {
	c.host.lab.t.Helper()
	c.lab.backing.must(func() error { return c.onPort(netlink.LinkSetNoMaster) })
}

// Attach puts the port back and waits until frames pass.
func (c *Cable) Attach() {
	c.host.lab.t.Helper()
	c.lab.backing.must(c.attach)
	c.Settle()
}

func (c *Cable) attach() error {
	master, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	return c.onPort(func(port netlink.Link) error { return netlink.LinkSetMaster(port, master) })
}

func (c *Cable) onPort(f func(netlink.Link) error) error {
	link, err := netlink.LinkByName(c.port)
	if err != nil {
		return err
	}
	return f(link)
}

// Isolate has the switch pass nothing between this port and others that are isolated, as a
// private VLAN does; what is not isolated is reached.
func (c *Cable) Isolate(on bool) {
	c.host.lab.t.Helper()
	c.host.lab.backing.must(func() error {
		return c.onPort(func(port netlink.Link) error { return netlink.LinkSetIsolated(port, on) })
	})
}
