package sim

import (
	"net/netip"
	"slices"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// What lies between the hosts: the interfaces of each with the switch ports that they are
// plugged into, and the heartbeat links. Interfaces of one name are on one network. Every
// way has two directions, which work or fail apart.

// nic is one network interface of a host.
type nic struct {
	name      string
	carrier   bool
	in, out   bool // the switch passes frames to the host, and from it
	addresses []netip.Prefix
}

// passes tells whether frames come and go.
func (n *nic) passes() bool { return n.carrier && n.in && n.out }

// line is a host's end of one heartbeat link.
type line struct {
	on      *nic // the interface that carries it; nil: one of its own
	in, out bool
}

// plug gives a host the interfaces that its configuration names, and the ends of its
// heartbeat links.
func (h *host) plug() {
	for i := range h.cfg.Routers {
		r := &h.cfg.Routers[i]
		for _, name := range []string{r.Interface, r.AdvertsOn()} {
			n := h.interfaceOf(name)
			if a := h.senderOf(r); !slices.Contains(n.addresses, a) {
				n.addresses = append(n.addresses, a)
			}
		}
		for j := range r.Track {
			t := &r.Track[j]
			n := h.interfaceOf(t.Interface)
			if t.Address.IsValid() && !slices.ContainsFunc(n.addresses, func(p netip.Prefix) bool { return p.Addr() == t.Address }) {
				n.addresses = append(n.addresses, netip.PrefixFrom(t.Address, t.Address.BitLen()))
			}
		}
	}
	for i := range h.cfg.Probes {
		if c, ok := h.cfg.Probes[i].Check.(probes.Interface); ok {
			h.interfaceOf(c.Name)
		}
	}
	for _, l := range h.cfg.Heartbeat.Links {
		h.lines = append(h.lines, &line{on: h.carries(l.Local.Addr()), in: true, out: true})
	}
}

// interfaceOf returns an interface by name; what was not there is.
func (h *host) interfaceOf(name string) *nic {
	if n := h.nic(name); n != nil {
		return n
	}
	n := &nic{name: name, carrier: true, in: true, out: true}
	h.nics = append(h.nics, n)
	return n
}

// nic returns an interface by name; nil: there is none.
func (h *host) nic(name string) *nic {
	for _, n := range h.nics {
		if n.name == name {
			return n
		}
	}
	return nil
}

// senderOf is the address that a router sends from, as wide as its virtual one.
func (h *host) senderOf(r *supervisor.Router) netip.Prefix {
	switch {
	case r.IPv6() && !r.Unicast():
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfe, 0x80, 15: h.number + 1}), 64)
	case r.Source.IsValid() && len(r.Addresses) > 0:
		return netip.PrefixFrom(r.Source, r.Addresses[0].Prefix.Bits())
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, h.number + 1}), 24)
}

// carries is the interface on which an address of a heartbeat link lies; nil: on none that
// a router uses.
func (h *host) carries(a netip.Addr) *nic {
	for i := range h.cfg.Routers {
		r := &h.cfg.Routers[i]
		if r.Source == a || slices.ContainsFunc(r.Addresses, func(v supervisor.Address) bool { return v.Prefix.Masked().Contains(a) }) {
			return h.nic(r.Interface)
		}
	}
	return nil
}

// front is the interface on which a host has its gateway and the first virtual address.
func (h *host) front() *nic {
	if len(h.nics) == 0 {
		return &nic{}
	}
	return h.nics[0]
}

// reachable tells whether clients reach the addresses of a router on a host.
func (h *host) reachable(r *supervisor.Router) bool { return h.nic(r.Interface).passes() }

// frame tells whether a frame gets from one host to another now, on the network of an
// interface.
func (w *World) frame(from, to *host, on string) bool {
	return w.joined(from, to) && from.nic(on).sends() && to.nic(on).receives()
}

func (n *nic) sends() bool    { return n.carrier && n.out }
func (n *nic) receives() bool { return n.carrier && n.in }

// joined tells whether anything gets from one host to another.
func (w *World) joined(from, to *host) bool {
	return from != to && from.powered && to.powered && !from.frozen && !from.severed
}

// beats tells whether heartbeats get from one host to another on a link.
func (w *World) beats(from, to *host, link int) bool {
	a, b := from.lines[link], to.lines[link]
	return w.joined(from, to) && a.out && b.in && (a.on == nil || a.on.sends()) && (b.on == nil || b.on.receives())
}

// connected tells whether frames pass between two hosts, both ways and wherever there is a
// router.
func (w *World) connected(a, b *host) bool {
	for i := range a.cfg.Routers {
		on := a.cfg.Routers[i].AdvertsOn()
		if !w.frame(a, b, on) || !w.frame(b, a, on) {
			return false
		}
	}
	return true
}

// lost tells whether a packet from one host to the other is one of those that get lost.
func (w *World) lost(from, to *host) bool {
	return w.drops(from.lossOut) || to != nil && w.drops(to.lossIn)
}

// drops tells whether a packet is dropped, of a hundred so many.
func (w *World) drops(percent int) bool {
	return percent > 0 && w.luck.IntN(100) < percent
}

// asks tells whether a host's question to the gateway is answered.
func (h *host) asks() bool {
	w := h.world
	return h.gateway && !h.frozen && h.front().passes() && !w.drops(h.lossOut) && !w.drops(h.lossIn)
}

// fails tells whether a story has a probe fail.
func (h *host) fails(p probes.Config) bool { return h.failing[p.Name] }
