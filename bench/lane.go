//go:build linux

package main

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// lane is two hosts with systemd on which one tool guards one proxy, and a client of
// their virtual address. Lanes share the network and nothing else.
type lane struct {
	*lab
	contestant
	site   site
	tool   guardian
	number int
	a, b   *hostlab.Host // a holds the address until the fault
	client *hostlab.Client
	kept   string // the proxy's configuration
}

// The lane's hosts are numbered from 1, and so are their names.
func laneHosts(number int) []string {
	return []string{fmt.Sprintf("a%d", number), fmt.Sprintf("b%d", number)}
}

func (l *lane) vip() string { return fmt.Sprintf("10.77.0.%d", 100+l.number) }
func (l *lane) vrid() int   { return 100 + l.number }

// askEvery is the time between two requests of a lane's client.
const askEvery = 10 * time.Millisecond

// install prepares the hosts; nothing is started.
func (l *lane) install(hosts *hostlab.Lab) {
	names := laneHosts(l.number)
	l.a, l.b = hosts.Host(names[0]), hosts.Host(names[1])
	for _, h := range []*hostlab.Host{l.a, l.b} {
		if l.site == haproxySite {
			h.UseHAProxy(l)
		}
		l.tool.install(l, h)
	}
	l.kept = l.a.Run(l, "cat", l.site.config) + "\n"
}

// begin starts the tool on both hosts.
func (l *lane) begin() {
	l.client = hostlab.NewClient(netip.AddrPortFrom(netip.MustParseAddr(l.vip()), 80), askEvery)
	for _, h := range []*hostlab.Host{l.a, l.b} {
		h.Run(l, "systemctl", "start", l.tool.unit())
	}
	l.settle()
}

// end stops the tool, so that the lane costs other lanes nothing.
func (l *lane) end() {
	for _, h := range []*hostlab.Host{l.b, l.a} {
		h.Run(l, "systemctl", "stop", l.tool.unit())
	}
}

// calm is how long a host has to have answered alone: longer than the client waits for
// an answer.
const calm = 600 * time.Millisecond

// settle waits until all is as before the fault.
func (l *lane) settle() {
	for end := time.Now().Add(readyWithin); ; time.Sleep(50 * time.Millisecond) {
		l.client.Mark()
		if l.tool.settled(l, l.a) && l.tool.settled(l, l.b) {
			time.Sleep(calm)
			if bad := slices.ContainsFunc(l.client.Samples(), func(s hostlab.Sample) bool { return s.Host != l.a.Name() }); !bad {
				return
			}
		}
		if time.Now().After(end) {
			l.Fatalf("%s and %s, %s: not ready within %v", l.a.Name(), l.b.Name(), l.name, readyWithin)
		}
	}
}

// heal brings the first host back: whatever is left of its proxy goes.
func (l *lane) heal(recovered bool) {
	if !recovered {
		l.a.Write(l, l.site.config, l.kept, 0o644)
		signalAll(l.a.UnitProcesses(l.site.unit()), 9)
	}
	_, _ = l.a.Try("systemctl", "reset-failed", l.site.unit()) // nothing may have failed
	l.a.Run(l, "systemctl", "start", l.site.unit())
	l.a.Run(l, "systemctl", "start", l.tool.unit())
	l.settle()
}

// limit is how long a recovery is waited for.
const limit = 20 * time.Second

// never is the figure of what did not happen within the limit.
var never = math.Inf(1)

// answered is when the host answers again after the fault, without failures after that.
func (l *lane) answered(by string, fault time.Time) float64 {
	for end := fault.Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if back, ok := recovery(l.client.Samples(), by, fault); ok && time.Since(back) > calm {
			return seconds(back.Sub(fault))
		}
	}
	return never
}

// recovery is when the host first answered a request that was made after every one that
// failed; false: nothing has failed yet, or it has not answered since.
func recovery(samples []hostlab.Sample, by string, fault time.Time) (back time.Time, ok bool) {
	var failed time.Time
	for _, s := range samples {
		if s.Host != by && s.Asked.After(fault) && s.Asked.After(failed) {
			failed = s.Asked
		}
	}
	for _, s := range samples {
		if !failed.IsZero() && s.Host == by && s.Asked.After(failed) && (back.IsZero() || s.Done.Before(back)) {
			back = s.Done
		}
	}
	return back, !back.IsZero()
}

// since has journalctl begin with the fault.
func since(fault time.Time) string { return fmt.Sprintf("--since=@%d", fault.Unix()) }

// noticed is when the tool wrote into its host's journal that something is wrong.
func (l *lane) noticed(fault time.Time) float64 {
	text := l.a.Journal(l, append([]string{"--output=json", "--output-fields=_SOURCE_REALTIME_TIMESTAMP", since(fault)}, l.tool.trace()...)...)
	for line := range strings.Lines(text) {
		if _, rest, ok := strings.Cut(line, `"_SOURCE_REALTIME_TIMESTAMP":"`); ok {
			stamp, _, _ := strings.Cut(rest, `"`)
			micros, _ := strconv.ParseInt(stamp, 10, 64) // journald's
			if at := time.UnixMicro(micros); at.After(fault) {
				return seconds(at.Sub(fault))
			}
		}
	}
	return never
}
