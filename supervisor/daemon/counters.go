package daemon

import (
	"net/netip"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// maxSources bounds what strangers on the link can make the daemon remember.
const maxSources = 64

// counters counts the adverts of one interface.
type counters struct {
	sent, received uint64
	sendErrors     uint64
	releases       uint64 // sent with priority 0
	released       uint64 // received with it
	refused        map[refusedFrom]uint64
	moves          map[move]uint64
}

// move is a kind of transition.
type move struct {
	from, to vrrp.State
	reason   vrrp.Reason
}

// refusedFrom is a reason and a source.
type refusedFrom struct {
	reason vrrp.Refusal
	from   netip.Addr
}

func newCounters() counters {
	return counters{refused: map[refusedFrom]uint64{}, moves: map[move]uint64{}}
}

// refuse counts a packet and returns for whom, and how many of its kind there were.
func (c *counters) refuse(reason vrrp.Refusal, from netip.Addr) (netip.Addr, uint64) {
	key := refusedFrom{reason, from}
	if _, known := c.refused[key]; !known && len(c.refused) >= maxSources {
		key.from = netip.Addr{} // all the others together
	}
	c.refused[key]++
	return key.from, c.refused[key]
}
