//go:build linux

package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// Two keepaliveds between themselves: what we compare with, and that the helper works.
func TestKeepalivedTakesOverFromKilledKeepalived(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	hosts := map[string]*netlab.Host{"a": lab.Host("a", "10.0.0.1/24"), "b": lab.Host("b", "10.0.0.2/24")}
	vi := Instance{
		Version: 3, Interface: "eth0", VRID: 50, Priority: 150,
		Interval: 200 * time.Millisecond, Addresses: []string{vip + "/24"},
	}
	a := StartKeepalived(t, hosts["a"], vi.Config())
	vi.Priority = 100
	b := StartKeepalived(t, hosts["b"], vi.Config())
	waitForState(t, a, "MASTER")
	waitForState(t, b, "BACKUP")
	if !has(hosts["a"], vip) || has(hosts["b"], vip) {
		t.Error("before: the address is not on a alone")
	}

	a.Kill(t)
	waitForState(t, b, "MASTER")
	if !has(hosts["a"], vip) || !has(hosts["b"], vip) {
		t.Error("keepalived killed with -9 should have left its address, and both have it")
	}

	b.Stop(t)
	if has(hosts["b"], vip) {
		t.Error("keepalived stopped in order should have taken its address away")
	}
}

func TestHungKeepalivedLosesTheRouterAndResumes(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	vi := Instance{
		Version: 2, Interface: "eth0", VRID: 50, Priority: 150,
		Interval: time.Second, Addresses: []string{vip + "/24"}, AuthType: "PASS", AuthPass: "secret",
	}
	a := StartKeepalived(t, lab.Host("a", "10.0.0.1/24"), vi.Config())
	waitForState(t, a, "MASTER")
	vi.Priority, vi.Extra = 100, "nopreempt"
	b := StartKeepalived(t, lab.Host("b", "10.0.0.2/24"), vi.Config())
	waitForState(t, b, "BACKUP")
	a.Hang(t)
	waitForState(t, b, "MASTER")
	a.Resume(t)
	waitForState(t, b, "BACKUP")
}

func has(h *netlab.Host, addr string) bool {
	return strings.Contains(h.Run("ip", "-o", "-4", "addr", "show"), "inet "+addr+"/")
}
