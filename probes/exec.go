package probes

// Exec runs a program: exit status 0 is good.
type Exec struct {
	Command []string // the first is an absolute path; there is no shell
	User    string   // whom it runs as; empty: the daemon's
}

func (Exec) isCheck() {}
