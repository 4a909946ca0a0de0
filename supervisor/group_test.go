package supervisor_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var second = netip.MustParsePrefix("10.0.0.4/24")

// tied is a node with two routers of one group, "web" and "mail".
func tied() supervisor.Config {
	cfg := base()
	cfg.Routers = append(cfg.Routers, routerOf("mail", 51, second))
	for i := range cfg.Routers {
		cfg.Routers[i].Group = "pair"
		cfg.Routers[i].VRRP.Grouped = true
	}
	return cfg
}

// advertTo is an advert of the peer for a router.
func advertTo(cfg supervisor.Config, router string, priority uint8) supervisor.Event {
	for _, r := range cfg.Routers {
		if r.Name == router {
			return supervisor.RouterEvent{Router: router, Event: vrrp.Received{From: peer, Advert: vrrp.Advert{
				Version: vrrp.V3, VRID: r.VRRP.VRID, Priority: priority, Interval: r.VRRP.Interval, Addresses: r.VRRP.Addresses,
			}}}
		}
	}
	panic(router)
}

func TestAGroupRisesTogether(t *testing.T) {
	s := atWork(t, tied())
	s.wants(s.pass(2*time.Second),
		"web own", "web BACKUP -> ACTIVE (alone)",
		"mail own", "mail BACKUP -> ACTIVE (alone)")
}

// The firewall eats the adverts of one router: the peer is there all the same.
func TestAGroupStaysAsLongAsOneOfItHearsThePeer(t *testing.T) {
	cfg := tied()
	s := atWork(t, cfg)
	for range 100 {
		s.wants(s.tell(advertTo(cfg, "web", 200)))
		s.wants(s.pass(200 * time.Millisecond))
	}
	s.state("mail", vrrp.Backup)
	got := s.pass(2 * time.Second) // now both are silent
	if !has(got, "web BACKUP -> ACTIVE") || !has(got, "mail BACKUP -> ACTIVE") {
		t.Errorf("it wants %q", got)
	}
}

func TestAGroupYieldsTogether(t *testing.T) {
	cfg := tied()
	s := atWork(t, cfg)
	s.pass(2 * time.Second)
	s.wants(s.tell(advertTo(cfg, "mail", 200)),
		"mail disown", "mail ACTIVE -> BACKUP (higher-advert, peer 10.0.0.6)",
		"web send priority 0", "web disown", "web ACTIVE -> BACKUP (group)")
}

func TestAGroupOutrankedYieldsTogether(t *testing.T) {
	cfg := tied()
	cfg.Routers[0].Track = []supervisor.Track{{Interface: "eth1", Need: supervisor.NeedCarrier, Weight: -60}}
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.PeerPriority = 100
	}
	s := atWork(t, cfg)
	s.tell(uplink(true))
	s.pass(2 * time.Second)
	got := s.tell(uplink(false))
	for _, want := range []string{"web ACTIVE -> BACKUP (outranked)", "mail ACTIVE -> BACKUP (outranked)"} {
		if !has(got, want) {
			t.Errorf("it wants %q, not %q", got, want)
		}
	}
	if p := s.node.Router("mail").Priority; p != 90 {
		t.Errorf("the other router's priority is %d", p)
	}
}

func TestWhatFailsOneRouterOfAGroupFailsAll(t *testing.T) {
	cfg := tied()
	cfg.Routers[1].Interface = "eth1"
	cfg.Routers[1].Source = netip.Addr{}
	eth1 := supervisor.LinkChanged{Interface: "eth1", Exists: true, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/24")}}
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active), good, eth1)
	s.pass(2 * time.Second)
	s.state("web", vrrp.Active)
	eth1.Up = false
	got := s.tell(eth1)
	for _, want := range []string{"web ACTIVE -> FAULT (group-fault)", "mail ACTIVE -> FAULT (link-down)"} {
		if !has(got, want) {
			t.Errorf("it wants %q, not %q", got, want)
		}
	}
	if d := s.node.Router("web").Detail; d != "router mail of group pair: link-down, interface eth1 is down or has no carrier" {
		t.Errorf("detail %q", d)
	}
	eth1.Up = true
	s.tell(eth1)
	s.in()
}

func TestRoutersOutsideOfTheGroupAreLeftAlone(t *testing.T) {
	cfg := tied()
	cfg.Routers = append(cfg.Routers, routerOf("alone", 52, netip.MustParsePrefix("10.0.0.9/24")))
	s := atWork(t, cfg)
	s.pass(2 * time.Second)
	s.tell(advertTo(cfg, "mail", 200))
	s.state("alone", vrrp.Active)
	s.state("web", vrrp.Backup)
}

// Two nodes whose groups cross: whatever is heard of one router only, no node is left
// with half of the addresses.
func TestAGroupIsNeverLeftHalfActive(t *testing.T) {
	cfg := tied()
	s := atWork(t, cfg)
	for i := range 300 {
		switch i % 7 {
		case 0, 3:
			s.tell(advertTo(cfg, "web", uint8(i)))
		case 1:
			s.tell(advertTo(cfg, "mail", 200))
		case 5:
			s.tell(advertTo(cfg, "mail", 0))
		}
		s.pass(time.Duration(i%9) * 100 * time.Millisecond)
		web, mail := s.node.Active("web"), s.node.Active("mail")
		if web != mail {
			t.Fatalf("step %d: web Active %v, mail Active %v", i, web, mail)
		}
	}
}

// One router hears the lower peer, the other one nothing, until it has waited for long
// enough. By then the peer may be dead, and its kernel hold on: only the next advert tells.
func TestAGroupPreemptsOnAnAdvertOnly(t *testing.T) {
	cfg := tied()
	waiting := func(t *testing.T) *script {
		t.Helper()
		s := atWork(t, cfg)
		for i := range 6 {
			if i < 2 {
				s.tell(advertTo(cfg, "mail", 100))
			}
			s.wants(s.tell(advertTo(cfg, "web", 100)))
			s.wants(s.pass(150 * time.Millisecond)) // mail's timer runs out here
			s.state("mail", vrrp.Backup)
		}
		return s
	}
	t.Run("alive", func(t *testing.T) {
		s := waiting(t)
		s.wants(s.tell(advertTo(cfg, "web", 100)),
			"web own", "web BACKUP -> ACTIVE (preempts, peer 10.0.0.6)",
			"mail own", "mail BACKUP -> ACTIVE (peer-silent, peer 10.0.0.6)")
	})
	t.Run("dead", func(t *testing.T) {
		s := waiting(t)
		s.wants(s.pass(400 * time.Millisecond))
		got := s.pass(time.Second)
		if !has(got, "web BACKUP -> ACTIVE (peer-silent") {
			t.Errorf("it wants %q", got)
		}
	})
}

// The peer is lower in one router of a large group and higher in another: every advert of
// the lower one might make the group rise, and must not cost what a rise does.
func BenchmarkAnAdvertToALargeGroupThatMayNotRise(b *testing.B) {
	cfg := base()
	cfg.Proxy, cfg.Probes, cfg.Routers = supervisor.Proxy{}, nil, nil
	for i := range 250 {
		r := routerOf(fmt.Sprintf("r%d", i), uint8(i+1), netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 16))
		r.Group, r.VRRP.Grouped = "all", true
		cfg.Routers = append(cfg.Routers, r)
	}
	s := play(b, cfg)
	s.tell(supervisor.Start{}, link())
	advert := func(i int) supervisor.Event {
		priority := uint8(100)
		if i == 0 {
			priority = 200
		}
		return advertTo(cfg, cfg.Routers[i].Name, priority)
	}
	for range 10 {
		for i := range cfg.Routers {
			s.tell(advert(i))
		}
		s.pass(200 * time.Millisecond)
	}
	s.state("r0", vrrp.Backup)
	last := advert(249)
	for b.Loop() {
		s.node.Step(s.now, last)
	}
}
