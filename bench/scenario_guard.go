//go:build linux

package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// deed is what befalls a guarded proxy that is a unit of systemd.
type deed struct {
	name, title string
	share       int
	inflict     func(pids []int) // on its processes, the main one first
	spoil       bool             // it cannot be restarted: the other host has to answer
	blind       bool             // the tutorials' script does not see it
}

var deeds = []deed{
	{name: "kill", title: "kill -9 of all its processes", share: 1, inflict: signalled(unix.SIGKILL)},
	{name: "crash", title: "kill -9 of its main process", share: 2, inflict: func(pids []int) { signalAll(pids[:1], unix.SIGKILL) }},
	{name: "hang", title: "its workers hang (SIGSTOP)", share: 1, inflict: func(pids []int) { signalAll(pids[1:], unix.SIGSTOP) }, blind: true},
	{name: "freeze", title: "all its processes hang (SIGSTOP)", share: 2, inflict: signalled(unix.SIGSTOP), blind: true},
	{name: "broken", title: "kill -9, its configuration is broken", share: 1, inflict: signalled(unix.SIGKILL), spoil: true},
}

func signalled(signal unix.Signal) func([]int) {
	return func(pids []int) { signalAll(pids, signal) }
}

// hopeless is the share of those who never recover: each run waits for the whole limit.
const hopeless = 10

// guardScenarios are each deed on nginx and on HAProxy, on hosts with systemd.
func guardScenarios() []scenario {
	var list []scenario
	for i := range deeds {
		for _, s := range []site{nginxSite, haproxySite} {
			list = append(list, deeds[i].scenario(s))
		}
	}
	return list
}

func (d *deed) scenario(s site) scenario {
	guarded := settings{version: 3, interval: 200 * time.Millisecond, guard: true}
	contestants := []contestant{{name: ours, kind: ours, settings: guarded}}
	for _, every := range []time.Duration{5 * time.Second, 2 * time.Second, time.Second} {
		c := contestant{name: "keepalived, check_web.sh every " + phrase(every), kind: theirs, settings: guarded}
		c.every = every
		if d.blind {
			c.share = hopeless
		}
		contestants = append(contestants, c)
	}
	answered := "answering again"
	if d.spoil {
		answered = "answered by the peer"
	}
	return scenario{
		name: fmt.Sprintf("guard-%s-%s", d.name, s.name), title: s.unit() + ": " + d.title,
		share: d.share, measures: []quantity{{"noticed", inSeconds}, {answered, inSeconds}},
		contestants: contestants, apart: true, deed: d, site: s,
	}
}

// suffer inflicts the deed on the lane's first host and waits for the recovery. It tells
// when that was, how long the recovery took, and for how long the client did not ask.
func (l *lane) suffer(d *deed) (fault time.Time, answered float64, stall time.Duration) {
	by := l.a.Name()
	if d.spoil {
		l.a.Write(l, l.site.config, l.kept+l.site.bad+"\n", 0o644)
		by = l.b.Name()
	}
	awaitPhase(max(lookEvery, l.every))
	pids := byRank(l.a.UnitProcesses(l.site.unit()))
	if len(pids) < 2 {
		l.Fatalf("%s: %s has the processes %v: want a main one and workers", l.a.Name(), l.site.unit(), pids)
	}
	l.client.Mark()
	fault = time.Now()
	d.inflict(pids)
	answered = l.answered(by, fault)
	return fault, answered, l.client.Outage().Stall
}
