package daemon

import (
	"sync"

	"github.com/pairkeeper/pairkeeper/probes/probesnet"
)

// LookCount counts the looks of a probe since the daemon began.
type LookCount struct {
	Looks   uint64  `json:"looks"`
	Failed  uint64  `json:"failed_looks"`
	Seconds float64 `json:"look_seconds"` // that all of them took together
}

// lookCounts counts by the probe's name. Those of a probe that another configuration does
// not have are kept: names are few.
type lookCounts struct {
	mu   sync.Mutex
	each map[string]LookCount
}

func (l *lookCounts) add(probe string, r *probesnet.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.each == nil {
		l.each = map[string]LookCount{}
	}
	c := l.each[probe]
	c.Looks++
	if !r.OK {
		c.Failed++
	}
	c.Seconds += r.Took.Seconds()
	l.each[probe] = c
}

func (l *lookCounts) of(probe string) LookCount {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.each[probe]
}
