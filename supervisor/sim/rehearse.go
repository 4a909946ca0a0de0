package sim

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Rehearsal is one fault, played against the configuration of a pair.
type Rehearsal struct {
	Drill    Drill
	Services []Effect
}

// Effect is what a fault does to one service: a group, or a router that is alone.
type Effect struct {
	Service string
	Before  string        // who holds it, before
	After   string        // and when the fault has lasted; empty: nobody
	None    time.Duration // while it lasts, without anybody who serves
	Two     time.Duration // and with two holders that clients reach
	Lasts   bool          // nobody serves at the end of it
	Split   bool          // two hold at the end of it
	Moves   []Move        // why, in their order
	Finally string        // who holds it when everything is mended
	Mending Mending
	Verdict Verdict
}

// Mending is what happens when the fault ends.
type Mending struct{ None, Two time.Duration }

// Move is a router that changed its state, or something that its node told an operator.
type Move struct {
	At       time.Duration // since the fault
	Node     string
	From, To vrrp.State // the same: it is a note
	Reason   vrrp.Reason
	Detail   string
}

// Verdict is what is to be thought of an effect.
type Verdict string

// The verdicts.
const (
	Fine   Verdict = ""
	Outage Verdict = "outage"      // nobody serves, though a healthy node is there
	Twice  Verdict = "two-holders" // two hold, which could be prevented
	NoNode Verdict = "no-node"     // nobody serves, and no node could
	Stays  Verdict = "stays"       // the addresses stay with a node whose penalty should have moved them
	Parted Verdict = "parted"      // two hold, which only a third vote or a fence could prevent
)

// Bad tells that something could be done about it.
func (v Verdict) Bad() bool { return v == Outage || v == Twice }

// Rehearse plays a fault against both nodes' configurations, in several phases of
// everything that recurs, and returns the worst of them for each service.
func Rehearse(a, b supervisor.Config, d Drill, phases int) Rehearsal {
	r := Rehearsal{Drill: d}
	for seed := range uint64(phases) {
		for i, e := range rehearse(seed+1, a, b, d) {
			if seed == 0 {
				r.Services = append(r.Services, e)
			} else if worse(e, r.Services[i]) {
				r.Services[i] = e
			}
		}
	}
	return r
}

// worse orders effects by what an operator would mind most.
func worse(a, b Effect) bool {
	if a.Verdict != b.Verdict {
		return slices.Index(gravest, a.Verdict) > slices.Index(gravest, b.Verdict)
	}
	return cmp.Or(cmp.Compare(a.Two, b.Two), cmp.Compare(a.None, b.None)) > 0
}

var gravest = []Verdict{Fine, Stays, Parted, NoNode, Twice, Outage}

// rehearse plays a fault in one phase.
func rehearse(seed uint64, a, b supervisor.Config, d Drill) []Effect {
	w := New(seed, a, b)
	w.quiet = true
	pace := paceOf(&a)
	for _, h := range w.hosts {
		w.must(h, "power on")
	}
	at := pace.settle + w.latency(4*pace.interval)
	w.RunUntil(at)
	var effects []Effect
	for i, acc := range w.Accounts() {
		effects = append(effects, Effect{Service: w.ledger.services[i].name, Before: acc.Holder})
	}
	w.Mark()
	w.moved, w.marked = nil, w.now
	w.happen(d.Begin)
	w.RunUntil(at + pace.lasts(d))
	healthy := slices.ContainsFunc(w.hosts, (*host).healthy)
	for i, acc := range w.Accounts() {
		e := &effects[i]
		e.After, e.None, e.Two, e.Lasts, e.Split = acc.Holder, acc.None, acc.Split, !acc.Serving, acc.Both
		e.Moves = w.movesOf(i)
		e.Verdict = d.judge(e, healthy, pace)
	}
	w.Mark()
	w.happen(d.End)
	w.RunUntil(at + pace.lasts(d) + pace.mend)
	for i, acc := range w.Accounts() {
		e := &effects[i]
		e.Finally, e.Mending = acc.Holder, Mending{None: acc.None, Two: acc.Split}
		switch {
		case e.Verdict != Fine:
		case !acc.Serving:
			e.Verdict = Outage
		case acc.Split > pace.meet && !d.Parts:
			e.Verdict = Twice
		}
	}
	return effects
}

// judge tells what is to be thought of what a fault did.
func (d *Drill) judge(e *Effect, healthy bool, p pace) Verdict {
	switch {
	case e.Two > p.blink && d.Parts:
		return Parted
	case e.Two > p.blink:
		return Twice
	case e.Lasts && healthy && d.Parts:
		return Parted
	case e.Lasts && healthy:
		return Outage
	case e.Lasts:
		return NoNode
	case d.Worse != "" && e.Before == d.Worse && e.After == d.Worse:
		return Stays
	}
	return Fine
}

// pace is how long things may take in a pair.
type pace struct {
	interval time.Duration // the longest between two adverts
	settle   time.Duration // until the pair has settled after a start
	fault    time.Duration // that a fault lasts
	mend     time.Duration // for what comes after it
	blink    time.Duration // two holders for no longer than this is a frame under way
	meet     time.Duration // and for no longer than this two that find each other
}

func paceOf(cfg *supervisor.Config) pace {
	p := pace{interval: 100 * time.Millisecond}
	delay := time.Duration(0)
	for i := range cfg.Routers {
		p.interval = max(p.interval, cfg.Routers[i].VRRP.Interval)
		delay = max(delay, cfg.Routers[i].VRRP.PreemptDelay)
	}
	for i := range cfg.Probes {
		c := &cfg.Probes[i]
		p.settle = max(p.settle, time.Duration(c.Rise+c.Fall)*(c.Interval+c.Timeout))
	}
	p.settle += 5*time.Second + 10*p.interval
	p.fault = 2*p.settle + ladderTakes(&cfg.Proxy)
	p.mend = p.fault + delay + 10*time.Second
	p.blink = 10 * time.Millisecond
	p.meet = p.interval + 3*cfg.Heartbeat.Interval/2 + p.blink
	return p
}

// ladderTakes is how long a proxy is tried to be mended, at the most, about.
func ladderTakes(p *supervisor.Proxy) time.Duration {
	return time.Duration(p.Attempts+1) * (p.TestTimeout + p.RestartTimeout + p.Wait)
}

func (p *pace) lasts(d Drill) time.Duration { return max(p.fault, d.Lasts) }

// happen lets some things happen at once.
func (w *World) happen(list []Happening) {
	for _, x := range list {
		if err := w.Happen(x.Who, x.What); err != nil {
			panic(err)
		}
	}
}

// healthy tells whether a host could serve.
func (h *host) healthy() bool {
	if !h.powered || h.frozen || !h.running || h.paused || !h.proxy.serves() || !h.gateway || h.hook != agrees || len(h.node.Modes()) > 0 {
		return false
	}
	for _, n := range h.nics {
		if !n.passes() {
			return false
		}
	}
	return len(h.failing) == 0 || !slices.ContainsFunc(h.cfg.Probes, h.fails)
}

// moved is a move of a service.
type moved struct {
	service int // -1: of the node
	Move
}

// notice keeps what moves, and what an operator is told.
func (w *World) notice(h *host, a supervisor.Action) {
	m := Move{At: w.now - w.marked, Node: h.cfg.Node}
	router := ""
	switch a := a.(type) {
	case supervisor.Note:
		router, m.Reason, m.Detail = a.Router, a.Reason, a.Detail
	case supervisor.RouterAction:
		router = a.Router
		switch act := a.Action.(type) {
		case vrrp.Enter:
			m.From, m.To, m.Reason = act.From, act.To, act.Reason
		case vrrp.Note:
			m.Reason, m.Detail = act.Reason, act.Detail
		default:
			return
		}
	default:
		return
	}
	w.moved = append(w.moved, moved{w.ledger.of(router), m})
}

// of is the service of a router; -1: of none.
func (l *ledger) of(router string) int {
	return slices.IndexFunc(l.services, func(s *service) bool { return slices.Contains(s.names, router) })
}

// movesOf are the moves of a service since the mark, and what concerns the node.
func (w *World) movesOf(service int) (list []Move) {
	for _, m := range w.moved {
		if m.service == service || m.service < 0 {
			list = append(list, m.Move)
		}
	}
	return list
}

// RehearseAll plays some faults, each in as many phases as there is time for.
func RehearseAll(a, b supervisor.Config, drills []Drill) []Rehearsal {
	played := make([]Rehearsal, len(drills))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				played[i] = Rehearse(a, b, drills[i], phases)
			}
		})
	}
	for i := range drills {
		next <- i
	}
	close(next)
	wg.Wait()
	return played
}

// phases is how often a fault is rehearsed.
const phases = 5
