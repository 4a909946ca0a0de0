//go:build linux

package hostlab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	censusEvery = 5 * time.Millisecond
	// An answer that comes later than this is not waited for.
	answerTime = 50 * time.Millisecond
)

// Holders asks once by ARP who holds the address on the eth0 switch now: names of
// hosts, or the MAC of somebody else.
func (l *Lab) Holders(t T, vip string) []string {
	t.Helper()
	s, err := openARP(censusPort)
	if err != nil {
		t.Fatal("hostlab: ", err)
	}
	defer s.close()
	ip, macs := netip.MustParseAddr(vip), map[string]bool{}
	if err := s.ask(ip, 0); err != nil {
		t.Fatal("hostlab: ", err)
	}
	s.answers(ip, time.Now().Add(answerTime), func(a arpAnswer) { macs[l.holderName(a.mac)] = true })
	return slices.Sorted(maps.Keys(macs))
}

// Census asks all the time by ARP who holds an address, until the test ends.
type Census struct {
	lab  *Lab
	vip  netip.Addr
	sock *arpSocket
	quit chan struct{}
	once sync.Once
	done sync.WaitGroup

	mu     sync.Mutex
	rounds []censusRound
	mark   int // the first round that counts
}

// censusRound is one probe and those who answered it.
type censusRound struct {
	asked time.Time
	macs  []string
}

// Census starts a census of the address on the eth0 switch.
func (l *Lab) Census(t T, vip string) *Census {
	t.Helper()
	s, err := openARP(censusPort)
	if err != nil {
		t.Fatal("hostlab: ", err)
	}
	c := &Census{lab: l, vip: netip.MustParseAddr(vip), sock: s, quit: make(chan struct{})}
	l.close = append(l.close, c.Stop)
	c.done.Go(c.run)
	return c
}

// Stop ends the census; its record stays.
func (c *Census) Stop() {
	c.once.Do(func() {
		close(c.quit)
		c.done.Wait()
		c.sock.close()
	})
}

func (c *Census) run() {
	for n := uint32(0); ; n++ {
		select {
		case <-c.quit:
			return
		default:
		}
		c.mu.Lock()
		c.rounds = append(c.rounds, censusRound{asked: time.Now()})
		c.mu.Unlock()
		if err := c.sock.ask(c.vip, n); err != nil {
			return // the switch is gone
		}
		c.sock.answers(c.vip, time.Now().Add(censusEvery), c.note)
	}
}

func (c *Census) note(a arpAnswer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.rounds[a.probe]
	if !slices.Contains(r.macs, a.mac) {
		r.macs = append(r.macs, a.mac)
	}
}

// Mark forgets what was before: DualTime and NoneTime begin here.
func (c *Census) Mark() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark = len(c.rounds)
}

// DualTime is for how long two or more answered for the address.
func (c *Census) DualTime() time.Duration {
	return c.sum(func(r censusRound) bool { return len(r.macs) > 1 })
}

// NoneTime is for how long nobody answered for the address.
func (c *Census) NoneTime() time.Duration {
	return c.sum(func(r censusRound) bool { return len(r.macs) == 0 })
}

// sum adds up the rounds that match; the last ones may still be answered and are left
// out.
func (c *Census) sum(match func(censusRound) bool) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var total time.Duration
	settled := time.Now().Add(-answerTime)
	for i := c.mark; i+1 < len(c.rounds) && c.rounds[i].asked.Before(settled); i++ {
		if match(c.rounds[i]) {
			total += c.rounds[i+1].asked.Sub(c.rounds[i].asked)
		}
	}
	return total
}

// String tells who held the address since the mark and for how long, for a log.
func (c *Census) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, last, since := "", "?", time.Time{}
	for _, r := range c.rounds[c.mark:] {
		if who := c.names(r.macs); who != last {
			if !since.IsZero() {
				text += fmt.Sprintf(" %v, then ", r.asked.Sub(since).Round(time.Millisecond))
			}
			text, last, since = text+who, who, r.asked
		}
	}
	return text
}

func (c *Census) names(macs []string) string {
	if len(macs) == 0 {
		return "nobody"
	}
	var names []string
	for _, m := range macs {
		names = append(names, c.lab.holderName(m))
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}
