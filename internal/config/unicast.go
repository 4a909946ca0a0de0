package config

import (
	"fmt"
	"net/netip"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// unicast is how the nodes of a router send each other adverts one by one.
type unicast struct {
	addresses    map[string]netip.Addr // by node
	lowest, most int                   // TTL
}

// peer is a node as the other one sees it.
func (u *unicast) peer(n node) vrrp.Peer {
	return vrrp.Peer{Address: u.addresses[n.name], MinTTL: uint8(u.lowest), MaxTTL: uint8(u.most)}
}

// readUnicast reads unicast:, true or a mapping.
func (d *Document) readUnicast(f fields, r *router) {
	v, ok := f.keys["unicast"]
	if !ok {
		return
	}
	u := &unicast{lowest: defaultMinTTL(r.v6()), most: 255}
	check := true
	var given bool
	if v.kind() == "a mapping" {
		m, ok := v.fields("{addresses: "+d.eachExample(r.v6())+"}", "addresses", "min_ttl", "max_ttl", "check_source")
		if !ok {
			return
		}
		m.integer("min_ttl", &u.lowest, 1, 255)
		m.integer("max_ttl", &u.most, 1, 255)
		if u.lowest > u.most {
			m.errorf("takes a TTL of %d at least and of %d at most, which none is: min_ttl may not be above max_ttl", u.lowest, u.most)
		}
		m.boolean("check_source", &check)
		if given = m.has("addresses"); given && !d.readPeers(m.keys["addresses"], r, u) {
			return
		}
	} else if yes, ok := v.boolean(); !ok || !yes {
		return
	}
	if !given && !d.usePeers(v, r, u) {
		return
	}
	if r.shared.Format.AnySource = !check; !check {
		v.warnf("takes adverts from anybody who can send packets here (check_source: false): enough to take the addresses away")
	}
	r.unicast = u
}

// defaultMinTTL is that of a peer on the link: 255, but keepalived 2.2 sends unicast over
// IPv6 with the kernel's hop limit.
func defaultMinTTL(ipv6 bool) int {
	if ipv6 {
		return 64
	}
	return 255
}

// usePeers takes the nodes' own addresses.
func (d *Document) usePeers(v value, r *router, u *unicast) bool {
	u.addresses = map[string]netip.Addr{}
	for _, n := range d.nodes {
		if !n.address.IsValid() {
			return false
		}
		if r.has() && n.address.Is6() != r.v6() {
			v.errorf("needs addresses of %s, as the router has, but the nodes have such of %s: write unicast: %s",
				family(r.shared.VRRP.Addresses[0]), family(n.address), "{addresses: "+d.eachExample(r.v6())+"}")
			return false
		}
		u.addresses[n.name] = n.address
	}
	return true
}

// readPeers reads an address for each node.
func (d *Document) readPeers(v value, r *router, u *unicast) (ok bool) {
	u.addresses, ok = d.byNode(v)
	if !ok {
		return false
	}
	first := ""
	for _, n := range d.nodes {
		a := u.addresses[n.name]
		at := value{r: v.r, node: v.node, line: v.line, path: v.path + "." + n.name}
		switch {
		case r.has() && a.Is6() != r.v6():
			at.errorf("%s is %s, the router's addresses are %s", a, family(a), family(r.shared.VRRP.Addresses[0]))
			ok = false
		case r.holds(a):
			at.errorf("%s is an address of the router, which moves: write one that stays with %s", a, n.name)
			ok = false
		case first != "" && a == u.addresses[first]:
			at.errorf("%s is that of %s, too: each node has its own", a, first)
			ok = false
		}
		first = n.name
	}
	return ok
}

// byNode reads a mapping with an address of each node.
func (d *Document) byNode(v value) (map[string]netip.Addr, bool) {
	keys, ok := v.mapping("an address of each node", nil)
	if !ok {
		return nil, false
	}
	addresses := map[string]netip.Addr{}
	for _, kv := range v.pairs() {
		if !d.isNode(kv.name) {
			kv.key.errorf("%s", d.noNode(kv.name))
			ok = false
			continue
		}
		a, good := keys[kv.name].hostAddress()
		addresses[kv.name], ok = a, ok && good
	}
	for _, n := range d.nodes {
		if _, there := keys[n.name]; !there {
			v.errorf("has no address of %s: each node needs one", n.name)
			ok = false
		}
	}
	return addresses, ok && len(d.nodes) == 2
}

func (d *Document) isNode(name string) bool {
	for _, n := range d.nodes {
		if n.name == name {
			return true
		}
	}
	return false
}

// eachExample is an address of each node, of a router's family.
func (d *Document) eachExample(v6 bool) string {
	names := d.Nodes()
	if len(names) != 2 {
		names = []string{"lb01", "lb02"}
	}
	if v6 {
		return fmt.Sprintf("{%s: fd00:9::1, %s: fd00:9::2}", names[0], names[1])
	}
	return fmt.Sprintf("{%s: 192.168.9.1, %s: 192.168.9.2}", names[0], names[1])
}
