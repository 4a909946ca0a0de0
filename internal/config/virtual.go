package config

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// addressesOften is how many addresses a virtual router may have before it looks odd;
// addressesMost is what the count in an advert can say, addressesMost6 what one of IPv6
// holds in 1500 bytes beside a signature.
const (
	addressesOften = 20
	addressesMost  = 255
	addressesMost6 = (1500 - 40 - 8 - 28) / 16
)

func (d *Document) readAddresses(f fields, r *router, seen *taken) {
	v, ok := f.need("addresses", "[10.0.0.3/24]")
	if !ok {
		return
	}
	items, ok := v.list("a list such as [10.0.0.3/24]")
	if !ok {
		return
	}
	for _, item := range items {
		if a, ok := readAddress(item, r.shared.Interface); ok {
			d.addAddress(item, a, r, seen)
		}
	}
	v.checkCount(len(items), r.v6())
	if r.v6() {
		checkIPv6(f, r)
	}
	d.checkOwner(f, r)
}

// addAddress gives a router one more address, if it fits with the others.
func (d *Document) addAddress(v value, a supervisor.Address, r *router, seen *taken) {
	host := a.Prefix.Addr()
	if r.has() && host.Is6() != r.v6() {
		v.errorf("%s is %s, the others here are %s: use two routers and give both the same group", host, family(host), family(r.shared.VRRP.Addresses[0]))
		return
	}
	key := host
	if host.IsLinkLocalUnicast() && host.Is6() { // on another interface it is another address
		key = host.WithZone(r.shared.Interface)
	}
	if first, twice := seen.addresses[key]; twice {
		v.errorf("%s is given already as %s", host, first.place())
		return
	}
	seen.addresses[key] = v
	r.shared.Addresses = append(r.shared.Addresses, a)
	r.shared.VRRP.Addresses = append(r.shared.VRRP.Addresses, host)
	d.checkNeighbours(v, a.Prefix, r)
}

func (v value) checkCount(n int, v6 bool) {
	switch {
	case n == 0:
		v.errorf("is empty: write a list such as [10.0.0.3/24]")
	case n > addressesMost:
		v.errorf("has %d addresses, an advert has room for %d: use another vrid for the rest", n, addressesMost)
	case v6 && n > addressesMost6:
		v.errorf("has %d addresses, an advert of 1500 bytes has room for %d of IPv6: use another vrid for the rest", n, addressesMost6)
	case n > addressesOften:
		v.warnf("has %d addresses: with more than %d, some implementations refuse the adverts", n, addressesOften)
	}
}

// checkIPv6 is what only IPv6 asks for: version 3, and a link-local address as the first
// (RFC 9568 5.2.9). Any order of the file gives the same adverts on both nodes.
func checkIPv6(f fields, r *router) {
	if r.shared.VRRP.Version == vrrp.V2 {
		f.keys["version"].errorf("2 knows IPv4 only: remove it, IPv6 needs version 3 (RFC 9568)")
	}
	local := func(a netip.Addr) int {
		if a.IsLinkLocalUnicast() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(r.shared.VRRP.Addresses, func(a, b netip.Addr) int { return local(a) - local(b) })
	slices.SortStableFunc(r.shared.Addresses, func(a, b supervisor.Address) int {
		return local(a.Prefix.Addr()) - local(b.Prefix.Addr())
	})
	if !r.shared.VRRP.Addresses[0].IsLinkLocalUnicast() {
		f.keys["addresses"].warnf("has no link-local address, which adverts of IPv6 should begin with (RFC 9568 5.2.9): some implementations refuse them without: add one such as fe80::%d/64", max(1, r.shared.VRRP.VRID))
	}
}

// checkNeighbours compares a virtual address with those of the nodes.
func (d *Document) checkNeighbours(v value, p netip.Prefix, r *router) {
	var in, out []string
	for _, n := range d.nodes {
		if !n.address.IsValid() || n.address.Is6() != p.Addr().Is6() {
			return
		}
		if n.address == p.Addr() && r.priority[n.name] != vrrp.PriorityOwner {
			v.errorf("%s is the address of %s: take one that no host has, or give %s the priority 255", p.Addr(), n.name, n.name)
		}
		if p.Contains(n.address) {
			in = append(in, n.address.String())
		} else {
			out = append(out, n.address.String())
		}
	}
	switch {
	case p.IsSingleIP() || p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() || len(out) == 0:
	case len(in) == 0 && d.nodesAreOnOther(r.shared.Interface):
	case len(in) == 0:
		v.warnf("%s has none of the nodes in its network (%s): right only where %s lies in another one", p, strings.Join(out, ", "), r.shared.Interface)
	default:
		v.warnf("%s has %s in its network but not %s", p, in[0], out[0])
	}
}

// nodesAreOnOther tells whether a router before has the nodes in its network, on an interface
// other than this one, which then lies in a network of its own: NAT has one for its servers.
func (d *Document) nodesAreOnOther(name string) bool {
	return slices.ContainsFunc(d.routers, func(r router) bool {
		return r.shared.Interface != name && slices.ContainsFunc(r.shared.Addresses, func(a supervisor.Address) bool {
			return !slices.ContainsFunc(d.nodes, func(n node) bool { return !a.Prefix.Contains(n.address) })
		})
	})
}
