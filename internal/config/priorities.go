package config

import (
	"fmt"
	"slices"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// readPriorities gives each node its priority here: its own, or the router's for it, or
// one of both by preferred.
func (d *Document) readPriorities(f fields, r *router) {
	r.priority = map[string]uint8{}
	at := map[string]value{}
	for _, n := range d.nodes {
		r.priority[n.name], at[n.name] = n.priority, n.key
	}
	if v, ok := f.keys["priority"]; ok {
		d.overridePriorities(v, r, at)
	}
	if v, ok := f.keys["preferred"]; ok {
		d.prefer(v, f.has("priority"), r)
		if len(d.nodes) == 2 && r.priority[d.nodes[0].name] == r.priority[d.nodes[1].name] {
			return // said of the nodes
		}
	}
	if len(d.nodes) != 2 {
		return
	}
	a, b := d.nodes[0].name, d.nodes[1].name
	switch p := r.priority[a]; {
	case p == 0 || p != r.priority[b]:
	case p == vrrp.PriorityOwner:
		at[b].errorf("is 255 as that of %s is: only one node can own the addresses (RFC 9568 8.3.2)", a)
	default:
		at[b].warnf("is %d as that of %s is: whoever starts first rules, a tie goes to the higher address", p, a)
	}
}

// prefer gives the higher of the nodes' priorities to one of them, the lower to the other.
func (d *Document) prefer(v value, overridden bool, r *router) {
	name, ok := v.text("the name of a node")
	switch {
	case !ok || len(d.nodes) == 0:
		return
	case !slices.Contains(d.Nodes(), name):
		v.errorf("%s", d.noNode(name))
		return
	case overridden:
		v.errorf("stands beside priority:, which says the same in numbers: remove one")
		return
	case len(d.nodes) != 2:
		return
	}
	a, b := d.nodes[0].priority, d.nodes[1].priority
	if a == b && a != 0 {
		v.errorf("has nothing to choose from: both nodes have the priority %d, give one of them a higher one", a)
	}
	for _, n := range d.nodes {
		r.priority[n.name] = min(a, b)
	}
	r.priority[name] = max(a, b)
}

func (d *Document) overridePriorities(v value, r *router, at map[string]value) {
	wanted := "a priority for each node"
	if names := d.Nodes(); len(names) == 2 {
		wanted = fmt.Sprintf("{%s: 150, %s: 100}", names[0], names[1])
	}
	keys, ok := v.mapping(wanted, nil)
	if !ok {
		return
	}
	for _, kv := range v.pairs() {
		if _, ok := r.priority[kv.name]; !ok && len(d.nodes) > 0 {
			kv.key.errorf("%s", d.noNode(kv.name))
			continue
		}
		r.priority[kv.name] = keys[kv.name].priority()
		at[kv.name] = keys[kv.name]
	}
}

// checkOwner looks whether a node with priority 255 owns an address (RFC 9568 5.2.4).
func (d *Document) checkOwner(f fields, r *router) {
	for _, n := range d.nodes {
		if r.priority[n.name] == vrrp.PriorityOwner && !r.holds(n.address) && n.address.IsValid() && n.address.Is6() == r.v6() {
			f.warnf("%s has priority 255, the owner's, but %s is not among the addresses: it takes them at every start without listening first", n.name, n.address)
		}
	}
}
