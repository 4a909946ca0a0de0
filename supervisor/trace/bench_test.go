package trace_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// crowd is a node with routers that stand by, and what it hears in one advert interval.
func crowd(routers int, interval time.Duration) (supervisor.Config, []supervisor.Event) {
	cfg := supervisor.Config{Node: "lb02", Peer: "lb01"}
	var adverts []supervisor.Event
	for i := range routers {
		vip := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		name := fmt.Sprintf("router%d", i)
		cfg.Routers = append(cfg.Routers, supervisor.Router{
			Name: name, Interface: "eth0", Burst: 5, Addresses: []supervisor.Address{{Prefix: netip.PrefixFrom(vip, 24)}},
			VRRP: vrrp.Config{
				VRID: uint8(i%255 + 1), Version: vrrp.V3, Priority: 100, Interval: interval, Addresses: []netip.Addr{vip},
				Preempt: true, Pair: true, Lifetime: vrrp.LifetimeFor(interval),
			},
		})
		adverts = append(adverts, supervisor.RouterEvent{Router: name, Event: vrrp.Received{
			From:   netip.MustParseAddr("10.0.0.6"),
			Advert: vrrp.Advert{Version: vrrp.V3, VRID: uint8(i%255 + 1), Priority: 150, Interval: interval, Addresses: []netip.Addr{vip}},
		}})
	}
	return cfg, adverts
}

// BenchmarkSecond is one second of a node with 250 routers that hear an advert every 100 ms.
func BenchmarkSecond(b *testing.B) {
	for _, name := range []string{"without", "recorded"} {
		b.Run(name, func(b *testing.B) {
			cfg, adverts := crowd(250, 100*time.Millisecond)
			node := supervisor.NewNode(cfg)
			now := time.Unix(1000, 0).UTC()
			var l trace.Log
			l.Begin(trace.Begin{At: now, Wall: now, Config: &cfg})
			var actions []supervisor.Action
			step := func(ev supervisor.Event) {
				actions = node.Append(actions[:0], now, ev)
				if name == "recorded" {
					l.Step(now, ev, actions)
				}
			}
			step(supervisor.Start{Session: 1})
			step(supervisor.LinkChanged{Interface: "eth0", Exists: true, Enabled: true, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}})
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				for range 10 {
					for _, ev := range adverts {
						now = now.Add(400 * time.Microsecond)
						if d := node.Deadline(); !d.IsZero() && !now.Before(d) {
							step(supervisor.Tick{})
						}
						step(ev)
					}
				}
				if name == "recorded" {
					l.Clock(now, now)
					for range 4 { // times a second
						bytes += len(l.Take())
					}
				}
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "B/s-of-trace")
			if got := node.States()[vrrp.Backup]; got != 250 {
				b.Fatalf("%d routers are Backup", got)
			}
		})
	}
}

// BenchmarkState is what a new segment takes of the loop's time.
func BenchmarkState(b *testing.B) {
	for _, routers := range []int{1, 250} {
		b.Run(fmt.Sprint(routers), func(b *testing.B) {
			cfg, adverts := crowd(routers, 100*time.Millisecond)
			node := supervisor.NewNode(cfg)
			now := time.Unix(1000, 0).UTC()
			node.Step(now, supervisor.Start{Session: 1})
			node.Step(now, supervisor.LinkChanged{Interface: "eth0", Exists: true, Enabled: true, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}})
			for _, ev := range adverts {
				node.Step(now, ev)
			}
			var l trace.Log
			for b.Loop() {
				l.Begin(trace.Begin{At: now, Wall: now, Config: &cfg, State: node})
			}
			b.ReportMetric(float64(l.Size()), "bytes")
		})
	}
}
