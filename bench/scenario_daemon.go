//go:build linux

package main

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// window is how long two holders are looked for.
const window = 10 * time.Second

// daemonScenarios end the holder's daemon while its host and its nginx go on.
func daemonScenarios() []scenario {
	alone := settings{version: 3, interval: 200 * time.Millisecond, look: true, every: time.Second}
	left := func(name, title string, fault func(d daemon)) scenario {
		return scenario{
			name: name, title: title, share: 10, contestants: both(alone),
			measures: []quantity{{"two holders within 10 s", inSeconds}, {"outage", inSeconds}},
			run: func(p *pair, c contestant) []float64 {
				awaitPhase(c.interval)
				start := onlooker.Now()
				fault(p.daemons[first.name])
				time.Sleep(window)
				p.note(start)
				end := start.Add(window)
				return []float64{seconds(p.client.TwoHolders(start, end)), seconds(p.client.Outage(start, end))}
			},
		}
	}
	return []scenario{
		left("daemon-kill", "daemon killed (kill -9), host lives; v3, 200 ms", killAll),
		left("daemon-hang", "daemon hangs (SIGSTOP), host lives; v3, 200 ms", func(d daemon) { signalAll(d.pids(), unix.SIGSTOP) }),
		{
			name: "daemon-stop", title: "orderly stop (SIGTERM); v3, 200 ms",
			share: 2, measures: []quantity{{"outage", inSeconds}, {"two holders", inSeconds}}, contestants: both(alone),
			run: func(p *pair, c contestant) []float64 {
				awaitPhase(c.interval)
				start := onlooker.Now()
				outage := p.outage(second.name, func() { signalAll(p.daemons[first.name].pids()[:1], unix.SIGTERM) })
				return []float64{seconds(outage), seconds(p.client.TwoHolders(start, onlooker.Now()))}
			},
		},
	}
}
