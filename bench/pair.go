//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// pair is a tool on both hosts, ready for the fault.
type pair struct {
	*lab
	daemons map[string]daemon
	proxies map[string]*nginx
	quick   bool // -quick
}

// Time limits. Nothing of what is measured comes near them.
const (
	readyWithin   = 30 * time.Second
	recoverWithin = 30 * time.Second
)

// ready starts the tool on both hosts, the first holder first, and waits until the
// one holds the address and the other stands by.
func (p *pair) ready(t tool, s settings) {
	for _, n := range []node{first, second} {
		h := p.hosts[n.name]
		p.proxies[n.name] = newNginx(h)
		if s.probes != "" && n == first {
			h.neverAnswer()
		}
		if s.servers > 0 && n == first {
			p.serveMany()
		}
		if !s.guard || !t.bringsProxy() {
			p.proxies[n.name].start()
		}
		p.daemons[n.name] = t.start(h, s)
		if n == first {
			p.await(first, "holds the address", p.daemons[first.name].active)
		}
	}
	p.await(second, "stands by", p.daemons[second.name].backup)
	since := onlooker.Now()
	p.await(first, "answers the client", func() bool { return p.client.Answered(first.name, since) })
	time.Sleep(s.interval + 200*time.Millisecond) // hear an advert, let the machine calm down
	if s.many > 1 {                               // with many, one may have lost its address again
		p.await(first, "holds every address", p.daemons[first.name].active)
		p.await(second, "stands by for every address", p.daemons[second.name].backup)
	}
}

// await waits until the node does what is claimed.
func (p *pair) await(n node, claim string, holds func() bool) {
	for end := time.Now().Add(readyWithin); !holds(); time.Sleep(20 * time.Millisecond) {
		if !p.daemons[n.name].process().alive() {
			p.Fatalf("%s: the daemon ended before it %s", n.name, claim)
		}
		if time.Now().After(end) {
			p.Fatalf("%s: not within %v: it %s", n.name, readyWithin, claim)
		}
	}
}

// died bounds how long a killed process may go on answering.
const died = 20 * time.Millisecond

// outage inflicts the fault and measures how long the client has no answer; the
// address must then be served by the host, or by either if it is empty.
func (p *pair) outage(host string, fault func()) time.Duration {
	start := onlooker.Now()
	fault()
	since := onlooker.Now().Add(died)
	for end := time.Now().Add(recoverWithin); !p.client.Answered(host, since); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("no answer of %s within %v of the fault; %s", orAny(host), recoverWithin, p.client.Story(start))
		}
	}
	time.Sleep(2 * onlooker.AnswerWithin) // it must last, too
	p.note(start)
	return p.client.Outage(start, onlooker.Now())
}

func orAny(host string) string {
	if host == "" {
		return "anybody"
	}
	return host
}

// note shows what the client saw, where logs are wanted.
func (p *pair) note(fault onlooker.Stamp) {
	if showLogs {
		fmt.Fprintln(os.Stderr, "  ", p.client.Story(fault))
	}
	if text := p.client.Problem(); text != "" {
		p.Fatalf("client: %s", text)
	}
}

// changes is how often a virtual router of either node has changed its state.
func (p *pair) changes() int {
	n := 0
	for _, d := range p.daemons {
		n += d.changes()
	}
	return n
}

func (p *pair) logs() string {
	text := ""
	for _, n := range []node{first, second} {
		if d := p.daemons[n.name]; d != nil {
			text += tail(d.log(), "    "+n.name+": ") + "\n"
		}
	}
	return text
}

// showLogs is -logs.
var showLogs bool

// once makes a pair of the contestant, lets the scenario measure it, and takes
// everything away.
func once(s scenario, c contestant, o options) (values []float64, stall time.Duration, err error) {
	l, err := newLab()
	if err != nil {
		return nil, 0, err
	}
	defer l.close()
	p := &pair{lab: l, daemons: map[string]daemon{}, proxies: map[string]*nginx{}, quick: o.quick}
	defer func() {
		if err != nil || showLogs {
			fmt.Fprint(os.Stderr, p.logs())
		}
	}()
	defer rescue(&err)
	p.ready(c.tool(o), c.settings)
	values = s.run(p, c)
	if len(values) != len(s.measures) {
		return nil, 0, errors.New("the scenario does not give what it says")
	}
	return values, l.client.Stalled(), nil
}
