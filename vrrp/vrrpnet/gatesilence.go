package vrrpnet

import (
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Silence lets nothing out any more that says that the addresses are here; packets to them
// are let in until their time ends, which Renew does not prolong. It is for handing them over:
// who still sends to this host is served, and who asks learns of the other one.
func (g *Gate) Silence(openings []Opening) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range openings {
		g.places.set(o.For, o.Addr, time.Time{})
	}
	silent := slices.DeleteFunc(addressesOf(openings), func(a netip.Addr) bool { return !g.places.last(a).IsZero() })
	for some := range slices.Chunk(silent, elementsAtOnce) {
		list := make([]element, len(some))
		for i, a := range some {
			list[i] = element{a, time.Millisecond}
		}
		g.batch.begin()
		for i := range gateSets { // added before, since what is not there cannot be deleted
			if s := &gateSets[i]; s.speaks && slices.ContainsFunc(list, s.takes) {
				g.batch.elements(unix.NFT_MSG_NEWSETELEM, g.table, s, s.open, list)
				g.batch.elements(unix.NFT_MSG_DELSETELEM, g.table, s, s.open, list)
			}
		}
		refused, err := g.socket.commit(&g.batch)
		switch {
		case err != nil:
			return g.blame(err)
		case lost(refused):
			return g.mend()
		case len(refused) > 0:
			return g.blame(reasons(refused))
		}
	}
	return nil
}
