package vrrpnet

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// places is where virtual addresses are guarded. One address may be on several
// interfaces: link-local ones are, with a router on each.
type places map[netip.Addr][]place

// place is an interface that an address is on, or soon will be.
type place struct {
	link  int
	until time.Time // it is open there; zero: shut
}

// anyLink is where a dead daemon had guarded an address: it is not known.
const anyLink = 0

func (p places) set(s site, until time.Time) {
	list := p[s.addr]
	for i := range list {
		if list[i].link == s.link {
			list[i].until = until
			return
		}
	}
	p[s.addr] = append(list, place{s.link, until})
}

// limit ends the time of an address at a moment, at the latest.
func (p places) limit(a netip.Addr, until time.Time) {
	for i, at := range p[a] {
		if at.until.After(until) {
			p[a][i].until = until
		}
	}
}

func (p places) remove(s site) {
	list := slices.DeleteFunc(p[s.addr], func(at place) bool { return at.link == s.link })
	if len(list) == 0 {
		delete(p, s.addr)
		return
	}
	p[s.addr] = list
}

func (p places) guards(a netip.Addr) bool { return len(p[a]) > 0 }

func (p places) until(s site) (until time.Time, guarded bool) {
	for _, at := range p[s.addr] {
		if at.link == s.link {
			return at.until, true
		}
	}
	return time.Time{}, false
}

// last is until when an address is open on any interface; zero: on none.
func (p places) last(a netip.Addr) (until time.Time) {
	for _, at := range p[a] {
		if at.until.After(until) {
			until = at.until
		}
	}
	return until
}

func (p places) addresses() []netip.Addr {
	return slices.SortedFunc(maps.Keys(p), netip.Addr.Compare)
}

// addressesOf are those of openings, each once.
func addressesOf(openings []Opening) []netip.Addr {
	addrs := make([]netip.Addr, len(openings))
	for i := range openings {
		addrs[i] = openings[i].Addr
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}
