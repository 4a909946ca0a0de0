package hosts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// worked is for how long pairkeeper has used a processor on a host.
func (p *pair) worked(h *hostlab.Host) time.Duration {
	p.t.Helper()
	text := h.Run(p.t, "cat", "/sys/fs/cgroup/system.slice/pairkeeper.service/cpu.stat")
	var us int64
	if _, err := fmt.Sscanf(text, "usage_usec %d", &us); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	return time.Duration(us) * time.Microsecond
}

// A flood at the heartbeat's port may cost the heartbeat, and moves nothing: the adverts keep
// time, and the daemon leaves the host its processors.
func TestAFloodAtTheHeartbeatMovesNothing(t *testing.T) {
	p := newReferredPair(t, "")
	heard := newCable(t, p.a, 1).heartbeats(time.Second)
	forged := slices.Clone(heard[0].message)
	forged[len(forged)-1] ^= 1
	const stranger = "10.78.0.77"
	for _, c := range []struct {
		name    string
		at      *hostlab.Host
		from    string
		message []byte
	}{
		{"garbage from the Backup's address at the Active", p.a, p.b.HeartbeatAddr(), []byte(strings.Repeat("garbage ", 12))},
		{"forged heartbeats from the Backup's address at the Active", p.a, p.b.HeartbeatAddr(), forged},
		{"forged heartbeats from the Active's address at the Backup", p.b, p.a.HeartbeatAddr(), forged},
		{"a heartbeat of the Backup, again and again, at the Active", p.a, p.b.HeartbeatAddr(), nil},
		{"a heartbeat of the Active, again and again, at the Backup", p.b, p.a.HeartbeatAddr(), nil},
		{"garbage from a stranger's address at the Active", p.a, stranger, []byte("garbage")},
		{"garbage from a stranger's address at the Backup", p.b, stranger, []byte("garbage")},
	} {
		const long = 2 * time.Second
		p.calm()
		p.mark()
		line := newCable(t, c.at, 1)
		for _, m := range heard {
			if c.message == nil && m.from.String() == c.from {
				c.message = m.message
			}
		}
		before, adverts, begun := p.worked(c.at), p.sent(p.a), time.Now()
		n := line.flood(datagram(c.at, c.from, c.message), long)
		lasted, used := time.Since(begun), p.worked(c.at)-before
		due, sent := uint64(lasted/(200*time.Millisecond)), p.sent(p.a)-adverts
		o := p.client.Outage()
		t.Logf("%s: %d a second; the daemon used %.0f %% of a processor; %d of %d adverts; %v; two holders: %s",
			c.name, int(float64(n)/long.Seconds()), 100*used.Seconds()/lasted.Seconds(), sent, due, o, p.census.DualTime())
		if got := p.client.Hosts(); len(got) != 1 || got[0] != "lb01" || o.Total > blink+o.Stall {
			t.Errorf("answered by %v, want lb01 alone; %v", got, o)
		}
		if sent < due*9/10 {
			t.Errorf("%d adverts were sent, %d were due", sent, due)
		}
		if used > lasted/2 {
			t.Errorf("the daemon used %s of %s", used, lasted)
		}
		p.neverTwo()
		p.awaitState(p.b, "BACKUP")
	}
	for _, h := range p.nodes() {
		text := p.journal(h)
		if n := strings.Count(text, "is refused"); n > 10 {
			t.Errorf("%s has written %d records of refused heartbeats", h.Name(), n)
		}
		if strings.Count(text, "-> ACTIVE")+strings.Count(text, "-> BACKUP") > 2 {
			t.Errorf("something has moved:\n%s", text)
		}
	}
	p.wantJournal(p.a, "(heartbeat-garbage)", "(heartbeat-bad-mac)", "(heartbeat-replay)")
}
