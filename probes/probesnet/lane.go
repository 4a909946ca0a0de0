package probesnet

import "github.com/pairkeeper/pairkeeper/probes"

// lane is the workers for looks of one cost, which serve in turn.
type lane struct {
	workers, busy int
	queue         []*job
}

// lanes keeps what waits for the network from waiting for programs, and so on.
type lanes []*lane

const (
	sockets  = iota // a connection, perhaps a handshake of TLS
	programs        // a process
	local           // some system calls
)

func newLanes() lanes {
	return lanes{sockets: {workers: 64}, programs: {workers: 32}, local: {workers: 16}}
}

func (l lanes) of(c probes.Check) *lane {
	switch c.(type) {
	case probes.HTTP, probes.TCP, probes.UDP, probes.SMTP, probes.DNS, probes.HAProxy, probes.ICMP, probes.Gateway:
		return l[sockets]
	case probes.Exec:
		return l[programs]
	}
	return l[local]
}

// next takes the first job of the queue if there is a worker for it, else nil.
func (l *lane) next() *job {
	if len(l.queue) == 0 || l.busy == l.workers {
		return nil
	}
	j := l.queue[0]
	l.queue = l.queue[1:]
	l.busy++
	return j
}
