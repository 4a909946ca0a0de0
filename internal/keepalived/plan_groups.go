package keepalived

import (
	"slices"
)

// group makes groups of vrrp_sync_group. Their members need the same order of the nodes.
func (p *plan) group() {
	for _, c := range p.configs {
		for _, g := range c.Groups {
			var members []*router
			for _, name := range g.Members {
				at := slices.IndexFunc(p.routers, func(r *router) bool { return r.isOf(name) && !slices.Contains(members, r) })
				if at < 0 {
					p.wrong(g.Pos, "no-member", "vrrp_sync_group %s names %s, which is not there", shown(g.Name), shown(name))
					continue
				}
				members = append(members, p.routers[at])
			}
			p.tie(g, members)
		}
	}
}

// isOf tells whether a router was made of an instance, not beside it.
func (r *router) isOf(name string) bool {
	for _, i := range r.from {
		if i != nil && i.Name == name && r.lead == nil {
			return true
		}
	}
	return false
}

func (p *plan) tie(g *SyncGroup, members []*router) {
	if len(members) < 2 {
		if len(members) == 1 && members[0].group == "" {
			p.left(g.Pos, "vrrp_sync_group %s has one member: a group ties at least two", shown(g.Name))
		}
		return
	}
	name := tidy(g.Name, "group")
	lead := members[0]
	for _, r := range members {
		if r.derived && order(r) != order(lead) { // what was made up can be made up otherwise
			k := 1
			if r.from[0] == nil {
				k = 0
			}
			r.priority[k] = mirrored(r.priority[1-k], r.priority[k] > r.priority[1-k])
		}
		if order(r) != order(lead) {
			p.left(g.Pos, "vrrp_sync_group %s: its members have different first nodes (%s and %s), so that they cannot move together: give the priorities the same order, and then each the same group:", shown(g.Name), lead.name, r.name)
			return
		}
	}
	for _, r := range p.routers { // with what was made beside them
		if slices.Contains(members, r) || slices.Contains(members, r.lead) {
			r.group = name
		}
	}
	if len(p.configs) == 1 || p.configs[0].Groups != nil && slices.Contains(p.configs[0].Groups, g) {
		p.taken(g.Pos, "vrrp_sync_group %s: group: %s", shown(g.Name), name)
	}
}

// mirrored is a priority on the other side of a known one.
func mirrored(known int, above bool) int {
	if above {
		return max(1, known-50)
	}
	return min(254, known+50)
}

func order(r *router) bool { return r.priority[1] > r.priority[0] }

// settleGroups gives the members of a group what they have to have in common.
func (p *plan) settleGroups() {
	lead := map[string]*router{}
	for _, r := range p.routers {
		if r.group == "" {
			continue
		}
		if r.priority[0] == r.priority[1] {
			if r.priority[0]++; r.priority[0] > 254 {
				r.priority[0], r.priority[1] = 254, 253
			}
			p.changed(r.Pos, "%s: priority %d for %s and %d for %s: a group needs an order of the nodes", r.name, r.priority[0], p.nodes[0].name, r.priority[1], p.nodes[1].name)
		}
		first := lead[r.group]
		if first == nil {
			lead[r.group] = r
			continue
		}
		if r.preempt != first.preempt || r.delay != first.delay {
			p.changed(r.Pos, "%s: preempt and preempt_delay as %s has them, with which it moves", r.name, first.name)
			r.preempt, r.delay = first.preempt, first.delay
		}
		if order(r) != order(first) {
			r.priority = first.priority
			p.changed(r.Pos, "%s: the priorities of %s, with which it moves", r.name, first.name)
		}
	}
}

// grouped is the vrrp_sync_group of a router; nil: none.
func (p *plan) grouped(r *router) *SyncGroup {
	for k, i := range r.from {
		if i == nil || k >= len(p.configs) {
			continue
		}
		for _, g := range p.configs[k].Groups {
			if slices.Contains(g.Members, i.Name) {
				return g
			}
		}
	}
	return nil
}
