package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// cutoffs are what takes a third vote: the two do not hear each other, and both reach the
// gateway and the voter. One goes on, and never do both.
var cutoffs = map[string]row{
	"all":    {holders: "lb01", none: blink, two: busy},
	"from-a": {holders: "lb01 lb02", none: blink, two: busy},
	"from-b": {holders: "lb01", none: blink, two: busy},
}

// endureCutoffs lets these befall the pair, one after the other.
func (p *pair) endureCutoffs() {
	t := p.t
	defer func() { p.t = t }()
	for _, m := range mishap.All() {
		if r, ok := cutoffs[m.Name]; ok {
			t.Run(m.Name, func(t *testing.T) {
				p.t = t
				p.endure(m, r)
			})
		}
	}
}

// holds tells that lb01 alone goes on to answer for a while.
func (p *pair) holds(what string, long time.Duration) {
	p.t.Helper()
	p.mark()
	time.Sleep(long)
	o := p.client.Outage()
	p.t.Logf("%s: %v; two holders: %s", what, o, p.census.DualTime())
	if got := p.client.Hosts(); len(got) != 1 || got[0] != "lb01" || o.Total > blink+o.Stall {
		p.t.Errorf("%s: answered by %v, want lb01 alone; %v", what, got, o)
	}
	p.neverTwo()
}

// nobody tells that the address is not answered from now on, for a while.
func (p *pair) nobody(what string, settled, long time.Duration) {
	p.t.Helper()
	time.Sleep(settled)
	p.mark()
	time.Sleep(long)
	p.t.Logf("%s: %v", what, p.client.Outage())
	if got := p.lab.Holders(p.t, vip); len(got) > 0 {
		p.t.Errorf("%s: %v holds", what, got)
	}
	if got := p.client.Hosts(); len(got) > 0 {
		p.t.Errorf("%s: answered by %v, want nobody", what, got)
	}
}

// wantExplained wants words in what `pairkeeper explain` says on a host.
func (p *pair) wantExplained(h *hostlab.Host, words ...string) {
	p.t.Helper()
	out := h.Run(p.t, "pairkeeper", "explain")
	for _, w := range words {
		if !strings.Contains(out, w) {
			p.t.Errorf("%s does not explain %q:\n%s", h.Name(), w, out)
		}
	}
}

func TestWithAWitnessTwoNeverHold(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy", "systemctl")
	lab := hostlab.New(t, "lb01", "lb02", "witness")
	w := lab.Host("witness")
	installWitness(t, w)
	p := newReferredPairIn(t, lab, "  witness: ["+w.Addr()+"]\n")
	p.endureCutoffs()

	w.Run(t, "systemctl", "stop", "pairkeeper-witness")
	p.holds("the witness is down", 3*time.Second)
	for _, h := range p.nodes() {
		p.wantJournal(h, "(voter-mute)", "witness "+w.Addr())
	}

	p.a.Crash(t)
	p.nobody("the witness is down, the holder's power is cut", 3*time.Second, 3*time.Second)
	p.wantJournal(p.b, "(no-vote)")
	p.wantExplained(p.b, "there is no vote that would let this one take the addresses", "see in `pairkeeper status` which witness does not answer, and bring it back", w.Addr())

	p.mark()
	w.Run(t, "systemctl", "start", "pairkeeper-witness")
	p.client.WaitFor(t, "lb02", soon)
	p.wantJournal(p.b, "(voter-back)", "BACKUP -> ACTIVE")
	p.a.Start(t)
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()
}
