package probesnet

import (
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/probes"
)

// lane is the workers for looks of one cost, which serve in turn.
type lane struct {
	workers, busy  int
	most, underway int     // looks that have begun and are not over, with a worker or without
	load           float64 // workers that are busy at a time, if every look keeps its own as long as it may
	queue          []*job
}

// lanes keeps what waits for the network from waiting for programs, and so on.
type lanes []*lane

const (
	sockets  = iota // a connection, perhaps a handshake of TLS
	programs        // a process
	local           // some system calls
)

// newLanes returns lanes that are within what this process may have open.
func newLanes() lanes {
	return lanes{
		sockets:  {workers: 64, most: max(64, openFiles()/2)},
		programs: {workers: 32, most: 1000},
		local:    {workers: 16, most: 1000},
	}
}

// openFiles is how many files this process may have open.
func openFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<20))
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

// expect has as many workers as it takes when half of all looks, or all of them, find nobody
// that answers: those that find somebody must not wait for them.
func (l *lane) expect(c probes.Config) {
	if c.Interval > 0 {
		l.load += min(1, float64(atWork)/float64(c.Interval))
	}
	l.workers = max(l.workers, min(int(2*l.load), l.most))
}

// next takes the first job of the queue if there is a worker for it, else nil.
func (l *lane) next() *job {
	if len(l.queue) == 0 || l.busy == l.workers || l.underway == l.most {
		return nil
	}
	j := l.queue[0]
	l.queue = l.queue[1:]
	l.busy++
	l.underway++
	return j
}
