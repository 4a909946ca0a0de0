package keepalived

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// place gives the router its addresses. Those of another interface or family, and those
// that keepalived keeps out of its adverts, go into routers of their own.
func (p *plan) place(r *router, i *Instance) {
	var own []Address
	parts := map[string][]Address{}
	var order []string
	main := p.mainInterface(i, r.iface)
	for k, list := range [][]Address{i.Addresses, i.Excluded} {
		for _, a := range list {
			dev := a.Dev
			if dev == "" {
				dev = r.iface
			}
			if !p.addressable(r, &a, dev) {
				continue
			}
			if k == 0 && dev == main && a.Prefix.Addr().Is6() == i.v6() {
				own = append(own, a)
				continue
			}
			key := dev + " " + map[bool]string{false: "IPv4", true: "IPv6"}[a.Prefix.Addr().Is6()]
			if parts[key] == nil {
				order = append(order, key)
			}
			parts[key] = append(parts[key], a)
		}
	}
	if len(own) == 0 && len(order) > 0 {
		main, _, _ = strings.Cut(order[0], " ")
		own, order = parts[order[0]], order[1:]
		if own[0].Prefix.Addr().Is6() {
			r.version = 3
		}
	}
	if main != r.iface && len(own) > 0 {
		r.adverts, r.iface = r.iface, main
	}
	r.addrs = limit(own)
	if len(r.addrs) == 0 {
		p.standIn(r, i)
	}
	r.fit()
	if r.vrid > 255 || !p.claim(r) {
		p.left(i.Pos, "vrrp_instance %s has the virtual_router_id %d of another one on %s", shown(i.Name), r.vrid, r.wire())
		return
	}
	p.routers = append(p.routers, r)
	for _, key := range order {
		p.annex(r, key, limit(parts[key]))
	}
}

// fit keeps the interval within what adverts of the version can say.
func (r *router) fit() {
	if r.version == 3 {
		r.interval = min(r.interval, 40950*time.Millisecond)
	}
}

// limit is how many addresses an advert holds.
func limit(list []Address) []Address {
	if len(list) > 0 && list[0].Prefix.Addr().Is6() {
		return list[:min(len(list), 89)]
	}
	return list[:min(len(list), 255)]
}

// standIn gives a router whose addresses cannot be used one that can.
func (p *plan) standIn(r *router, i *Instance) {
	a := netip.MustParseAddr("192.0.2.100")
	for p.virtual(a) {
		a = a.Next()
	}
	r.version = max(2, i.Version)
	r.addrs = []Address{{Pos: i.Pos, Text: a.String(), Prefix: netip.PrefixFrom(a, 24)}}
	r.open = true
	p.wrong(i.Pos, "no-address", "vrrp_instance %s has no virtual address that can be used: %s stands in its place, to be replaced", shown(i.Name), a)
}

// mainInterface is where most of the addresses are that adverts tell of.
func (p *plan) mainInterface(i *Instance, iface string) string {
	count := map[string]int{}
	for _, a := range i.Addresses {
		if a.Prefix.IsValid() && goodInterface(a.Dev) {
			count[a.Dev]++
		} else if a.Prefix.IsValid() {
			count[iface]++
		}
	}
	best := iface
	for _, a := range i.Addresses {
		if goodInterface(a.Dev) && count[a.Dev] > count[best] {
			best = a.Dev
		}
	}
	return best
}

// addressable tells whether an address can be taken over, and what of it cannot.
func (p *plan) addressable(r *router, a *Address, dev string) bool {
	if !a.Prefix.IsValid() {
		return false // said when it was read
	}
	if why := inNetwork(a.Prefix); why != "" {
		p.left(a.Pos, "%s: %s", a.Text, why)
		return false
	}
	if p.taking(r, a.Prefix.Addr(), dev) {
		p.wrong(a.Pos, "address-twice", "%s is given twice: it is taken over once", a.Text)
		return false
	}
	if !goodInterface(dev) {
		p.left(a.Pos, "%s: %s cannot be the name of an interface", a.Text, shown(dev))
		return false
	}
	if a.NoPrefix && a.Prefix.Addr().Is4() {
		p.changed(a.Pos, "%s has no prefix length, which keepalived takes for /32: %s is written so", a.Text, a.Prefix)
	}
	if a.Label != "" && (!strings.HasPrefix(a.Label, dev+":") || len(a.Label) > 15 || a.Label == dev+":" || a.Prefix.Addr().Is6() || strings.ContainsFunc(a.Label, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' })) {
		p.left(a.Pos, "the label %s of %s: it has to be %s: and something, 15 bytes at the most", shown(a.Label), a.Text, dev)
		a.Label = ""
	}
	if len(a.Odd) > 0 {
		p.left(a.Pos, "of %s: %s; the kernel's defaults are used", a.Text, strings.Join(a.Odd, ", "))
	}
	// Marked as held, so that no other router takes it while this one is made.
	r.addrs = append(r.addrs, *a)
	return true
}

// taking tells whether an address has been taken over already. A link-local one is another
// one on another interface.
func (p *plan) taking(r *router, a netip.Addr, dev string) bool {
	if r.holds(a) {
		return true
	}
	return slices.ContainsFunc(p.routers, func(o *router) bool {
		return o.holds(a) && (!a.Is6() || !a.IsLinkLocalUnicast() || o.iface == dev)
	})
}

// claim tells whether nobody else has the vrid there.
func (p *plan) claim(r *router) bool {
	return !slices.ContainsFunc(p.routers, func(o *router) bool {
		return o.vrid == r.vrid && o.v6() == r.v6() && o.wire() == r.wire()
	})
}

// annex makes a router of addresses that are on another interface than the rest, of the
// other family, or left out of the adverts. It moves with the first one.
func (p *plan) annex(lead *router, key string, addrs []Address) {
	if len(addrs) == 0 {
		return
	}
	dev, _, _ := strings.Cut(key, " ")
	r := *lead
	r.addrs, r.iface, r.adverts = addrs, dev, ""
	r.lead = lead
	if r.v6() {
		r.version = 3
	}
	r.fit()
	r.vrid = p.freeVRID()
	if r.vrid > 255 {
		p.left(addrs[0].Pos, "%s: no vrid is free for a router of its own", addrs[0].Text)
		return
	}
	r.name = p.freeName(lead.name + "-" + dev)
	r.annexed(lead)
	p.routers = append(p.routers, &r)
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.Prefix.Addr().String())
	}
	p.changed(addrs[0].Pos, "%s: a router of its own, %s with the vrid %d on %s, since a router has addresses of one family on one interface, and tells of all of them: as soon as both nodes have pairkeeper; until then the keepalived of the other node knows nothing of it",
		strings.Join(texts, ", "), r.name, r.vrid, dev)
}

// freeVRID is a vrid that no instance has; 256: there is none.
func (p *plan) freeVRID() int {
	for vrid := 1; vrid < 256; vrid++ {
		if !slices.ContainsFunc(p.routers, func(o *router) bool { return o.vrid == vrid }) && !p.usesVRID(vrid) {
			return vrid
		}
	}
	return 256
}

func (p *plan) usesVRID(vrid int) bool {
	for _, c := range p.configs {
		for _, i := range c.Instances {
			if i.VRID == vrid {
				return true
			}
		}
	}
	return false
}

// annexed puts the lead and its annex into a group.
func (r *router) annexed(lead *router) {
	if lead.group == "" {
		lead.group = lead.name
	}
	r.group = lead.group
}
