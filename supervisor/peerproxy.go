package supervisor

import (
	"slices"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
)

// The other node's proxy, asked at that node's own address. That it answers says that the
// other host is alive; not who holds the addresses.

func asksPeer(p probe) bool { return p.cfg.OnFail.Act == probes.AskPeer }

func (n *Node) asksPeer() bool { return slices.ContainsFunc(n.probes, asksPeer) }

// peerProxy is whether it answers. One that never has proves nothing: it may listen on the
// virtual address alone; nor does silence, for a firewall may keep this node from it: it is lost
// when it answers wrongly, or the host answers that nobody listens there.
func (n *Node) peerProxy() fencing.Reach {
	reach := fencing.Unasked
	for i := range n.probes {
		switch p := &n.probes[i]; {
		case !asksPeer(*p):
		case p.counter.State() == probes.Good:
			return fencing.Reached
		case p.counter.State() == probes.Failed && p.worked && p.refused:
			reach = fencing.Lost
		}
	}
	return reach
}
