//go:build linux

package main

import "time"

// lookEvery is pairkeeper's default between two looks of a probe.
const lookEvery = 500 * time.Millisecond

var outageOnly = []quantity{{"outage", inSeconds}}

// proxyScenarios kill the holder's nginx.
func proxyScenarios() []scenario {
	guarded := settings{version: 3, interval: 200 * time.Millisecond, guard: true}
	checking := func(every time.Duration) settings {
		s := guarded
		s.every = every
		return s
	}
	contestants := []contestant{
		{name: ours, kind: ours, settings: guarded},
		{name: "keepalived, check_web.sh every 5 s", kind: theirs, settings: checking(5 * time.Second)},
		{name: "keepalived, check_web.sh every 1 s", kind: theirs, settings: checking(time.Second)},
	}
	return []scenario{
		{
			name: "proxy-dies", title: "nginx killed, can be restarted",
			share: 2, measures: outageOnly, contestants: contestants,
			run: func(p *pair, c contestant) []float64 {
				awaitPhase(max(lookEvery, c.every))
				return []float64{seconds(p.outage("", p.proxies[first.name].kill))}
			},
		},
		{
			name: "proxy-broken", title: "nginx killed, cannot be restarted; v3, 200 ms",
			share: 4, measures: outageOnly, contestants: contestants,
			run: func(p *pair, c contestant) []float64 {
				awaitPhase(max(lookEvery, c.every))
				p.proxies[first.name].spoil()
				return []float64{seconds(p.outage(second.name, p.proxies[first.name].kill))}
			},
		},
	}
}
