package keepalived

import (
	"net/netip"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?$`)

// nameNodes finds a name for each node: the one given, that of its file, or the @id.
func (p *plan) nameNodes() {
	for i := range p.nodes {
		switch {
		case i < len(p.options.Names):
			p.nodes[i].name = p.options.Names[i]
		case i < len(p.configs):
			p.nodes[i].name = p.configs[i].name()
		}
	}
	a, b := &p.nodes[0].name, &p.nodes[1].name
	if strings.EqualFold(*a, *b) {
		*b = ""
	}
	switch {
	case *a == "" && *b == "":
		*a, *b = "lb01", "lb02"
	case *b == "":
		*b = neighbour(*a)
	case *a == "":
		*a = neighbour(*b)
	}
	if strings.EqualFold(*a, *b) {
		*b = *a + "-peer"
	}
}

// name is what a configuration calls its node; empty: nothing that is a host's name.
func (c *Config) name() string {
	file := strings.TrimSuffix(path.Base(c.Source.Path), ".conf")
	for _, s := range []string{c.matched(), file, path.Base(path.Dir(c.Source.Path))} {
		if hostName.MatchString(s) && !strings.Contains(strings.ToLower(s), "keepalived") && s != "etc" {
			return s
		}
	}
	return ""
}

// matched is the @id that the lines of this node have.
func (c *Config) matched() string {
	for _, id := range c.IDs {
		if id == c.Source.ID {
			return id
		}
	}
	return ""
}

var trailing = regexp.MustCompile(`^(.*?)(\d+)$`)

// neighbour is a name for the other node: lb02 beside lb01.
func neighbour(name string) string {
	m := trailing.FindStringSubmatch(name)
	if m == nil || len(m[2]) > 6 {
		return name + "-peer"
	}
	n, _ := strconv.Atoi(m[2])
	if n%2 == 0 && n > 0 {
		n--
	} else {
		n++
	}
	text := strconv.Itoa(n)
	return m[1] + strings.Repeat("0", max(0, len(m[2])-len(text))) + text
}

// findAddresses finds the nodes' own addresses in what the instances send from and to.
func (p *plan) findAddresses() {
	for i := range p.nodes {
		p.nodes[i].address = p.options.Addresses[p.nodes[i].name]
	}
	for i, c := range p.configs {
		for _, one := range c.Instances {
			p.suggest(i, one.Source)
		}
	}
	for i, c := range p.configs {
		for _, one := range c.Instances {
			if len(one.Peers) == 1 {
				p.suggest(1-i, one.Peers[0].Address)
			}
		}
	}
	if p.nodes[0].address == p.nodes[1].address {
		p.nodes[1].address = netip.Addr{}
	}
	v6 := p.nodes[0].address.Is6() || !p.nodes[0].address.IsValid() && p.nodes[1].address.Is6()
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.address.IsValid() && n.address.Is6() != v6 {
			n.address = netip.Addr{}
		}
		if !n.address.IsValid() {
			n.address, n.open = p.placeholder(i, v6), true
		}
	}
}

// suggest gives a node an address, if it has none and a host can have it.
func (p *plan) suggest(i int, a netip.Addr) {
	if p.nodes[i].address.IsValid() || !hostCanHave(a) || p.virtual(a) || a.IsLinkLocalUnicast() {
		return
	}
	p.nodes[i].address = a
}

// placeholder is an address of a network for documentation (RFC 5737, RFC 3849).
func (p *plan) placeholder(i int, v6 bool) netip.Addr {
	a := netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)})
	if v6 {
		a = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(1 + i)})
	}
	for p.virtual(a) || a == p.nodes[1-i].address {
		a = a.Next().Next()
	}
	return a
}

// virtual tells whether an address is one of a router.
func (p *plan) virtual(a netip.Addr) bool {
	for _, r := range p.routers {
		if r.holds(a) {
			return true
		}
	}
	return false
}

// hostCanHave tells whether an address can be a host's own.
func hostCanHave(a netip.Addr) bool {
	switch {
	case !a.IsValid(), a.Is4() && a.As4()[0] == 0, a.IsUnspecified(), a.IsLoopback(), a.IsMulticast(), a.Is4In6(), a.Zone() != "":
		return false
	}
	return a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// inNetwork tells why an address with its prefix is no host's; empty: it may be one.
func inNetwork(p netip.Prefix) string {
	switch {
	case !hostCanHave(p.Addr()):
		return "no host can have it"
	case p.Addr().BitLen()-p.Bits() <= 1:
		return ""
	case p.Addr() == p.Masked().Addr():
		return "it is the address of the network itself"
	case p.Addr().Is4() && !p.Contains(p.Addr().Next()):
		return "it is the broadcast address of its network"
	}
	return ""
}
