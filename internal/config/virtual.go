package config

import (
	"net/netip"
	"strings"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// addressesOften is how many addresses a virtual router may have before it looks odd;
// addressesMost is what the count in an advert can say.
const (
	addressesOften = 20
	addressesMost  = 255
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
	switch n := len(items); {
	case n == 0:
		v.errorf("is empty: write a list such as [10.0.0.3/24]")
	case n > addressesMost:
		v.errorf("has %d addresses, an advert has room for %d: use another vrid for the rest", n, addressesMost)
	case n > addressesOften:
		v.warnf("has %d addresses: with more than %d, some implementations refuse the adverts", n, addressesOften)
	}
	for _, item := range items {
		a, ok := readAddress(item, r.shared.Interface)
		if !ok {
			continue
		}
		host := a.Prefix.Addr()
		if first, twice := seen.addresses[host]; twice {
			item.errorf("%s is given already as %s", host, first.place())
			continue
		}
		seen.addresses[host] = item
		r.shared.Addresses = append(r.shared.Addresses, a)
		r.shared.VRRP.Addresses = append(r.shared.VRRP.Addresses, host)
		d.checkNeighbours(item, a.Prefix, r)
	}
	d.checkOwner(f, r)
}

// checkNeighbours compares a virtual address with those of the nodes.
func (d *Document) checkNeighbours(v value, p netip.Prefix, r *router) {
	var in, out []string
	for _, n := range d.nodes {
		if !n.address.IsValid() {
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
	case p.Bits() == 32 || len(out) == 0:
	case len(in) == 0:
		v.warnf("%s has none of the nodes in its network (%s): right only where %s lies in another one", p, strings.Join(out, ", "), r.shared.Interface)
	default:
		v.warnf("%s has %s in its network but not %s", p, in[0], out[0])
	}
}
