package vrrpnet

import (
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestAVirtualRouterIsClaimedOnceAHost(t *testing.T) {
	lab := netlab.New(t)
	claim := func(h *netlab.Host, name string, vrid uint8) (c *Claim, err error) {
		h.Do(func() { c, err = NewClaim(Link{Name: name}, vrid, false) })
		return c, err
	}
	a, b := lab.Host("a"), lab.Host("b")
	first, err := claim(a, "eth0", 50)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(a, "eth0", 50); err == nil || !strings.Contains(err.Error(), "another pairkeeper on this host runs virtual router 50") {
		t.Errorf("a second claim: %v", err)
	}
	for _, free := range []struct {
		host *netlab.Host
		name string
		vrid uint8
	}{{a, "eth0", 51}, {a, "eth1", 50}, {b, "eth0", 50}} {
		c, err := claim(free.host, free.name, free.vrid)
		if err != nil {
			t.Errorf("%s on %s of %s: %v", "another router", free.name, free.host.Name, err)
			continue
		}
		defer c.Close()
	}
	a.Do(func() {
		other, err := NewClaim(Link{Name: "eth0"}, 50, true)
		if err != nil {
			t.Errorf("the same number of the other family: %v", err)
			return
		}
		_ = other.Close()
	})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := claim(a, "eth0", 50)
	if err != nil {
		t.Fatalf("after it was given free: %v", err)
	}
	_ = again.Close()
}
