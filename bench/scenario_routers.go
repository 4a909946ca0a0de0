//go:build linux

package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const theirsRealTime = theirs + ", vrrp_rt_priority"

// outageOfMany is what many virtual routers are measured by: the one address that the
// client asks, and the last to be announced by the other node.
var outageOfMany = []quantity{{"outage of one", inSeconds}, {"all moved after", inSeconds}}

// routersScenarios take the holder of one and of many virtual routers away, by force and
// by order. keepalived has real-time priority as pairkeeper always has.
func routersScenarios() []scenario {
	cut := loss{"cut", "node cut off", func(p *pair) { p.hosts[first.name].net.Cable(nic).Cut() }}
	stop := loss{"stop", "orderly stop (SIGTERM)", func(p *pair) { signalAll(p.daemons[first.name].pids()[:1], unix.SIGTERM) }}
	const (
		slow   = time.Second
		quick  = 100 * time.Millisecond
		utmost = 10 * time.Millisecond
	)
	return []scenario{
		cut.of(1, slow, 6), cut.of(50, slow, 6), cut.of(250, slow, 6),
		cut.of(1, quick, 2), cut.of(50, quick, 2), cut.of(250, quick, 2),
		cut.of(1, utmost, 2), cut.of(50, utmost, 2),
		stop.of(1, slow, 10), stop.of(50, slow, 10), stop.of(250, slow, 10),
		stop.of(1, quick, 2), stop.of(50, quick, 2), stop.of(250, quick, 2),
		stop.of(1, utmost, 2), stop.of(50, utmost, 2),
	}
}

// loss is a way to lose the holder.
type loss struct {
	name, title string
	fault       func(p *pair)
}

func (l loss) of(many int, interval time.Duration, share int) scenario {
	s := settings{version: 3, interval: interval, many: many, realTime: true}
	return scenario{
		name:        fmt.Sprintf("routers-%s-%d-%s", l.name, many, word(interval)),
		title:       fmt.Sprintf("%s, %s; v3, %s", l.title, countOf(many), phrase(interval)),
		share:       share,
		measures:    outageOfMany,
		contestants: []contestant{{name: ours, kind: ours, settings: s}, {name: theirsRealTime, kind: theirs, settings: s}},
		run:         func(p *pair, c contestant) []float64 { return p.loseMany(c, l.fault) },
	}
}

// word is an interval as names have it, phrase as titles have it.
func word(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return fmt.Sprintf("%gs", d.Seconds())
}

func phrase(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

func countOf(n int) string {
	if n == 1 {
		return "1 virtual router"
	}
	return fmt.Sprintf("%d virtual routers", n)
}

// loseMany inflicts the fault and waits until the other node has every address.
func (p *pair) loseMany(c contestant, fault func(p *pair)) []float64 {
	ear := p.listen(second)
	p.prefer(p.asker)
	awaitPhase(c.interval)
	start := time.Now()
	outage := p.outage(second.name, func() { fault(p) })
	for end := start.Add(recoverWithin); ; time.Sleep(5 * time.Millisecond) {
		if last, ok := ear.all(c.routers()); ok {
			return []float64{seconds(outage), seconds(last.Sub(start))}
		}
		if time.Now().After(end) {
			p.Fatalf("%s has not announced every address within %v of the fault", second.name, recoverWithin)
		}
	}
}
