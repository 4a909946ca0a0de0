//go:build linux

package hostlab

import (
	"fmt"
	"sort"
	"time"
)

// Outage is what a client missed since its mark.
type Outage struct {
	Longest  time.Duration // the longest time without any answer
	Total    time.Duration // all such times in which a request was made that failed
	Answered int
	Failed   int
	// Stall is the longest time in which the client itself did not ask, because the
	// machine is busy: Longest cannot be more precise.
	Stall time.Duration
}

func (o Outage) String() string {
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("outage %v (total %v), %d answered, %d failed, client stalled %v",
		ms(o.Longest), ms(o.Total), o.Answered, o.Failed, ms(o.Stall))
}

// Outage is what the client missed from the mark until now. A request that is never
// answered is known to have failed, and then counts in Total, after half a second.
func (c *Client) Outage() Outage {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := outage(c.mark, time.Now(), c.samples)
	o.Stall = c.stall
	return o
}

// outage measures the gaps between the answers, and to both ends.
func outage(from, to time.Time, samples []Sample) Outage {
	var o Outage
	ends := []time.Time{from} // gap i is from ends[i] to ends[i+1]
	for _, s := range samples {
		if s.Err == nil {
			o.Answered++
			ends = append(ends, s.Done)
		}
	}
	ends = append(ends, to)
	for i, end := range ends[1:] {
		o.Longest = max(o.Longest, end.Sub(ends[i]))
	}
	failedIn := map[int]bool{}
	for _, s := range samples {
		if s.Err != nil {
			o.Failed++
			failedIn[sort.Search(len(ends)-1, func(i int) bool { return ends[i+1].After(s.Asked) })] = true
		}
	}
	for i := range failedIn {
		if i+1 < len(ends) {
			o.Total += ends[i+1].Sub(ends[i])
		}
	}
	return o
}
