//go:build linux

package main

import "time"

// watchFor is how long the idle daemons are watched in a run.
const watchFor = 10 * time.Second

// idleScenarios measure what the daemons cost when nothing happens.
func idleScenarios() []scenario {
	bare := settings{version: 3, interval: 200 * time.Millisecond}
	looking := bare
	looking.look, looking.every = true, time.Second
	idle := func(name, title string, contestants []contestant) scenario {
		return scenario{
			name: name, title: title, share: 10, contestants: contestants, run: watch,
			measures: []quantity{
				{"CPU of the Active", inCPU}, {"CPU of the Backup", inCPU},
				{"RSS of the Active", inMiB}, {"RSS of the Backup", inMiB},
				{"PSS of the Active", inMiB}, {"PSS of the Backup", inMiB},
			},
		}
	}
	return []scenario{
		idle("idle-check", "idle, nginx is looked at; v3, 200 ms", []contestant{
			{ours + ", HTTP probe every 500 ms", ours, looking}, {theirs + ", curl script every 1 s", theirs, looking},
		}),
		idle("idle-bare", "idle, no check; v3, 200 ms", both(bare)),
	}
}

// watch measures both daemons with no client on the network.
func watch(p *pair, _ contestant) []float64 {
	p.client.Stop()
	time.Sleep(time.Second)
	nodes := []node{first, second}
	var before, cpu, rss, pss []float64
	for _, n := range nodes {
		before = append(before, cpuSeconds(p.daemons[n.name].pids()))
	}
	start := time.Now()
	time.Sleep(watchFor)
	minutes := time.Since(start).Minutes()
	for i, n := range nodes {
		pids := p.daemons[n.name].pids()
		cpu = append(cpu, (cpuSeconds(pids)-before[i])/minutes)
		r, s := memory(pids)
		rss, pss = append(rss, r), append(pss, s)
	}
	return append(append(cpu, rss...), pss...)
}
