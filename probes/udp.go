package probes

// UDP sends a datagram.
type UDP struct {
	Address string // host:port
	Send    string // its bytes; empty: none
	Answer  bool   // an answer has to come; else it will do that nobody refuses it
	Expect  Text   // what the answer must have
	Begin   string // how the answer must begin, in hexadecimal digits; x is any one
}

func (UDP) isCheck() {}
