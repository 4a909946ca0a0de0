package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// A story is a text: lines `TIME NODE FAULT` or `TIME end`, `set KEY VALUE` before
// them, and comments with #. What follows a line of dashes is what is expected.

// Tell runs a story and returns its trace and summary.
func Tell(story string) (string, error) {
	w := (*World)(nil)
	pair := DefaultPair()
	for i, line := range strings.Split(story, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "set" {
			if err := pair.set(words[1:]); err != nil {
				return "", fmt.Errorf("line %d: %w", i+1, err)
			}
			continue
		}
		if w == nil {
			w = New(1, pair.Node("lb01"), pair.Node("lb02"))
		}
		if err := w.play(words); err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return w.Trace() + w.ledger.summary() + "\n", nil
}

// play plays one line of a story.
func (w *World) play(words []string) error {
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	w.RunUntil(at)
	if words[1] == "end" {
		return nil
	}
	return w.Happen(words[1], strings.Join(words[2:], " "))
}

// Pair is the configuration of a pair with one router, as stories need it.
type Pair struct {
	Priority     map[string]int
	Version      vrrp.Version
	Interval     time.Duration
	Preempt      bool
	PreemptDelay time.Duration
	Proxy        supervisor.Proxy
	Probe        probes.Config
}

// DefaultPair has the defaults of the configuration file.
func DefaultPair() *Pair {
	return &Pair{
		Priority: map[string]int{"lb01": 150, "lb02": 100},
		Version:  vrrp.V3, Interval: 200 * time.Millisecond,
		Preempt: true, PreemptDelay: 30 * time.Second,
		Proxy: supervisor.Proxy{
			Unit: "nginx.service", Test: []string{"nginx", "-t"},
			TestTimeout: 5 * time.Second, RestartTimeout: 10 * time.Second, Wait: 3 * time.Second,
			Attempts: 2, Budget: 5, Window: 10 * time.Minute, Retry: time.Minute,
			Rise: 2, Look: 500 * time.Millisecond,
		},
		Probe: probes.Config{Name: "healthz", Interval: 500 * time.Millisecond, Timeout: time.Second, Rise: 2, Fall: 2},
	}
}

// set changes a setting of the pair.
func (p *Pair) set(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("set wants a key and a value")
	}
	var err error
	switch key, value := words[0], words[1]; key {
	case "version":
		var n int
		n, err = strconv.Atoi(value)
		p.Version = vrrp.Version(n)
	case "advert_interval":
		p.Interval, err = time.ParseDuration(value)
	case "preempt":
		p.Preempt, err = strconv.ParseBool(value)
	case "preempt_delay":
		p.PreemptDelay, err = time.ParseDuration(value)
	case "lb01", "lb02":
		p.Priority[key], err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("no setting %s", key)
	}
	return err
}

var own = map[string]netip.Addr{"lb01": netip.MustParseAddr("10.0.0.5"), "lb02": netip.MustParseAddr("10.0.0.6")}

// Node is the configuration of one node.
func (p *Pair) Node(name string) supervisor.Config {
	vip := netip.MustParsePrefix("10.0.0.3/24")
	return supervisor.Config{
		Node: name, Proxy: p.Proxy, Probes: []probes.Config{p.Probe},
		Routers: []supervisor.Router{{
			Name: "web", Interface: "eth0", Burst: 5, Source: own[name],
			Addresses: []supervisor.Address{{Prefix: vip}},
			VRRP: vrrp.Config{
				VRID: 50, Version: p.Version, Priority: uint8(p.Priority[name]), Interval: p.Interval,
				Addresses: []netip.Addr{vip.Addr()}, Preempt: p.Preempt, PreemptDelay: p.PreemptDelay, Pair: true,
				Lifetime: vrrp.LifetimeFor(p.Interval), AnnounceAgain: 5 * time.Second, AnnounceEvery: time.Second,
			},
		}},
	}
}
