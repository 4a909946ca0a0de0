package vrrp

import "slices"

// requiredTTL proves that no router forwarded a packet (RFC 9568 5.1.1.3, 5.1.2.3).
const requiredTTL = 255

// unicast says whether adverts go to peers one by one instead of to the group.
func (f Format) unicast() bool { return len(f.Peers) > 0 }

// checkPath judges where a packet came from, where it was sent to and how far it
// came. The group itself is not compared: a host only gets what it has joined.
func (f Format) checkPath(env Envelope) Refusal {
	if env.Destination.IsValid() && env.Destination.IsMulticast() == f.unicast() {
		return RefusalDestination
	}
	lowest, highest := uint8(requiredTTL), uint8(requiredTTL)
	if f.unicast() {
		switch i := slices.IndexFunc(f.Peers, func(p Peer) bool { return bare(p.Address) == env.Source }); {
		case i >= 0:
			lowest, highest = f.Peers[i].ttls()
		case !f.AnySource:
			return RefusalSource
		}
	}
	if env.TTL < lowest || env.TTL > highest {
		return RefusalTTL
	}
	return ""
}

func (p Peer) ttls() (lowest, highest uint8) {
	if p.MaxTTL == 0 {
		return p.MinTTL, 255
	}
	return p.MinTTL, p.MaxTTL
}
