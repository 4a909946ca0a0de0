package probes

import (
	"fmt"
	"time"
)

// State is the opinion that a run of results has made.
type State int

// The opinions. Unknown lasts until the first success or the Fall-th failure.
const (
	Unknown State = iota
	Good
	Failed
)

func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Good:
		return "good"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// Counter turns results into an opinion: Fall failures in a row fail a probe, Rise
// successes in a row make a failed one good. At the start one success is enough, and
// one failure is not. A failure before the first success and within the grace counts
// for nothing.
type Counter struct {
	rise, fall int
	state      State
	run        int // results in a row that speak against state
	grace      time.Duration
	until      time.Time // the end of the grace; zero: no result has come yet
}

// NewCounter returns a Counter that knows nothing yet. A Rise or Fall below 1 is 1.
func NewCounter(c Config) *Counter {
	return &Counter{rise: max(c.Rise, 1), fall: max(c.Fall, 1), grace: c.Grace}
}

// State is the present opinion.
func (c *Counter) State() State { return c.state }

// Add counts one result and tells whether it changed the opinion. The grace begins with
// the first one.
func (c *Counter) Add(now time.Time, ok bool) (changed bool) {
	if c.until.IsZero() {
		c.until = now.Add(c.grace)
	}
	if !ok && c.state == Unknown && now.Before(c.until) {
		return false
	}
	if ok == (c.state == Good) && c.state != Unknown {
		c.run = 0
		return false
	}
	c.run++
	if c.run < c.needed(ok) {
		return false
	}
	c.state, c.run = Failed, 0
	if ok {
		c.state = Good
	}
	return true
}

// needed is how many such results in a row change the opinion.
func (c *Counter) needed(ok bool) int {
	switch {
	case !ok:
		return c.fall
	case c.state == Unknown:
		return 1
	}
	return c.rise
}
