package config

// checkLoop reports a node that is a real server of its own, and balances always: it would
// balance what the other node sends it for the virtual address, and may send it back. With a
// mark, the operator says what is balanced; with NAT, the packets are for another address.
func (d *Document) checkLoop(f fields, s *virtualServer) {
	if !s.always || s.mark != 0 {
		return
	}
	for i := range s.servers {
		r := &s.servers[i]
		for _, n := range d.nodes {
			if n.address == r.address && !r.way.forward.Rewrites() {
				f.keys["when"].errorf("always: the server %s is %s, which would balance what the other node sends it, and may send it back, round and round: write active, the default: the node that is not Active then serves what it is sent", r.address, n.name)
				return
			}
		}
	}
}
