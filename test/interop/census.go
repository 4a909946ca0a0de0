//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const (
	askEvery = 20 * time.Millisecond
	// askGap is the silence after which a host is taken not to hold the address any
	// more: many questions long, for the machine may be busy.
	askGap = 300 * time.Millisecond
)

// Census asks on the wire who holds an address, all the time, and remembers the answers
// that leave each host: two hosts with one virtual MAC address are told apart.
type Census struct {
	address netip.Addr

	mu    sync.Mutex
	spans []Span
}

// StartCensus asks from one host until the test ends; the others may answer.
func StartCensus(t testing.TB, from *netlab.Host, asker, address string, others ...*netlab.Host) *Census {
	t.Helper()
	c := &Census{address: netip.MustParseAddr(address)}
	socket := OpenWire(t, from)
	ask := question(socket.MAC, netip.MustParseAddr(asker), c.address)
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for tick := time.NewTicker(askEvery); ; {
			socket.Send(ask)
			select {
			case <-tick.C:
			case <-stop:
				tick.Stop()
				return
			}
		}
	})
	for _, h := range others {
		fd := openPacketSocket(t, h, unix.ETH_P_ALL) // others do not see what leaves
		running.Go(func() { c.listen(h.Name, fd, stop) })
	}
	t.Cleanup(func() { close(stop); running.Wait() })
	return c
}

// listen takes down the answers of a host.
func (c *Census) listen(host string, fd int, stop <-chan struct{}) {
	defer func() { _ = unix.Close(fd) }()
	patience := unix.NsecToTimeval(int64(100 * time.Millisecond))
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience)
	buf := make([]byte, 1<<11)
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		select {
		case <-stop:
			return
		default:
		}
		if link, ok := from.(*unix.SockaddrLinklayer); err != nil || !ok || link.Pkttype != unix.PACKET_OUTGOING || n < 14 {
			continue
		}
		if isAnswer(netlab.Frame{Data: buf[:n]}, c.address) {
			c.add(host, time.Now())
		}
	}
}

// add prolongs the host's last span, or begins a new one.
func (c *Census) add(host string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.spans) - 1; i >= 0; i-- {
		if s := &c.spans[i]; s.Host == host {
			if at.Sub(s.To) > askGap {
				break
			}
			s.To = at
			return
		}
	}
	c.spans = append(c.spans, Span{host, at, at})
}

// Span is a time in which one host answered for the address.
type Span struct {
	Host     string
	From, To time.Time
}

func (s Span) String() string {
	return fmt.Sprintf("%s %s..%s", s.Host, s.From.Format("05.000"), s.To.Format("05.000"))
}

// Spans are the times of each host since a moment, in the order in which they began.
func (c *Census) Spans(since time.Time) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Span
	for _, s := range c.spans {
		if !s.To.Before(since) {
			s.From = later(s.From, since)
			all = append(all, s)
		}
	}
	return all
}

// Holders are the hosts that answered within the last askGap.
func (c *Census) Holders() []string {
	var names []string
	for _, s := range c.Spans(time.Now().Add(-askGap)) {
		names = append(names, s.Host)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// WaitFor waits until exactly these hosts hold the address.
func (c *Census) WaitFor(t testing.TB, limit time.Duration, hosts ...string) {
	t.Helper()
	slices.Sort(hosts)
	for end := time.Now().Add(limit); !slices.Equal(c.Holders(), hosts); time.Sleep(askEvery) {
		if time.Now().After(end) {
			t.Fatalf("%s is held by %v, want %v; so far %v", c.address, c.Holders(), hosts, c.Spans(time.Time{}))
		}
	}
}

// Double is how long, since a moment, two hosts answered at the same time.
func (c *Census) Double(since time.Time) time.Duration {
	var sum time.Duration
	spans := c.Spans(since)
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if a.Host != b.Host {
				sum += max(0, earlier(a.To, b.To).Sub(later(a.From, b.From)))
			}
		}
	}
	return sum
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
