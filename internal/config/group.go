package config

import (
	"fmt"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

func readGroup(f fields, s *supervisor.Router) {
	if f.text("group", &s.Group, "a name such as web") && !printable(s.Group) {
		f.keys["group"].errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(s.Group), maxName)
		s.Group = ""
	}
}

// joinGroups looks whether the routers of each group can move together.
func (d *Document) joinGroups() {
	members := map[string][]*router{}
	var names []string
	for i := range d.routers {
		r := &d.routers[i]
		if r.shared.Group == "" {
			continue
		}
		if members[r.shared.Group] == nil {
			names = append(names, r.shared.Group)
		}
		members[r.shared.Group] = append(members[r.shared.Group], r)
	}
	for i, name := range names {
		group := members[name]
		if len(group) == 1 {
			others := append(append([]string{}, names[:i]...), names[i+1:]...)
			group[0].aloneIn(name, others)
			continue
		}
		for _, r := range group {
			r.shared.VRRP.Grouped = true
			d.checkTie(r)
			d.checkMember(r, group[0])
		}
	}
}

func (r *router) aloneIn(name string, others []string) {
	v := r.fields.keys["group"]
	if s := nearest(name, others); s != "" {
		v.warnf("%s has this router only: did you mean %s?", show(name), show(s))
		return
	}
	v.warnf("%s has this router only: give others the same group, or remove it", show(name))
}

// checkTie reports a router without an order: the tie goes to the higher address, which
// may be that of another node in each router.
func (d *Document) checkTie(r *router) {
	if len(d.nodes) == 2 && d.first(r) == "" && r.priority[d.nodes[0].name] != 0 {
		r.fields.keys["group"].errorf("%s has the priority %d on both nodes: in a group that may tear the routers apart, give one node a higher one",
			r.called(), r.priority[d.nodes[0].name])
	}
}

// checkMember compares a router of a group with the group's first one.
func (d *Document) checkMember(r, lead *router) {
	v, a, b := r.fields.keys["group"], &r.shared.VRRP, &lead.shared.VRRP
	at := func(key string) value {
		if r.fields.has(key) {
			return r.fields.keys[key]
		}
		return v
	}
	if x, y := d.first(r), d.first(lead); x != "" && y != "" && x != y {
		v.errorf("%s is to be on %s, %s of the same group on %s: routers that move together need the same order of nodes",
			r.called(), x, lead.place(), y)
	}
	switch {
	case a.Preempt != b.Preempt:
		at("preempt").errorf("%s has preempt: %t, %s of the same group preempt: %t: write the same", r.called(), a.Preempt, lead.place(), b.Preempt)
	case a.PreemptDelay != b.PreemptDelay:
		at("preempt_delay").errorf("%s has preempt_delay: %s, %s of the same group preempt_delay: %s: write the same",
			r.called(), printDuration(a.PreemptDelay), lead.place(), printDuration(b.PreemptDelay))
	}
}

// tracksOf are a router's tracks, and then what others of its group track: that changes
// its priority as well.
func (d *Document) tracksOf(r *router) []track {
	all := slices.Clone(r.tracks)
	for i := range d.routers {
		m := &d.routers[i]
		if m == r || m.shared.Group == "" || m.shared.Group != r.shared.Group {
			continue
		}
		for _, t := range m.tracks {
			if !slices.ContainsFunc(all, t.like) {
				all = append(all, t)
			}
		}
	}
	return all
}

// first is the node of the higher priority, empty if there is none.
func (d *Document) first(r *router) string {
	if len(d.nodes) != 2 {
		return ""
	}
	a, b := d.nodes[0].name, d.nodes[1].name
	switch p, q := r.priority[a], r.priority[b]; {
	case p > q:
		return a
	case q > p:
		return b
	}
	return ""
}

// called names a router in messages about it.
func (r *router) called() string {
	if r.shared.Name == "" {
		return "it"
	}
	return show(r.shared.Name)
}

// place names a router in messages about another one.
func (r *router) place() string {
	return fmt.Sprintf("%s (line %d)", r.called(), r.fields.keys["group"].at())
}
