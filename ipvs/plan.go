package ipvs

import (
	"net/netip"
	"slices"
)

// Plan is the smallest set of changes that makes of the table have the table want, in an
// order in which no service that gets connections before and after is without a server in
// between: what can serve comes before what no longer does, a new service has its servers
// right behind it, and services go last. What is neither wanted nor owned is not touched.
// Services keep the order of want; those to be removed that of have.
func Plan(have, want Table, owned Owned) []Op {
	ops := planTimeouts(have.Timeouts, want.Timeouts)
	index := make(map[Key]int, len(have.Services))
	for i := range have.Services {
		index[have.Services[i].Key] = i
	}
	wanted := make(map[Key]bool, len(want.Services))
	for i := range want.Services {
		s := &want.Services[i]
		wanted[s.Key] = true
		if at, there := index[s.Key]; there {
			ops = append(ops, planService(&have.Services[at], s)...)
		} else {
			ops = append(ops, newService(s)...)
		}
	}
	ours := make(map[Key]bool, len(owned.Services))
	for _, k := range owned.Services {
		ours[k] = true
	}
	for i := range have.Services {
		if k := have.Services[i].Key; ours[k] && !wanted[k] {
			ops = append(ops, RemoveService{k})
		}
	}
	return append(ops, planSync(have.Sync, want.Sync, owned.Sync)...)
}

func newService(s *Service) []Op {
	ops := []Op{AddService{s.Key, s.Options}}
	for _, one := range s.Servers {
		ops = append(ops, AddServer{s.Key, one})
	}
	return ops
}

// planService changes one service.
func planService(have, want *Service) []Op {
	var first, then []Op // what cannot take a server away, and what may
	if have.Options != want.Options {
		first = append(first, EditService{want.Key, want.Options})
	}
	if slices.Equal(have.Servers, want.Servers) {
		return first
	}
	index := make(map[netip.AddrPort]int, len(have.Servers))
	for i := range have.Servers {
		index[have.Servers[i].Address] = i
	}
	for _, s := range want.Servers {
		at, there := index[s.Address]
		switch {
		case !there:
			first = append(first, AddServer{want.Key, s})
			continue
		case have.Servers[at] == s:
		case s.Weight > 0:
			first = append(first, EditServer{want.Key, s})
		default:
			then = append(then, EditServer{want.Key, s})
		}
		delete(index, s.Address)
	}
	for _, s := range have.Servers {
		if _, left := index[s.Address]; left {
			then = append(then, RemoveServer{want.Key, s.Address})
		}
	}
	return append(first, then...)
}

func planTimeouts(have, want Timeouts) []Op {
	if t := want.over(have); t != have {
		return []Op{SetTimeouts{t}}
	}
	return nil
}

// planSync stops what is ours before it starts: the kernel has one daemon of each role.
func planSync(have, want []Sync, owned []Role) []Op {
	var ops []Op
	for _, s := range have {
		role := func(o Sync) bool { return o.Role == s.Role }
		if !slices.Contains(want, s) && (slices.Contains(owned, s.Role) || slices.ContainsFunc(want, role)) {
			ops = append(ops, StopSync{s.Role})
		}
	}
	for _, s := range want {
		if !slices.Contains(have, s) {
			ops = append(ops, StartSync{s})
		}
	}
	return ops
}
