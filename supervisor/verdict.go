package supervisor

import (
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
)

// Verdict is what a node is worth to its clients, in one word.
type Verdict uint8

// The verdicts.
const (
	Unknown  Verdict = iota // not everything that counts has been looked at yet
	Healthy                 // it can serve
	Degraded                // it can serve, but something takes from its priority, or is being mended
	Failed                  // it must not serve
)

var verdictWords = [...]string{"unknown", "healthy", "degraded", "failed"}

// String is a stable word.
func (v Verdict) String() string { return verdictWords[v] }

// Health is a node's verdict, and what makes it so.
type Health struct {
	Verdict Verdict
	Why     string    // the worst part; empty: Healthy
	Since   time.Time // of that
	Parts   []Part    // the proxy, the probes, what is tracked, the routers; in this order
}

// Kind is what a Part is about.
type Kind uint8

// The kinds.
const (
	PartProxy Kind = iota
	PartProbe
	PartTrack
	PartRouter
)

var kindWords = [...]string{"proxy", "probe", "track", "router"}

// String is a stable word.
func (k Kind) String() string { return kindWords[k] }

// Part is what one thing contributes to a verdict.
type Part struct {
	Kind    Kind
	Name    string
	Verdict Verdict
	// Penalty is what it takes from the priority now, compared with its best.
	Penalty int
	// Router is the only one that it concerns; empty: all.
	Router string
	Why    string    // what is wrong; empty: nothing
	Since  time.Time // when that began; zero: not known
}

// String says a part in one line.
func (p *Part) String() string {
	text := p.Kind.String() + " " + p.Name
	if p.Penalty > 0 {
		text += fmt.Sprintf(" takes %d", p.Penalty)
	}
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

// Health is the verdict of the node at present.
func (n *Node) Health() Health {
	var h Health
	if n.cfg.Proxy.Guarded() {
		h.Parts = append(h.Parts, n.guard.part())
	}
	for i := range n.probes {
		h.Parts = append(h.Parts, n.probePart(&n.probes[i]))
	}
	seen := map[Track]bool{}
	for _, r := range n.routers {
		for i := range r.cfg.Track {
			if t := &r.cfg.Track[i]; !seen[*t] {
				seen[*t] = true
				h.Parts = append(h.Parts, n.trackPart(r, t))
			}
		}
	}
	for _, r := range n.routers {
		if p := r.part(); p.Verdict != Healthy {
			h.Parts = append(h.Parts, p)
		}
	}
	h.judge(n)
	return h
}

// judge makes one verdict of the parts. What takes out only some of the routers leaves the
// node of use to the others.
func (h *Health) judge(n *Node) {
	lost := 0
	for _, r := range n.routers {
		if isFault(r.fault) || r.failing != "" {
			lost++
		}
	}
	worst := -1
	h.Verdict = Healthy
	for i, p := range h.Parts {
		v := p.Verdict
		if v == Failed && p.Router != "" && lost < len(n.routers) {
			v = Degraded
		}
		if gravity[v] > gravity[h.Verdict] {
			h.Verdict, worst = v, i
		}
	}
	if worst >= 0 {
		h.Why, h.Since = h.Parts[worst].String(), h.Parts[worst].Since
	}
}

// gravity orders verdicts: what is not known yet may turn out as failed.
var gravity = [...]int{Healthy: 0, Degraded: 1, Unknown: 2, Failed: 3}

// part is the proxy's. While the ladder mends it the node stays in.
func (g *guard) part() Part {
	p := Part{Kind: PartProxy, Name: g.cfg.Name(), Verdict: Healthy}
	switch fault := g.fault(); {
	case fault == ReasonStarting:
		p.Verdict, p.Why = Unknown, "nothing is known of it yet"
	case fault != "":
		p.Verdict, p.Why, p.Since = Failed, g.why, g.trouble
	case g.phase != Good:
		p.Verdict, p.Why, p.Since = Degraded, g.phase.String()+": "+g.why, g.trouble
	}
	if p.Why == "" && p.Verdict == Failed {
		p.Why = g.unit.String()
	}
	return p
}

// probePart is a probe's. One that asks the gateway counts if none of them gets an answer:
// the other node is better placed then. Nobody waits for it.
func (n *Node) probePart(p *probe) Part {
	if !p.cfg.OnFail.Act.Evidence() {
		return p.part()
	}
	part := Part{Kind: PartProbe, Name: p.cfg.Name, Verdict: Healthy}
	if p.cfg.OnFail.Act == probes.Arbitrate && p.counter.State() == probes.Failed && n.gateway() == fencing.Lost {
		part.Verdict, part.Why, part.Since = Degraded, p.detail, p.since
	}
	return part
}

// part is a probe's.
func (p *probe) part() Part {
	part := Part{Kind: PartProbe, Name: p.cfg.Name, Verdict: Healthy, Since: p.since}
	on, state := p.cfg.OnFail, p.counter.State()
	offset, weighs := p.offset()
	out, why := p.out()
	switch {
	case state == probes.Unknown && on.Act != probes.Weigh: // else nobody waits for it
		return Part{Kind: PartProbe, Name: p.cfg.Name, Verdict: Unknown, Why: "has not said anything yet"}
	case out:
		part.Verdict, part.Why = Failed, p.plain(why)
	case on.Act == probes.Guard && state == probes.Failed: // what comes of it is the proxy's part
		part.Verdict, part.Why = Degraded, p.detail
	case p.cfg.HasValue() && offset < 0:
		part.Verdict, part.Penalty, part.Why = Degraded, -offset, p.plain(weighs)
	case on.Act == probes.Weigh && state != probes.Unknown && !p.cfg.HasValue() && on.Loss(offset) > 0:
		part.Verdict, part.Penalty, part.Why = Degraded, on.Loss(offset), p.detail
	default:
		part.Since = time.Time{}
	}
	return part
}

// plain is what is said of a probe without its name.
func (p *probe) plain(why string) string {
	why = strings.TrimPrefix(why, "probe "+p.cfg.Name)
	return strings.TrimPrefix(strings.TrimPrefix(why, ": "), " ")
}

// trackPart is that of an interface that a router depends on.
func (n *Node) trackPart(r *router, t *Track) Part {
	p := Part{Kind: PartTrack, Name: t.Interface, Verdict: Healthy, Router: r.cfg.Name}
	link, known := n.link(t.Interface)
	met, why := t.met(link, known)
	if met {
		why = "is up, and must not be"
	}
	loss := probes.OnFail{Weight: t.Weight, Reverse: t.Reverse}.Loss(t.offset(met))
	switch {
	case !known && t.Weight == 0:
		p.Verdict, p.Why = Unknown, why
	case !known:
	case t.fatal(met):
		p.Verdict, p.Why = Failed, why
	case loss > 0:
		p.Verdict, p.Penalty, p.Why = Degraded, loss, why
	}
	return p
}

// part is what keeps a router out that no other part tells of: its interface, its address.
func (r *router) part() Part {
	p := Part{Kind: PartRouter, Name: r.cfg.Name, Verdict: Healthy, Router: r.cfg.Name}
	switch r.fault {
	case "", ReasonStopping, ReasonReconfigured, ReasonGroup, ReasonTrack, ReasonProbe,
		ReasonProxyDown, ReasonProxyStopped, ReasonProxyMissing, ReasonProxyReturns, ReasonProxyUnknown:
	case ReasonStarting:
		p.Verdict, p.Why = Unknown, r.detail
	default:
		p.Verdict, p.Why, p.Since = Failed, r.detail, r.since
	}
	return p
}
