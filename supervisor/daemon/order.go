package daemon

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// order is what the kernel is to do for one router.
type order struct {
	router string
	held   []vrrpnet.Held
	// openings let in what comes for held; for good where they have no time.
	openings []vrrpnet.Opening
	macvlan  *vrrpnet.MACVLAN // has the addresses, instead of the interface; nil: none
	do       deed
	expiry   time.Time // a later put would claim what others may hold by now
}

type deed uint8

const (
	put     deed = iota // add, and say so
	refresh             // renew the lifetime
	remove
	prepare // make the macvlan, so that a later put is quick
	drain   // say nothing of the addresses any more; remove follows
	dismiss // remove, and the macvlan with it
)

func (o *order) leaves() bool { return o.do == remove || o.do == dismiss }

// covers tells whether o concerns all that an earlier order of the router does.
func (o *order) covers(earlier *order) bool {
	same := (o.macvlan == nil) == (earlier.macvlan == nil) && (o.macvlan == nil || o.macvlan.Name == earlier.macvlan.Name)
	return same && within(earlier.held, o.held)
}

// within tells whether every one of some addresses is among others.
func within(some, others []vrrpnet.Held) bool {
	return !slices.ContainsFunc(some, func(a vrrpnet.Held) bool {
		return !slices.ContainsFunc(others, func(b vrrpnet.Held) bool { return a.Link == b.Link && a.Prefix == b.Prefix })
	})
}

// includes tells whether a later order adds nothing to o.
func (o *order) includes(later *order) bool {
	switch later.do {
	case prepare:
		return !o.leaves() && o.covers(later)
	case remove:
		return o.do == dismiss && o.covers(later)
	}
	return false
}

// voids tells whether o makes an earlier order of the router void. What the router held
// under an earlier configuration goes all the same; and what is removed is so before
// anything is prepared.
func (o *order) voids(earlier *order) bool {
	switch {
	case earlier.leaves():
		return o.do != prepare && o.do != drain && o.covers(earlier)
	case earlier.do == prepare:
		return o.do != remove && o.do != drain
	}
	return true
}

// place puts the addresses on the macvlan; the routes stay the interface's.
func (o *order) place(ifindex int) {
	for i := range o.held {
		a := o.held[i].Prefix.Addr()
		o.held[i].Link, o.held[i].Label = ifindex, ""
		o.held[i].NoPrefixRoute = a.Is4() || !a.IsLinkLocalUnicast() // fe80::/64 is a route of each interface
	}
}

// heldOf is what a router's addresses are in the kernel.
func heldOf(r *supervisor.Router, ifindex int) []vrrpnet.Held {
	held := make([]vrrpnet.Held, len(r.Addresses))
	for i, a := range r.Addresses {
		held[i] = vrrpnet.Held{Link: ifindex, Prefix: a.Prefix, Label: a.Label, NoPrefixRoute: a.NoPrefixRoute, Lifetime: r.VRRP.Lifetime}
	}
	return held
}

// macvlanOf is what has a router's virtual MAC address; nil: nothing.
func macvlanOf(r *supervisor.Router, base vrrpnet.Link) *vrrpnet.MACVLAN {
	if r.VirtualMAC.Name == "" {
		return nil
	}
	return &vrrpnet.MACVLAN{
		Name: r.VirtualMAC.Name, Base: base, MAC: vrrpnet.VirtualMAC(r.VRRP.VRID, r.IPv6()), IPv6: r.IPv6(),
	}
}
