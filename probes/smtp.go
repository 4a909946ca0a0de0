package probes

// SMTP greets a mail server, and takes its leave.
type SMTP struct {
	Address string // host:port
	Helo    string // the name that it is greeted with; empty: the address that it is asked from
}

func (SMTP) isCheck() {}
