//go:build linux

package onlooker

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answer is a request that was answered well.
type answer struct {
	asked, came Stamp
	who         string
}

// count is one round of the census.
type count struct {
	asked   Stamp
	holders int
}

// Onlooker is the running process with the record of what it saw.
type Onlooker struct {
	mu      sync.Mutex
	answers []answer // in the order in which they came
	counts  []count
	stall   time.Duration // the longest time in which it did not ask
	trouble string
	stop    func()
}

// Start starts the command, which must call Be, by means of start: that is who knows
// its network.
func Start(cmd *exec.Cmd, start func() error) (*Onlooker, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := start(); err != nil {
		return nil, err
	}
	c := &Onlooker{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read(out)
	}()
	c.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return c, nil
}

// Stop ends the process; the record stays.
func (c *Onlooker) Stop() { c.stop() }

func (c *Onlooker) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		c.mu.Lock()
		c.take(strings.Fields(lines.Text()))
		c.mu.Unlock()
	}
}

// take reads a line as the client prints it.
func (c *Onlooker) take(f []string) {
	switch {
	case len(f) == 4 && f[0] == "r":
		a := answer{parseStamp(f[1]), parseStamp(f[2]), f[3]}
		if a.who != Nobody {
			c.answers = append(c.answers, a)
		}
	case len(f) == 3 && f[0] == "a":
		holders, _ := strconv.Atoi(f[2]) // our own output
		c.counts = append(c.counts, count{parseStamp(f[1]), holders})
	case len(f) == 2 && f[0] == "s":
		c.stall = max(c.stall, parseStamp(f[1]).Sub(0))
	default:
		c.trouble = strings.Join(f, " ")
	}
}

func parseStamp(text string) Stamp {
	n, _ := strconv.ParseInt(text, 10, 64) // our own output
	return Stamp(n)
}

// Answered tells whether the host answered a request that was asked since.
func (c *Onlooker) Answered(who string, since Stamp) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.answers) - 1; i >= 0 && c.answers[i].came >= since; i-- {
		if a := c.answers[i]; a.asked >= since && (who == "" || a.who == who) {
			return true
		}
	}
	return false
}

// Outage is the longest time without a good answer between the last one before the
// fault and the end.
func (c *Onlooker) Outage(fault, end Stamp) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var longest time.Duration
	previous := fault // should there have been none before
	for _, a := range c.answers {
		if a.came > end {
			break
		}
		if a.came > fault {
			longest = max(longest, a.came.Sub(previous))
		}
		previous = a.came
	}
	return max(longest, end.Sub(previous))
}

// TwoHolders is how long two or more held the address between the fault and the end.
func (c *Onlooker) TwoHolders(fault, end Stamp) time.Duration {
	_, total := c.Moments(fault, end, func(holders int) bool { return holders > 1 })
	return total
}

// Moments are how often, and for how long in all, the number of those who held the
// address was such between two times.
func (c *Onlooker) Moments(from, end Stamp, such func(holders int) bool) (times int, total time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	within := false
	for i, n := range c.counts {
		if n.asked < from || n.asked >= end {
			continue
		}
		was := within
		within = such(n.holders)
		if !within {
			continue
		}
		if !was {
			times++
		}
		if i+1 < len(c.counts) {
			total += min(c.counts[i+1].asked, end).Sub(n.asked)
		}
	}
	return times, total
}

// Story tells who answered in turn since the fault, for a log.
func (c *Onlooker) Story(fault Stamp) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	previous := answer{came: fault, who: "?"}
	for _, a := range c.answers {
		if a.came >= fault && (a.who != previous.who || a.came.Sub(previous.came) > 10*AskEvery) {
			fmt.Fprintf(&b, " %s at %.3fs", a.who, a.came.Sub(fault).Seconds())
		}
		previous = a
	}
	return "answers since the fault:" + b.String()
}

// Problem is what the client could not do; empty: nothing.
func (c *Onlooker) Problem() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// Stalled is the longest time in which the client did not ask: no outage is measured
// more precisely.
func (c *Onlooker) Stalled() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stall
}
