package hosts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// row is what the fault matrix says of a mishap: of a pair with a heartbeat over a second link, a
// gateway, and no third vote. The bounds are the matrix's with what a busy machine of two
// processors adds.
type row struct {
	holders string        // who may answer while it lasts, in the order in which they come
	none    time.Duration // for how long nobody may answer, all told
	two     time.Duration // for how long both may
}

const (
	busy   = 50 * time.Millisecond // a take-over that a busy machine stretches
	blink  = 500 * time.Millisecond
	failed = 3 * time.Second // a down interval, and a busy machine
)

var matrix = map[string]row{
	"vrrp-from-a":    {holders: "lb01", none: blink, two: busy},
	"vrrp-from-b":    {holders: "lb01", none: blink, two: busy},
	"vrrp":           {holders: "lb01", none: blink, two: busy},
	"heartbeat":      {holders: "lb01", none: blink, two: busy},
	"not-arp":        {holders: "lb01", none: blink, two: busy},
	"isolated-a":     {holders: "lb01 lb02", none: failed, two: busy},
	"isolated-a-all": {holders: "lb01 lb02", none: failed, two: busy},
	"isolated-b-all": {holders: "lb01", none: blink, two: busy},
	"gateway-a":      {holders: "lb01 lb02", none: blink, two: busy},
	"gateway-both":   {holders: "lb01", none: blink, two: busy},
	"gateway-flaps":  {holders: "lb01 lb02", none: failed, two: busy},
	"loss":           {holders: "lb01 lb02", none: 6 * time.Second, two: 600 * time.Millisecond},
	"cable":          {holders: "lb01 lb02", none: failed, two: busy},
	"hangs":          {holders: "lb01 lb02", none: failed, two: busy},
	"killed":         {holders: "lb01 lb02", none: failed, two: busy},
	"frozen":         {holders: "lb01 lb02", none: failed, two: busy},
	"power":          {holders: "lb01 lb02", none: failed, two: busy},
	// Nobody can know here who lives: it takes a third vote.
	"all":    {holders: "lb01 lb02", none: failed, two: 30 * time.Second},
	"from-a": {holders: "lb01 lb02", none: failed, two: 3 * time.Second},
	"from-b": {holders: "lb01 lb02", none: failed, two: 5 * time.Second},
}

// TestTheFaultMatrix lets everything befall one pair, one after the other: while a mishap lasts and
// after it has ended, both hosts hold for no longer than the matrix says, nor does nobody.
func TestTheFaultMatrix(t *testing.T) {
	p := newReferredPair(t, "")
	for _, m := range mishap.All() {
		r, ok := matrix[m.Name]
		if !ok {
			t.Errorf("%s has no row", m.Name)
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			p.t = t
			p.endure(m, r)
		})
	}
}

// newReferredPair has a heartbeat over both networks, and the lab's referee for a gateway.
func newReferredPair(t *testing.T, arbitration string) *pair {
	t.Helper()
	netlab.Need(t, "nginx", "haproxy")
	return newReferredPairIn(t, hostlab.New(t, "lb01", "lb02"), arbitration)
}

// newReferredPairIn is newReferredPair in a lab that has more hosts.
func newReferredPairIn(t *testing.T, lab *hostlab.Lab, arbitration string) *pair {
	t.Helper()
	p := newPairIn(t, lab, nginx, "    flap_window: 0\n"+strings.ReplaceAll(linked, "["+hostlab.Gateway+"]", "["+hostlab.Referee+"]")+arbitration)
	for _, h := range p.nodes() {
		p.await(h, "the heartbeat is heard both ways", bothWays)
	}
	return p
}

func bothWays(s daemon.Status) bool {
	return s.Heartbeat != nil && !slices.ContainsFunc(s.Heartbeat.Links, func(l daemon.LinkStatus) bool { return l.State != "both-ways" })
}

// endure lets a mishap happen and end, and compares with its row.
func (p *pair) endure(m mishap.Mishap, r row) {
	p.t.Helper()
	stage := mishap.Stage{T: p.t, Lab: p.lab, A: p.a, B: p.b, Unit: "pairkeeper.service"}
	p.calm()
	p.mark()
	m.Begin(stage)
	time.Sleep(max(m.Lasts, 4*time.Second))
	during := p.client.Hosts()
	m.Ends(stage)
	p.calm()
	o, two := p.client.Outage(), p.census.DualTime()
	p.t.Logf("%s: answered by %v; %v; two holders: %s", m.Title, during, o, two)
	if two > r.two {
		p.t.Errorf("two hosts answered for the address for %s, at the most %s: %s", two, r.two, p.census)
	}
	if o.Total > r.none+o.Stall {
		p.t.Errorf("nobody answered for %s, at the most %s", o.Total, r.none)
	}
	for _, h := range during {
		if !strings.Contains(r.holders, h) {
			p.t.Errorf("answered by %s, want %s alone", h, r.holders)
		}
	}
	if p.t.Failed() {
		for _, h := range p.nodes() {
			p.t.Logf("%s:\n%s", h.Name(), h.Journal(p.t, "-u", "pairkeeper", "-o", "short-precise", "-n", "40"))
		}
	}
}

// calm waits until lb01 holds the address, lb02 stands by, and they hear each other.
func (p *pair) calm() {
	p.t.Helper()
	state := func(want string) func(daemon.Status) bool {
		return func(s daemon.Status) bool { return bothWays(s) && s.Routers[0].State == want }
	}
	p.await(p.a, "lb01 is ACTIVE, and the heartbeat is heard", state("ACTIVE"))
	p.await(p.b, "lb02 is BACKUP, and the heartbeat is heard", state("BACKUP"))
	p.client.WaitFor(p.t, "lb01", soon)
}
