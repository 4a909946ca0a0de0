package supervisor

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// HeartbeatView is what the heartbeat tells. The zero value: there is none.
type HeartbeatView struct {
	Links []HeartbeatLinkView
	Peer  fencing.Heartbeat // the newest that counted; its Node is empty: none has
	Heard time.Time         // when it came
	// Mine are what this node tells of the same.
	Class   fencing.Class
	Gateway fencing.Reach
	Config  uint64
	Version string
	Ahead   time.Duration // the other node's clock, as of its last message; 0: not known
	// Clock says how the other node's clock differs; empty: it does not.
	Clock string
}

// HeartbeatLinkView is one link.
type HeartbeatLinkView struct {
	HeartbeatLink
	fencing.LinkView
}

func (n *Node) heartbeatView() HeartbeatView {
	if !n.linked() || n.pulse == nil {
		return HeartbeatView{}
	}
	peer, at := n.pulse.Peer()
	v := HeartbeatView{
		Peer: *peer, Heard: at, Class: n.class(), Gateway: n.gateway(), Config: n.cfg.Heartbeat.Digest, Version: n.cfg.Heartbeat.Version, Ahead: n.agreement.ahead,
	}
	if n.agreement.ahead.Abs() > apart {
		v.Clock = n.agreement.clockText()
	}
	v.Peer.Claims, v.Peer.MACs = nil, nil // they are of the routers, and of the interfaces
	for i, l := range n.cfg.Heartbeat.Links {
		v.Links = append(v.Links, HeartbeatLinkView{l, n.pulse.Link(i)})
	}
	return v
}
