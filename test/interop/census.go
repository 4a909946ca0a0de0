//go:build linux

package interop

import (
	"fmt"
	"net/netip"
	"slices"
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

// Census asks by ARP who holds an address, all the time, and remembers the answers:
// what every other host on the network sees.
type Census struct {
	wire    *netlab.Capture
	address netip.Addr
	names   map[string]string // hosts by MAC
}

// StartCensus asks from one host until the test ends; the others may answer.
func StartCensus(t testing.TB, wire *netlab.Capture, from *netlab.Host, address string, others ...*netlab.Host) *Census {
	t.Helper()
	c := &Census{wire: wire, address: netip.MustParseAddr(address), names: map[string]string{}}
	for _, h := range others {
		c.names[h.Cable("eth0").MAC.String()] = h.Name
	}
	socket := OpenWire(t, from)
	request := arpRequest(socket.MAC, netip.IPv4Unspecified(), c.address)
	copy(request[28:32], []byte{10, 0, 0, 9})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(askEvery); ; {
			socket.Send(request)
			select {
			case <-tick.C:
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return c
}

// arpRequest is RFC 826 in an Ethernet frame to everybody.
func arpRequest(from [6]byte, sender, target netip.Addr) []byte {
	f := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	f = append(f, from[:]...)
	f = append(f, 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1)
	f = append(f, from[:]...)
	f = append(f, sender.AsSlice()...)
	f = append(f, 0, 0, 0, 0, 0, 0)
	return append(f, target.AsSlice()...)
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
	var all []Span
	last := map[string]int{}
	for _, f := range c.wire.Frames(c.isAnswer) {
		host := c.names[f.Source().String()]
		if f.At.Before(since) {
			continue
		}
		i, known := last[host]
		if !known || f.At.Sub(all[i].To) > askGap {
			last[host] = len(all)
			all = append(all, Span{host, f.At, f.At})
			continue
		}
		all[i].To = f.At
	}
	return all
}

func (c *Census) isAnswer(f netlab.Frame) bool {
	p := f.Payload()
	return f.IsARP() && len(p) >= 28 && p[7] == 2 && netip.AddrFrom4([4]byte(p[14:18])) == c.address
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

// Wire sends Ethernet frames from a host as they are.
type Wire struct {
	MAC [6]byte
	fd  int
}

// OpenWire opens a host's eth0 until the test ends.
func OpenWire(t testing.TB, host *netlab.Host) *Wire {
	t.Helper()
	cable := host.Cable("eth0")
	w := &Wire{MAC: [6]byte(cable.MAC)}
	host.Do(func() {
		var err error
		if w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(w.fd, &unix.SockaddrLinklayer{Ifindex: cable.Index}); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { _ = unix.Close(w.fd) })
	return w
}

// Send sends one frame; one that is lost is not missed.
func (w *Wire) Send(frame []byte) { _, _ = unix.Write(w.fd, frame) }
