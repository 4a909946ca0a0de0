//go:build linux

package main

import (
	"slices"
	"time"
)

// What idle daemons are watched for in a run, and how long they are left alone before:
// keepalived announces its addresses again five seconds after it has taken them.
const (
	watchFor      = 10 * time.Second
	watchManyFor  = 20 * time.Second
	settleFor     = time.Second
	settleManyFor = 7 * time.Second
)

// spent is what a pair of idle daemons costs.
var spent = []quantity{
	{"CPU of the Active", inCPU}, {"CPU of the Backup", inCPU},
	{"RSS of the Active", inMiB}, {"RSS of the Backup", inMiB},
	{"PSS of the Active", inMiB}, {"PSS of the Backup", inMiB},
	{"state changes", inTimes},
}

// idleScenarios measure what the daemons cost when nothing happens.
func idleScenarios() []scenario {
	bare := settings{version: 3, interval: 200 * time.Millisecond}
	looking := bare
	looking.look, looking.every = true, time.Second
	idle := func(name, title string, share int, contestants []contestant, run func(p *pair, c contestant) []float64) scenario {
		return scenario{name: name, title: title, share: share, contestants: contestants, run: run, measures: spent}
	}
	return []scenario{
		idle("idle-check", "idle, nginx is looked at; v3, 200 ms", 20, []contestant{
			{name: ours + ", HTTP probe every 500 ms", kind: ours, settings: looking}, {name: theirs + ", curl script every 1 s", kind: theirs, settings: looking},
		}, watch(settleFor, watchFor)),
		idle("idle-bare", "idle, no check; v3, 200 ms", 20, both(bare), watch(settleFor, watchFor)),
		idle("idle-250", "idle, 250 virtual routers; v3, 100 ms", 10,
			both(settings{version: 3, interval: 100 * time.Millisecond, many: 250, realTime: true}), watch(settleManyFor, watchManyFor)),
	}
}

// watch measures both daemons with no client on the network.
func watch(settle, long time.Duration) func(p *pair, _ contestant) []float64 {
	return func(p *pair, _ contestant) []float64 {
		p.client.Stop()
		time.Sleep(settle)
		nodes := []node{first, second}
		var before, cpu, rss, pss []float64
		for _, n := range nodes {
			before = append(before, cpuSeconds(p.daemons[n.name].pids()))
		}
		changes := p.changes()
		start := time.Now()
		time.Sleep(long)
		minutes := time.Since(start).Minutes()
		for i, n := range nodes {
			pids := p.daemons[n.name].pids()
			cpu = append(cpu, (cpuSeconds(pids)-before[i])/minutes)
			r, s := memory(pids)
			rss, pss = append(rss, r), append(pss, s)
		}
		return append(slices.Concat(cpu, rss, pss), float64(p.changes()-changes))
	}
}
