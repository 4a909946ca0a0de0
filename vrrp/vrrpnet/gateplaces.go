package vrrpnet

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// places is for whom virtual addresses are guarded. One address may be that of several
// routers: link-local ones are, on an interface each.
type places map[netip.Addr][]place

// place is somebody who holds an address, or soon will.
type place struct {
	holder string
	until  time.Time // it is open for him; zero: shut
}

// unknown is for whom a dead daemon had guarded an address.
const unknown = ""

func (p places) set(holder string, a netip.Addr, until time.Time) {
	list := p[a]
	for i := range list {
		if list[i].holder == holder {
			list[i].until = until
			return
		}
	}
	p[a] = append(list, place{holder, until})
}

// limit ends the time of an address at a moment, at the latest.
func (p places) limit(a netip.Addr, until time.Time) {
	for i, at := range p[a] {
		if at.until.After(until) {
			p[a][i].until = until
		}
	}
}

func (p places) remove(holder string, a netip.Addr) {
	list := slices.DeleteFunc(p[a], func(at place) bool { return at.holder == holder })
	if len(list) == 0 {
		delete(p, a)
		return
	}
	p[a] = list
}

func (p places) guards(a netip.Addr) bool { return len(p[a]) > 0 }

func (p places) until(holder string, a netip.Addr) (until time.Time, guarded bool) {
	for _, at := range p[a] {
		if at.holder == holder {
			return at.until, true
		}
	}
	return time.Time{}, false
}

// last is until when an address is open for anybody; zero: it is shut.
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
