package daemon_test

import (
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const more = "  - name: more\n    interface: eth0\n    vrid: 51\n    addresses: [10.0.0.4/24]\n    preempt_delay: 0\n"

// The peer need not wait for its timer.
func TestARouterThatAReloadRemovesIsReleasedOnTheWire(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair+more)
	n.is("ACTIVE")
	n.until("10.0.0.4", func() bool { return lifetime(h, "eth0", "10.0.0.4") > 0 })
	wire := lab.Capture()
	n.write(pair)
	a := n.reload()
	if a.Problem != "" || len(a.Changed) != 1 || a.Changed[0] != "virtual router more is gone" {
		t.Errorf("the reload says %+v", a)
	}
	if len(wire.Wait(1, soon, advert(51, 0))) == 0 {
		t.Errorf("no priority 0:\n%s", n.log.String())
	}
	n.until("10.0.0.4 is gone", func() bool { return lifetime(h, "eth0", "10.0.0.4") == 0 })
	n.holds(true)
	if got := wire.Frames(advert(50, 0)); len(got) != 0 {
		t.Error("the other router was released too")
	}
}

func TestAReloadBringsAnInterfaceAndTakesItAway(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24")
	h.Plug("eth1", "10.1.0.1/24")
	n := start(t, h, "lb01", pair)
	n.is("ACTIVE")
	both := pair + strings.NewReplacer("eth0", "eth1", "10.0.0.4", "10.1.0.4").Replace(more)
	for range 3 {
		n.write(both)
		n.reload()
		n.until("10.1.0.4", func() bool { return lifetime(h, "eth1", "10.1.0.4") > 0 })
		n.write(pair)
		n.reload()
		n.until("10.1.0.4 is gone", func() bool { return lifetime(h, "eth1", "10.1.0.4") == 0 })
	}
	n.is("ACTIVE")
	if s, err := n.status(); err != nil || len(s.Routers) != 1 {
		t.Errorf("status %+v, %v", s, err)
	}
}

func TestABadReloadKeepsTheLastGoodConfiguration(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair)
	before := n.is("ACTIVE")
	n.write(strings.Replace(pair, "vrid: 50", "vrid: 300", 1))
	if a := n.reload(); !strings.Contains(a.Problem, "vrid: 300 is not in 1..255") {
		t.Errorf("the reload says %+v", a)
	}
	s, err := n.status()
	if err != nil || !strings.Contains(s.Config.Problem, "vrid: 300") || s.Routers[0].VRID != 50 || s.Routers[0].State != "ACTIVE" {
		t.Errorf("status %+v, %v", s, err)
	}
	n.write(pair)
	if a := n.reload(); a.Problem != "" || len(a.Changed) != 0 {
		t.Errorf("the reload of the same says %+v", a)
	}
	if s, err := n.status(); err != nil || s.Config.Problem != "" {
		t.Errorf("the problem is over, status says %+v, %v", s.Config, err)
	}
	if after := n.is("ACTIVE"); after.Since.Sub(before.Since).Abs() > 1e9 {
		t.Errorf("the router began anew: since %s, was %s", after.Since, before.Since)
	}
}
