package probes

// DNS asks a name server one question, over UDP, and over TCP where the answer is too long
// for that.
type DNS struct {
	Server string // host:port
	Name   string
	Type   string // as dig writes it, such as AAAA
	Rcode  string // what the server must answer, as dig writes it, such as NOERROR
	Expect Text   // what the data of the records must have, each in a line
}

func (DNS) isCheck() {}
