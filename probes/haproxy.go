package probes

// HAProxy asks HAProxy itself, at its stats socket.
type HAProxy struct {
	Socket   string   // a path
	Backends []string // each of which needs MinUp servers that are up
	MinUp    int
}

func (HAProxy) isCheck() {}
