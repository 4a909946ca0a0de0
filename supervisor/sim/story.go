package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Pair is the configuration of a pair as stories need it: with one router, or a group.
type Pair struct {
	Priority     map[string]int
	Version      vrrp.Version
	Interval     time.Duration
	Preempt      bool
	PreemptDelay time.Duration
	FlapWindow   time.Duration
	Group        bool          // a second router, "mail", moves with the first
	Track        int           // of the interface eth1: a weight; 0: not tracked
	Fatal        bool          // without eth1 the routers must not run
	Keep         bool          // when_all_unhealthy: keep
	Hook         bool          // the routers have a before_active and a reassert hook
	Notify       bool          // they have a notify hook
	Heartbeat    time.Duration // between two messages; 0: none
	Links        int           // that carry it, each on a cable of its own
	LAN          bool          // one more goes where the adverts go
	Arbitration  supervisor.Arbitration
	PeerCheck    bool
	Fence        string // after_fence, without, or empty: there is none
	Reboot       bool   // a host that was fenced is booted again
	Witness      bool   // a third machine grants the vote
	Consistency  bool   // prefer: consistency
	Tiebreak     string
	Gate         bool
	Proxy        supervisor.Proxy
	Probe        probes.Config
}

// DefaultPair has the defaults of the configuration file.
func DefaultPair() *Pair {
	return &Pair{
		Priority: map[string]int{"lb01": 150, "lb02": 100},
		Version:  vrrp.V3, Interval: 200 * time.Millisecond,
		Preempt: true, PreemptDelay: 30 * time.Second, Gate: true, Links: 1,
		Proxy: supervisor.Proxy{
			Unit: "nginx.service", Test: []string{"nginx", "-t"},
			TestTimeout: 5 * time.Second, RestartTimeout: 10 * time.Second, Wait: 3 * time.Second,
			Attempts: 2, Budget: 5, Window: 10 * time.Minute, Retry: time.Minute, RetryMax: 10 * time.Minute,
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
	case "flap_window":
		p.FlapWindow, err = time.ParseDuration(value)
	case "give_up":
		p.Proxy.GiveUpStops = value == "stop"
	case "group":
		p.Group, err = strconv.ParseBool(value)
	case "hook":
		p.Hook, err = strconv.ParseBool(value)
	case "notify":
		p.Notify, err = strconv.ParseBool(value)
	case "track":
		if p.Fatal = value == "fatal"; !p.Fatal {
			p.Track, err = strconv.Atoi(value)
		}
	case "heartbeat":
		p.Heartbeat, err = time.ParseDuration(value)
	case "fence":
		p.Fence = value
	case "fence_action":
		p.Reboot = value == "reboot"
	case "links":
		p.Links, err = strconv.Atoi(value)
	case "lan":
		p.LAN, err = strconv.ParseBool(value)
	case "isolated":
		p.Arbitration.KeepIsolated = value == "keep"
	case "on_conflict":
		p.Arbitration.StopProxy = value == "stop_proxy"
	case "hold_off":
		if p.Arbitration.UntilCleared = value == "until_cleared"; !p.Arbitration.UntilCleared {
			p.Arbitration.HoldOff, err = time.ParseDuration(value)
		}
	case "peer_check":
		p.PeerCheck = value == "auto"
	case "on_foreign_vip":
		p.Arbitration.OnForeign = map[string]supervisor.OnForeign{"contest": supervisor.ContestForeign, "release": supervisor.ReleaseForeign}[value]
	case "witness":
		p.Witness, err = strconv.ParseBool(value)
	case "prefer":
		p.Consistency = value == "consistency"
	case "tiebreak":
		p.Tiebreak = value
	case "gate":
		p.Gate = value == "auto"
	case "when_all_unhealthy":
		p.Keep = value == "keep"
	case "lb01", "lb02":
		p.Priority[key], err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("no setting %s", key)
	}
	return err
}

var (
	own   = map[string]netip.Addr{"lb01": netip.MustParseAddr("10.0.0.5"), "lb02": netip.MustParseAddr("10.0.0.6")}
	other = map[string]string{"lb01": "lb02", "lb02": "lb01"}
)

// beside is a node's address on a cable of the heartbeat's own.
func beside(cable int, node string) netip.Addr {
	return netip.AddrFrom4([4]byte{192, 168, byte(9 + cable), own[node].As4()[3]})
}

// Node is the configuration of one node.
func (p *Pair) Node(name string) supervisor.Config {
	cfg := supervisor.Config{
		Node: name, Peer: other[name], Proxy: p.Proxy, Probes: []probes.Config{p.Probe},
		Routers: []supervisor.Router{p.router(name, "web", 50, "10.0.0.3/24")},
	}
	if p.Notify {
		cfg.Hooks.Notify = notifyHook
	}
	if p.Group {
		cfg.Routers = append(cfg.Routers, p.router(name, "mail", 51, "10.0.0.4/24"))
	}
	if p.Heartbeat > 0 {
		p.link(&cfg)
		p.elect(&cfg)
	}
	p.arm(&cfg)
	return cfg
}

var notifyHook = supervisor.Hook{Command: []string{"/usr/local/bin/notify"}, Timeout: 30 * time.Second}

// link gives a node a heartbeat and a gateway.
func (p *Pair) link(cfg *supervisor.Config) {
	cfg.Heartbeat = supervisor.Heartbeat{
		Interval: p.Heartbeat, Patience: 3*p.Heartbeat + p.Heartbeat/8, Self: own[cfg.Node], Other: own[cfg.Peer],
	}
	cfg.Arbitration = p.Arbitration
	add := func(self, peer netip.Addr) {
		link := supervisor.HeartbeatLink{Local: netip.AddrPortFrom(self, 1), Peer: netip.AddrPortFrom(peer, 1)}
		cfg.Heartbeat.Links = append(cfg.Heartbeat.Links, link)
	}
	for i := range p.Links {
		add(beside(i, cfg.Node), beside(i, cfg.Peer))
	}
	if p.LAN {
		add(own[cfg.Node], own[cfg.Peer])
	}
	cfg.Probes = append(cfg.Probes, probes.Config{
		Name: "gateway", Interval: 500 * time.Millisecond, Timeout: 300 * time.Millisecond, Rise: 2, Fall: 3,
		OnFail: probes.OnFail{Act: probes.Arbitrate},
	})
	if p.PeerCheck {
		cfg.Probes = append(cfg.Probes, probes.Config{
			Name: "peer", Interval: 2 * time.Second, Timeout: time.Second, Rise: 1, Fall: 2, OnFail: probes.OnFail{Act: probes.AskPeer},
		})
	}
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.Grouped, cfg.Routers[i].VRRP.Patient = true, true
	}
}

func (p *Pair) router(node, name string, vrid uint8, address string) supervisor.Router {
	vip := netip.MustParsePrefix(address)
	r := supervisor.Router{
		Name: name, Interface: "eth0", Burst: 5, Source: own[node],
		Addresses:  []supervisor.Address{{Prefix: vip}},
		FlapWindow: p.FlapWindow, PreemptDelayMax: 10 * time.Minute,
		VRRP: vrrp.Config{
			VRID: vrid, Version: p.Version, Priority: uint8(p.Priority[node]), Interval: p.Interval,
			Addresses: []netip.Addr{vip.Addr()}, Preempt: p.Preempt, PreemptDelay: p.PreemptDelay, Pair: true,
			PeerPriority: uint8(p.Priority[other[node]]), Grouped: p.Group, LastResort: p.Keep,
			Lifetime: vrrp.LifetimeFor(p.Interval), AnnounceAgain: 5 * time.Second, AnnounceEvery: time.Second,
		},
	}
	if p.Gate {
		r.VRRP.Gate = vrrp.GateFor(p.Interval, 3)
	}
	if p.Group {
		r.Group = "both"
	}
	if p.Hook {
		r.VRRP.Grouped = true
		r.Hooks.BeforeActive = supervisor.Hook{Command: []string{"/usr/local/bin/move-eip"}, Timeout: 10 * time.Second, Retry: 10 * time.Second}
		r.Hooks.Reassert = supervisor.Hook{Command: []string{"/usr/local/bin/move-eip"}, Timeout: 10 * time.Second, Every: time.Minute}
	}
	if p.Notify {
		r.Hooks.Notify = notifyHook
	}
	if p.Track != 0 || p.Fatal {
		r.Track = []supervisor.Track{{Interface: uplink, Need: supervisor.NeedCarrier, Weight: p.Track}}
	}
	return r
}
