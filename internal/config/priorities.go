package config

import (
	"fmt"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// readPriorities gives each node its priority here: its own, or the router's for it.
func (d *Document) readPriorities(f fields, r *router) {
	r.priority = map[string]uint8{}
	at := map[string]value{}
	for _, n := range d.nodes {
		r.priority[n.name], at[n.name] = n.priority, n.key
	}
	if v, ok := f.keys["priority"]; ok {
		d.overridePriorities(v, r, at)
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
		if r.priority[n.name] == vrrp.PriorityOwner && !r.holds(n.address) && n.address.IsValid() {
			f.warnf("%s has priority 255, the owner's, but %s is not among the addresses: it takes them at every start without listening first", n.name, n.address)
		}
	}
}
