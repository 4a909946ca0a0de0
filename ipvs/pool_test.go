package ipvs

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// pool is a Config of servers 11, 12, … with one check each.
func pool(weights ...int) Config {
	s := web()
	c := Config{Name: "web", Key: s.Key, Options: s.Options, Quorum: 1}
	for i, w := range weights {
		c.Servers = append(c.Servers, Real{Server: server(11+i, w), Checks: 1})
	}
	return c
}

func judged(last int, good bool) Judged {
	return Judged{Server: server(last, 0).Address, Good: good, Why: map[bool]string{true: "connected", false: "refused"}[good]}
}

// now is any time.
var now = time.Unix(1000, 0)

// play gives a Pool some events and tells what changed, and then its servers.
func play(p *Pool, events ...Event) (told, table string) {
	var b strings.Builder
	for _, ev := range events {
		for _, a := range p.Step(now, ev) {
			b.WriteString(a.String() + "\n")
		}
	}
	return b.String(), has(p)
}

// has is what the kernel is to have, as 11=1 12=0 for two servers and their weights.
func has(p *Pool) string {
	var words []string
	for _, s := range p.Service().Servers {
		words = append(words, fmt.Sprintf("%d=%d", s.Address.Addr().As4()[3], s.Weight))
	}
	return strings.Join(words, " ")
}

func TestPoolDecidesWhoServes(t *testing.T) {
	inhibited := pool(1, 2)
	inhibited.Servers[0].Inhibit = true
	sorry := pool(1, 2)
	sorry.Sorry = server(99, 1)
	kept := sorry
	kept.Servers = append([]Real(nil), sorry.Servers...)
	kept.Servers[1].Inhibit = true
	alpha := pool(1, 2)
	alpha.Alpha = true
	omega := pool(1, 2)
	omega.Omega = true
	unchecked := pool(1)
	unchecked.Alpha, unchecked.Servers[0].Checks = true, 0
	two := pool(5)
	two.Servers[0].Checks = 2
	many := pool(10, 10, 10, 10)
	many.Quorum, many.Hysteresis, many.Sorry = 25, 5, server(99, 1)
	for _, tt := range []struct {
		name   string
		cfg    Config
		events []Event
		told   string
		table  string
	}{
		{"servers are good until a check says otherwise", pool(1, 2), nil, "", "11=1 12=2"},
		{"a failed one goes", pool(1, 2), []Event{judged(11, false)}, "server 10.0.0.11:80 down: refused\n", "12=2"},
		{"what is known already is not told again", pool(1, 2), []Event{judged(11, true), judged(12, true)}, "", "11=1 12=2"},
		{"a good one comes back", pool(1, 2), []Event{judged(11, false), judged(11, true)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.11:80 up: connected\n", "11=1 12=2"},
		{"inhibit_on_failure leaves weight 0", inhibited, []Event{judged(11, false), judged(12, false)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nquorum lost: weight 0 of 1\n", "11=0"},
		{"the sorry server stands in for all", sorry, []Event{judged(11, false), judged(12, false)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nquorum lost: weight 0 of 1\n", "99=1"},
		{"and goes when one is back", sorry, []Event{judged(11, false), judged(12, false), judged(12, true)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nquorum lost: weight 0 of 1\n" +
				"server 10.0.0.12:80 up: connected\nquorum gained: weight 2 of 1\n", "12=2"},
		{"connections finish beside the sorry server", kept, []Event{judged(11, false), judged(12, false)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nquorum lost: weight 0 of 1\n", "12=0 99=1"},
		{"alpha: nobody serves unchecked", alpha, nil, "", ""},
		{"alpha: the first good one makes the quorum", alpha, []Event{judged(12, true)},
			"server 10.0.0.12:80 up: connected\nquorum gained: weight 2 of 1\n", "12=2"},
		{"a server without checks serves in alpha mode too", unchecked, nil, "", "11=1"},
		{"omega tells the end as a failure", omega, []Event{judged(11, false), Ended{}},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: the service ends\nquorum lost: weight 0 of 1\n", "12=2"},
		{"else the end is silent", pool(1), []Event{Ended{}}, "", "11=1"},
		{"one bad check of two is enough", two, []Event{Judged{server(11, 0).Address, 1, false, 0, "503"}},
			"server 10.0.0.11:80 down: 503\nquorum lost: weight 0 of 1\n", ""},
		{"and both have to be good", two, []Event{
			Judged{server(11, 0).Address, 1, false, 0, "503"}, Judged{server(11, 0).Address, 0, false, 0, "refused"},
			Judged{server(11, 0).Address, 1, true, 0, "200"},
		}, "server 10.0.0.11:80 down: 503\nquorum lost: weight 0 of 1\n", ""},
		{"a check may change the weight", two, []Event{Judged{server(11, 0).Address, 0, true, -3, "slow"}}, "", "11=2"},
		{"down to 0 at the least, which costs the quorum", two, []Event{Judged{server(11, 0).Address, 0, true, -30, "slow"}},
			"quorum lost: weight 0 of 1\n", "11=0"},
		{"up to the kernel's limit", two, []Event{Judged{server(11, 0).Address, 0, true, 1 << 20, "idle"}}, "", "11=65535"},
		{"hysteresis holds a quorum at its lower edge", many, []Event{judged(11, false), judged(12, false)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\n", "13=10 14=10"},
		{"and loses it below", many, []Event{judged(11, false), judged(12, false), judged(13, false)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nserver 10.0.0.13:80 down: refused\nquorum lost: weight 10 of 25\n", "99=1"},
		{"and does not gain it in the middle", many, []Event{judged(11, false), judged(12, false), judged(13, false), judged(13, true)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nserver 10.0.0.13:80 down: refused\nquorum lost: weight 10 of 25\n" +
				"server 10.0.0.13:80 up: connected\n", "99=1"},
		{"but at its upper edge", many, []Event{judged(11, false), judged(12, false), judged(13, false), judged(13, true), judged(12, true)},
			"server 10.0.0.11:80 down: refused\nserver 10.0.0.12:80 down: refused\nserver 10.0.0.13:80 down: refused\nquorum lost: weight 10 of 25\n" +
				"server 10.0.0.13:80 up: connected\nserver 10.0.0.12:80 up: connected\nquorum gained: weight 30 of 25\n", "12=10 13=10 14=10"},
		{"strangers change nothing", pool(1), []Event{judged(77, false), Judged{server(11, 0).Address, 5, false, 0, "old"}}, "", "11=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told, table := play(NewPool(tt.cfg, now), tt.events...)
			if diff := cmp.Diff(tt.told, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if table != tt.table {
				t.Errorf("the kernel is to have %q, want %q", table, tt.table)
			}
		})
	}
}

func TestAServerThatStaysKeepsWhatItsChecksSaid(t *testing.T) {
	p := NewPool(pool(1, 2, 3), now)
	play(p, judged(12, false))
	next := pool(1, 5)
	next.Servers = append(next.Servers, Real{Server: server(14, 4), Checks: 1})
	if told, table := play(p, Retuned{next}); told != "" || table != "11=1 14=4" {
		t.Errorf("told %q, the kernel is to have %q", told, table)
	}
	if told, table := play(p, judged(12, true)); told != "server 10.0.0.12:80 up: connected\n" || table != "11=1 12=5 14=4" {
		t.Errorf("told %q, the kernel is to have %q", told, table)
	}
}

func TestAHigherQuorumIsLostAtOnce(t *testing.T) {
	p := NewPool(pool(1, 2), now)
	next := pool(1, 2)
	next.Quorum, next.Sorry = 10, server(99, 1)
	if told, table := play(p, Retuned{next}); told != "quorum lost: weight 3 of 10\n" || table != "99=1" {
		t.Errorf("told %q, the kernel is to have %q", told, table)
	}
}

func TestViewSaysWhatAGoodServersCheckSawFirst(t *testing.T) {
	p := NewPool(pool(1), now)
	if got := p.View().Servers[0].Why; got != "not checked yet" {
		t.Errorf("before the first look: %q", got)
	}
	p.Step(now.Add(time.Second), judged(11, true))
	if got := p.View().Servers[0]; got.Why != "connected" || got.Since != now {
		t.Errorf("after it: %+v", got)
	}
}

func TestViewSaysWhyAServerIsDown(t *testing.T) {
	p := NewPool(pool(1, 2), now)
	later := now.Add(time.Minute)
	p.Step(later, judged(11, false))
	p.Step(later.Add(time.Minute), Judged{Server: server(11, 0).Address, Why: "no route"})
	got := p.View().Servers[0]
	if got.Up || got.Since != later || got.Why != "no route" || got.Server.Weight != 0 {
		t.Errorf("got %+v", got)
	}
}

// Whatever the checks say, somebody gets the connections as long as anybody is good or can
// apologize, and nobody who is failed does.
func TestWhoeverIsGoodServes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := pool(rapid.SliceOfN(rapid.IntRange(1, 3), 1, 4).Draw(t, "weights")...)
		cfg.Quorum, cfg.Hysteresis = rapid.IntRange(1, 6).Draw(t, "quorum"), rapid.IntRange(0, 2).Draw(t, "hysteresis")
		cfg.Alpha = rapid.Bool().Draw(t, "alpha")
		if rapid.Bool().Draw(t, "sorry") {
			cfg.Sorry = server(99, 1)
		}
		for i := range cfg.Servers {
			cfg.Servers[i].Inhibit = rapid.Bool().Draw(t, "inhibit")
		}
		p, up := NewPool(cfg, now), map[netip.AddrPort]bool{}
		for _, r := range cfg.Servers {
			up[r.Server.Address] = !cfg.Alpha
		}
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			ev := judged(11+rapid.IntRange(0, len(cfg.Servers)-1).Draw(t, "server"), rapid.Bool().Draw(t, "good"))
			p.Step(now, ev)
			up[ev.Server] = ev.Good
			anybody, serves := cfg.hasSorry(), false
			for _, ok := range up {
				anybody = anybody || ok
			}
			for _, s := range p.Service().Servers {
				serves = serves || s.Weight > 0
				if s.Weight > 0 && s != cfg.Sorry && !up[s.Address] {
					t.Fatalf("%s is failed and serves", s)
				}
			}
			if serves != anybody {
				t.Fatalf("somebody can serve: %v, somebody does: %v, %s", anybody, serves, has(p))
			}
		}
	})
}
