//go:build linux

package hostlab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// answerWithin is how long the client waits for one answer.
const answerWithin = 500 * time.Millisecond

// Sample is one request of a Client.
type Sample struct {
	Asked time.Time
	Done  time.Time
	Host  string // the host that answered; empty on error
	Err   error
}

// Client asks a web site all the time, a new connection for each request, so it sees
// an outage as users do. Slow requests do not hold up the next ones.
type Client struct {
	site  netip.AddrPort
	dial  dial
	every time.Duration
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex
	mark    time.Time
	samples []Sample // since the mark, in the order of Done
	last    string
	stall   time.Duration
}

// dial opens a connection, as net.Dialer does.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// NewClient starts to ask the site.
func NewClient(site netip.AddrPort, every time.Duration) *Client {
	return newClient(new(net.Dialer).DialContext, site, every)
}

// NewClientIn starts to ask the site from a host of a netlab.
func NewClientIn(h *netlab.Host, site netip.AddrPort, every time.Duration) *Client {
	from := func(ctx context.Context, network, address string) (c net.Conn, err error) {
		h.Do(func() { c, err = new(net.Dialer).DialContext(ctx, network, address) })
		return c, err
	}
	return newClient(from, site, every)
}

func newClient(from dial, site netip.AddrPort, every time.Duration) *Client {
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{site: site, dial: from, every: every, stop: stop, mark: time.Now()}
	c.ended.Go(func() { c.run(ctx) })
	return c
}

// Stop ends the client; its records stay.
func (c *Client) Stop() {
	c.stop()
	c.ended.Wait()
}

func (c *Client) run(ctx context.Context) {
	ticker := time.NewTicker(c.every)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := time.Now()
			c.noteStall(now.Sub(last))
			last = now
			c.ended.Go(func() { c.request(ctx) })
		}
	}
}

func (c *Client) noteStall(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stall = max(c.stall, d)
}

func (c *Client) request(ctx context.Context) {
	asked := time.Now()
	ask, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	host, err := c.fetch(ask)
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.Before(c.mark) {
		return
	}
	c.samples = append(c.samples, Sample{Asked: asked, Done: time.Now(), Host: host, Err: err})
	if err == nil {
		c.last = host
	}
}

// fetch asks once and returns the body.
func (c *Client) fetch(ctx context.Context) (string, error) {
	conn, err := c.dial(ctx, "tcp", c.site.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetLinger(0) // leave no TIME_WAIT: ports would run out
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", c.site.Addr()); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return strings.TrimSpace(string(body)), err
}

// Mark forgets what was before: Outage, Samples and Hosts begin here. Requests that
// are under way are not counted.
func (c *Client) Mark() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark, c.samples, c.stall = time.Now(), nil, 0
}

// Who is the host that gave the last answer, empty before the first.
func (c *Client) Who() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Samples are the requests since the mark that have ended.
func (c *Client) Samples() []Sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.samples)
}

// Hosts are those that answered since the mark, in order, without repetition: after
// a clean failover [h1 h2].
func (c *Client) Hosts() []string {
	var hosts []string
	for _, s := range c.Samples() {
		if s.Err == nil && (len(hosts) == 0 || hosts[len(hosts)-1] != s.Host) {
			hosts = append(hosts, s.Host)
		}
	}
	return hosts
}

// WaitFor waits until the site has been answered by the host since the last Mark, or
// the beginning, and by it last.
func (c *Client) WaitFor(t T, host string, limit time.Duration) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(c.every) {
		hosts := c.Hosts()
		if len(hosts) > 0 && hosts[len(hosts)-1] == host {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not answered by %s within %v; since the mark: %v, %v", c.site, host, limit, hosts, c.Outage())
		}
	}
}

// WaitForAnswer waits until a request that is made from now on has been answered, by
// whomever.
func (c *Client) WaitForAnswer(t T, limit time.Duration) {
	t.Helper()
	begun := time.Now()
	answered := func(s Sample) bool { return s.Err == nil && s.Asked.After(begun) }
	for !slices.ContainsFunc(c.Samples(), answered) {
		if time.Since(begun) > limit {
			t.Fatalf("%s is not answered within %v; since the mark: %v", c.site, limit, c.Outage())
		}
		time.Sleep(c.every)
	}
}
