//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// How long a pair with many probes is left alone and then watched in a run.
const (
	probesSettle = 3 * time.Second // every probe has been looked at
	probesWatch  = 20 * time.Second
	manyProbes   = 500
	fewProbes    = 50
)

// probesScenarios measure what many probes cost, and what they do to the adverts.
func probesScenarios() []scenario {
	plain := settings{version: 3, interval: 200 * time.Millisecond}
	with := func(probes string, scripts int) settings {
		s := plain
		s.probes, s.scripts = probes, scripts
		return s
	}
	few := fmt.Sprintf(", %d ", fewProbes)
	list := []scenario{{
		name: "guard-cpu", title: fmt.Sprintf("idle, %d looks a second; v3, 200 ms", fewProbes), share: 10, apart: true,
		measures: []quantity{{"CPU of the Active", inCPU}, {"CPU of what it starts", inCPU}, {"RSS of the Active", inMiB}},
		contestants: []contestant{
			{name: ours + few + "HTTP probes", kind: ours, settings: with(fewOf("http: http://127.0.0.1/"), 0)},
			{name: ours + few + "exec probes of /bin/true", kind: ours, settings: with(fewOf("exec: /bin/true"), 0)},
			{name: theirs + few + "vrrp_scripts of /bin/true", kind: theirs, settings: with("", fewProbes)},
			{name: ours + ", no probe", kind: ours, settings: plain},
			{name: theirs + ", no script", kind: theirs, settings: plain},
		},
		run: func(p *pair, _ contestant) []float64 { return p.spend() },
	}}
	for _, interval := range []time.Duration{100 * time.Millisecond, 10 * time.Millisecond} {
		list = append(list, advertsBeside(interval, false), advertsBeside(interval, true))
	}
	return list
}

// fewOf is the configuration of some probes alike.
func fewOf(check string) string {
	var b strings.Builder
	for i := range fewProbes {
		fmt.Fprintf(&b, "  - {name: p%d, %s, interval: 1s, timeout: 700ms}\n", i, check)
	}
	return b.String()
}

// hungPort is where a request is taken and never answered.
const hungPort = 81

// manyKinds is the configuration of many probes, good, bad and hung; what they find
// changes nothing.
func manyKinds() string {
	kinds := []string{
		"http: http://127.0.0.1/", fmt.Sprintf("http: http://127.0.0.1:%d/", hungPort), "tcp: '127.0.0.1:1'",
		"exec: [/bin/sleep, '1000']", "file: /etc/hostname",
	}
	var b strings.Builder
	for i := range manyProbes {
		fmt.Fprintf(&b, "  - {name: p%d, %s, interval: 1s, timeout: 700ms, fall: 1000, on_fail: {penalty: 1}}\n", i, kinds[i%len(kinds)])
	}
	return b.String()
}

func advertsBeside(interval time.Duration, busy bool) scenario {
	plain := settings{version: 3, interval: interval}
	many := plain
	many.probes = manyKinds()
	s := scenario{
		name: "guard-adverts-" + word(interval), title: "adverts; v3, " + phrase(interval), share: 20, apart: true,
		measures: []quantity{{"apart, median", inMillis}, {"apart, p99", inMillis}, {"apart, worst", inMillis}, {"state changes", inTimes}},
		contestants: []contestant{
			{name: ours + ", no probe", kind: ours, settings: plain},
			{name: fmt.Sprintf("%s, %d probes every 1 s", ours, manyProbes), kind: ours, settings: many},
		},
		run: func(p *pair, _ contestant) []float64 { return p.advertise(busy) },
	}
	if busy {
		s.name += "-busy"
		s.title = fmt.Sprintf("adverts, stress-ng --cpu %d; v3, %s", stressors, phrase(interval))
	}
	return s
}

// spend measures the Active daemon with no client on the network.
func (p *pair) spend() []float64 {
	p.client.Stop()
	time.Sleep(probesSettle)
	pids := p.daemons[first.name].pids()
	own, started := cpuApart(pids)
	begin := time.Now()
	time.Sleep(probesWatch)
	minutes := time.Since(begin).Minutes()
	ownNow, startedNow := cpuApart(pids)
	rss, _ := memory(pids)
	return []float64{(ownNow - own) / minutes, (startedNow - started) / minutes, rss}
}

// advertise measures how far the Active's adverts are apart on the wire.
func (p *pair) advertise(busy bool) []float64 {
	p.client.Stop()
	if busy {
		p.stress()
	}
	time.Sleep(probesSettle)
	changes := p.changes()
	wire := p.cables.Capture()
	time.Sleep(probesWatch)
	var gaps []float64
	var last time.Time
	for _, f := range wire.Frames(isAdvert) {
		if !last.IsZero() {
			gaps = append(gaps, f.At.Sub(last).Seconds())
		}
		last = f.At
	}
	if len(gaps) == 0 {
		p.Fatalf("no adverts on the wire")
	}
	slices.Sort(gaps)
	n := len(gaps)
	return []float64{gaps[n/2], gaps[n*99/100], gaps[n-1], float64(p.changes() - changes)}
}

// isAdvert tells an advert of the first node.
func isAdvert(f netlab.Frame) bool {
	return f.IsIPv4(112) && binary.BigEndian.Uint32(f.Payload()[12:]) == binary.BigEndian.Uint32(net.ParseIP(first.address).To4())
}

// neverAnswer takes requests on the host's loopback.
func (h *host) neverAnswer() {
	var at net.Listener
	h.net.Do(func() {
		var err error
		at, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", hungPort))
		h.lab.must(err)
	})
	h.lab.Cleanup(func() { _ = at.Close() })
	go func() {
		for {
			c, err := at.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				_, _ = io.Copy(io.Discard, c) // until the probe gives up
				_ = c.Close()
			}()
		}
	}()
}
