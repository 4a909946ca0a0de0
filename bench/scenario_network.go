//go:build linux

package main

import "time"

// networkScenarios take the holder off the network, as a power cut looks to the others.
func networkScenarios() []scenario {
	cut := func(name, title string, share int, s settings) scenario {
		return scenario{
			name: name, title: title, share: share, measures: outageOnly, contestants: both(s),
			run: func(p *pair, c contestant) []float64 {
				awaitPhase(c.interval)
				cable := p.hosts[first.name].net.Cable(nic)
				return []float64{seconds(p.outage(second.name, cable.Cut))}
			},
		}
	}
	return []scenario{
		cut("cut-v2-1s", "node cut off; v2, 1 s", 5, settings{version: 2, interval: time.Second}),
		cut("cut-v3-200ms", "node cut off; v3, 200 ms", 2, settings{version: 3, interval: 200 * time.Millisecond}),
		cut("cut-v3-10ms", "node cut off; v3, 10 ms", 2, settings{version: 3, interval: 10 * time.Millisecond, realTime: true}),
	}
}
