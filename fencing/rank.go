package fencing

import "net/netip"

// Rank is a node's place in the one order that both nodes compute from the same facts.
type Rank struct {
	Class    Class
	Favoured bool // see Claim
	Priority uint8
	Address  netip.Addr // the node's own
}

// Before tells whether a node with rank r comes first: the better class, then whom an operator
// favours, then the higher priority, then the higher address (RFC 9568 6.4.3).
func (r Rank) Before(o Rank) bool {
	switch {
	case r.Class != o.Class:
		return r.Class < o.Class
	case r.Favoured != o.Favoured:
		return r.Favoured
	case r.Priority != o.Priority:
		return r.Priority > o.Priority
	}
	return o.Address.Less(r.Address)
}

// ClassOf ranks a node by its proxy and its way to the gateway; what is not asked is no
// fault.
func ClassOf(proxy bool, gateway Reach, maintenance bool) Class {
	switch {
	case maintenance:
		return Resigned
	case proxy && gateway != Lost:
		return Able
	case proxy:
		return Cut
	case gateway != Lost:
		return Ill
	}
	return Useless
}

// sound tells that the class has a good proxy.
func (c Class) sound() bool { return c == Able || c == Cut }
