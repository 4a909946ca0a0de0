package probes

// TCP connects to a port.
type TCP struct {
	Address string // host:port
	Send    string // after the connection; empty: nothing
	Expect  Text   // what the answer must have; the zero value: a connection will do
}

func (TCP) isCheck() {}
