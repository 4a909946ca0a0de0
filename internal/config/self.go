package config

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// host is what tells a host from others.
type host struct {
	name      string
	addresses []netip.Addr
}

// thisHost leaves empty what cannot be found out.
func thisHost() host {
	var h host
	h.name, _ = os.Hostname()
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			h.addresses = append(h.addresses, p.Addr().Unmap())
		}
	}
	return h
}

// self is the node that a host is: the one asked for, else that of node:, of the host's
// name, or of an address that it has.
func (d *Document) self(asked string, h host) (string, []Error, error) {
	fail := func(text string) (string, []Error, error) {
		return "", nil, Errors{{File: d.file, Path: "nodes", Text: text}}
	}
	switch {
	case asked != "" && slices.Contains(d.Nodes(), asked):
		return asked, nil, nil
	case asked != "":
		return fail(d.noNode(asked))
	case d.node != "":
		return d.node, nil, nil
	}
	owned := d.owned(h)
	if name := d.called(h.name); name != "" {
		return name, d.strange(name, owned), nil
	}
	switch len(owned) {
	case 1:
		return owned[0], nil, nil
	case 2:
		return fail("this host has the addresses of both: write node: " + d.nodes[0].name + " or node: " + d.nodes[1].name)
	}
	return fail("this host is called " + show(h.name) + " and has no address of " + strings.Join(d.Nodes(), " or ") +
		": write its name here, or node: " + d.nodes[0].name + ", or use --node")
}

// owned are the nodes whose address a host has.
func (d *Document) owned(h host) []string {
	var names []string
	for _, n := range d.nodes {
		if slices.Contains(h.addresses, n.address) {
			names = append(names, n.name)
		}
	}
	return names
}

// called is the node of a host name: the same name, else the same without its domain.
func (d *Document) called(name string) string {
	same := func(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
	var short []string
	for _, n := range d.Nodes() {
		if same(n, name) {
			return n
		}
		if same(first(n), first(name)) && (n == first(n) || name == first(name)) {
			short = append(short, n)
		}
	}
	if len(short) == 1 {
		return short[0]
	}
	return ""
}

// first is a host name without its domain.
func first(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return label
}

// strange warns of a host that is called as one node and has the address of the other.
func (d *Document) strange(name string, owned []string) []Error {
	if len(owned) != 1 || owned[0] == name {
		return nil
	}
	return []Error{{File: d.file, Path: "nodes", Text: "this host is called " + name + " but has the address of " + owned[0]}}
}
