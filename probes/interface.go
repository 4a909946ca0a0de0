package probes

// Interface looks at a network interface.
type Interface struct {
	Name    string
	Carrier bool // it needs a carrier, too, and not only to be switched on
}

func (Interface) isCheck() {}
