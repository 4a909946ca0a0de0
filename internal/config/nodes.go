package config

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// node is one of the two hosts.
type node struct {
	name     string
	address  netip.Addr
	priority uint8
	key      value // where priority or, failing that, the node stands
}

// hostName is what a node may be called.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

const nodesExample = "{lb01: {address: 10.0.0.5, priority: 150}, lb02: {address: 10.0.0.6, priority: 100}}"

// readNodes reads nodes: and node:. A node that is broken stays in the list with what is
// known of it, so that references to it are not called wrong.
func (d *Document) readNodes(f fields) {
	v, ok := f.need("nodes", nodesExample)
	if !ok {
		return
	}
	if _, ok = v.mapping("a mapping such as "+nodesExample, nil); !ok {
		return
	}
	for _, kv := range v.pairs() {
		if slices.Contains(d.Nodes(), kv.name) {
			continue // a duplicate key, reported
		}
		d.checkName(kv)
		n := readNode(kv)
		for _, other := range d.nodes {
			switch {
			case !n.address.IsValid() || !other.address.IsValid():
			case n.address == other.address:
				kv.value.errorf("has the address %s as %s has: each node has its own", n.address, other.name)
			case n.address.Is4() != other.address.Is4():
				kv.value.errorf("has an address of %s, %s one of %s: write addresses under which the nodes reach each other", family(n.address), other.name, family(other.address))
			}
		}
		d.nodes = append(d.nodes, n)
	}
	if n := len(d.nodes); n != 2 {
		v.errorf("has %s, a pair has two: such as %s", count(n, "node"), nodesExample)
	}
	if f.text("node", &d.node, "the name of this host among nodes:") && !slices.Contains(d.Nodes(), d.node) {
		f.keys["node"].errorf("%s", d.noNode(d.node))
	}
}

func (d *Document) checkName(kv pair) {
	if !hostName.MatchString(kv.name) {
		kv.key.errorf("is not a host name: letters, digits, - and . are allowed")
	}
	for _, other := range d.Nodes() {
		if strings.EqualFold(other, kv.name) {
			kv.key.errorf("differs from %s only in upper and lower case, host names do not tell that apart", other)
		}
	}
}

func readNode(kv pair) node {
	n := node{name: kv.name, key: kv.value}
	f, ok := kv.value.fields("{address: 10.0.0.5, priority: 150}", "address", "priority")
	if !ok {
		return n
	}
	if v, ok := f.need("address", "10.0.0.5"); ok {
		n.address, _ = v.hostAddress()
	}
	if v, ok := f.need("priority", "150"); ok {
		n.key = v
		n.priority = v.priority()
	}
	return n
}

// priority is a VRRP priority (RFC 9568 5.2.4).
func (v value) priority() uint8 {
	if isPlainZero(v) {
		v.errorf("0 is not in 1..255: on the wire it means that the node leaves")
		return 0
	}
	p, _ := v.integer(1, 255)
	return uint8(p)
}

func isPlainZero(v value) bool {
	return v.node.Value == "0" && v.node.Tag == "!!int" && !v.r.refused[v.node]
}

// noNode says that a name is not a node's.
func (d *Document) noNode(name string) string {
	text := show(name) + " is not one of " + strings.Join(d.Nodes(), ", ")
	if s := nearest(name, d.Nodes()); s != "" {
		text += ": did you mean " + s + "?"
	}
	return text
}
