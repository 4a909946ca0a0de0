package probes

// Gateway asks the next hop of the default route, or a host in its place, whether it is
// there: by an echo request or, where it does not answer those, by ARP or neighbour
// discovery.
type Gateway struct {
	Host string // an address; empty: the default route's next hop, whatever it is then
	IPv6 bool   // of the default route
}

func (Gateway) isCheck() {}
