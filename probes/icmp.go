package probes

// ICMP sends an echo request, as ping does.
type ICMP struct {
	Host string // a name or an address
}

func (ICMP) isCheck() {}
