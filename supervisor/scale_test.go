package supervisor_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// many is a node with n routers on four interfaces.
func many(n int) supervisor.Config {
	cfg := base()
	cfg.Routers = nil
	for i := range n {
		r := routerOf(fmt.Sprintf("vr%d", i), uint8(i/4+1), netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 32))
		r.Interface = fmt.Sprintf("eth%d", i%4)
		cfg.Routers = append(cfg.Routers, r)
	}
	return cfg
}

// holdingMany is such a node with every router Active.
func holdingMany(t testing.TB, n int) (*script, supervisor.Config) {
	cfg := many(n)
	s := play(t, cfg)
	s.tell(supervisor.Start{}, unit(active), good)
	for i := range 4 {
		s.tell(supervisor.LinkChanged{Interface: fmt.Sprintf("eth%d", i), Exists: true, Up: true, Addresses: []netip.Prefix{own}})
	}
	s.pass(time.Second)
	for _, r := range cfg.Routers {
		s.state(r.Name, vrrp.Active)
	}
	return s, cfg
}

func TestAThousandRoutersMoveWithOneProxy(t *testing.T) {
	s, cfg := holdingMany(t, 1000)
	got := s.tell(unit(stopped))
	for _, r := range cfg.Routers {
		if !has(got, r.Name+" send priority 0") {
			t.Fatalf("%s is not released", r.Name)
		}
	}
	s.out(supervisor.ReasonProxyStopped)
}

// The cost of one router's event must not grow with the number of routers.
func BenchmarkAdvertOfOneRouterAmong(b *testing.B) {
	for _, n := range []int{1, 250, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, cfg := holdingMany(b, n)
			ev := advertTo(cfg, "vr0", 0)
			for b.Loop() {
				s.node.Step(s.now, ev)
			}
		})
	}
}

// A reload must not keep the adverts of a thousand routers waiting.
func BenchmarkReloadOfUnchanged(b *testing.B) {
	for _, n := range []int{1, 250, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := holdingMany(b, n)
			for b.Loop() {
				b.StopTimer()
				same := many(n)
				b.StartTimer()
				if got := s.node.Step(s.now, supervisor.Reconfigured{Config: same}); len(got) != 1 {
					b.Fatal(got)
				}
			}
		})
	}
}
