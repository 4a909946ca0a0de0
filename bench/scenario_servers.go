//go:build linux

package main

import (
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	serversInterval = 5 * time.Second
	serversSettle   = 2 * serversInterval // every server has been looked at, more than once
	serversWatch    = 4 * serversInterval
	serversPort     = 8080
)

// serversScenario measures what real servers and their checks by TCP cost. The servers are on
// the other node, all behind one socket. keepalived checks none where the kernel has no IPVS.
func serversScenario() scenario {
	with := func(hundreds int) settings {
		return settings{version: 3, interval: 200 * time.Millisecond, servers: hundreds}
	}
	return scenario{
		name: "servers", title: fmt.Sprintf("idle, real servers with a TCP check every %s", serversInterval), share: 10, apart: true,
		measures: []quantity{{"CPU", inCPU}, {"CPU for a check", inMicros}, {"RSS", inMiB}, {"RSS for a server", inKiB}},
		contestants: []contestant{
			{name: ours + ", 10,000 servers", kind: ours, settings: with(100)},
			{name: ours + ", 1,000 servers", kind: ours, settings: with(10)},
			{name: ours + ", no server", kind: ours, settings: with(0)},
		},
		run: func(p *pair, c contestant) []float64 { return p.checkServers(c.servers * 100) },
	}
}

// writeServers writes virtual servers with a hundred servers each.
func writeServers(b *strings.Builder, hundreds int) {
	if hundreds == 0 {
		return
	}
	b.WriteString("virtual_servers:\n")
	for s := range hundreds {
		fmt.Fprintf(b, "  - {address: 10.98.0.%d, ports: [%d], forward: nat, when: always, check: {tcp: {}, interval: %s}, servers: [", s+1, serversPort, serversInterval)
		for i := range 100 {
			fmt.Fprintf(b, "{address: 10.99.%d.%d}, ", s, i+1)
		}
		b.WriteString("]}\n")
	}
}

// serveMany has the second host accept connections to all servers, and the first one send
// them there.
func (p *pair) serveMany() {
	from, to := p.hosts[first.name].net, p.hosts[second.name].net
	from.Run("ip", "route", "add", "10.99.0.0/16", "via", second.address)
	to.Run("ip", "route", "add", "local", "10.99.0.0/16", "dev", "lo")
	var at net.Listener
	to.Do(func() {
		var err error
		at, err = net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", serversPort))
		p.must(err)
	})
	p.Cleanup(func() { _ = at.Close() })
	go func() {
		for {
			c, err := at.Accept()
			if err != nil {
				return // closed
			}
			_ = c.Close()
		}
	}()
}

// checkServers measures the first daemon with no client on the network. What it costs
// without any server is measured by itself, and is not taken off.
func (p *pair) checkServers(servers int) []float64 {
	p.client.Stop()
	time.Sleep(serversSettle)
	pids := p.daemons[first.name].pids()
	before, begin := cpuSeconds(pids), time.Now()
	time.Sleep(serversWatch)
	spent, took := cpuSeconds(pids)-before, time.Since(begin)
	rss, _ := memory(pids)
	looks := float64(servers) * took.Seconds() / serversInterval.Seconds()
	forCheck, forServer := 0.0, 0.0
	if servers > 0 {
		forCheck, forServer = spent/looks, rss*1024/float64(servers)
	}
	return []float64{spent / took.Minutes(), forCheck, rss, forServer}
}
