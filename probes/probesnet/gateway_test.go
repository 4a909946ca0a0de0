package probesnet

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/probes"
)

// ip runs ip(8) on this thread, in whatever namespace it is.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// gatewayUntil looks until the answer is as wanted.
func gatewayUntil(t *testing.T, g probes.Gateway, ok bool) Result {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; {
		r := lookHere(t, g, 500*time.Millisecond)
		if r.OK == ok || time.Now().After(end) {
			return r
		}
	}
}

func TestGatewayIsTheNextHopOfTheDefaultRoute(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a", "10.0.0.5/24", "fd00::5/64")
	lab.Host("gw", "10.0.0.1/24", "fd00::1/64")
	a.Do(func() {
		if r := lookHere(t, probes.Gateway{}, time.Second); r.OK || r.Detail != "there is no default route of IPv4: name the gateway's address" {
			t.Errorf("%+v", r)
		}
		ip(t, "route", "add", "default", "via", "10.0.0.1")
		ip(t, "route", "add", "default", "via", "10.0.0.99", "metric", "100") // a worse one
		ip(t, "-6", "route", "add", "default", "via", "fd00::1")
		for g, hop := range map[probes.Gateway]string{{}: "10.0.0.1", {IPv6: true}: "fd00::1", {Host: "10.0.0.1"}: "10.0.0.1"} {
			if r := gatewayUntil(t, g, true); !r.OK || !strings.HasPrefix(r.Detail, hop+": answered in ") {
				t.Errorf("%+v: %+v", g, r)
			}
		}
	})
}

func TestAGatewayThatDoesNotAnswerToPingIsThereByARP(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a", "10.0.0.5/24", "fd00::5/64")
	gw := lab.Host("gw", "10.0.0.1/24", "fd00::1/64")
	gw.Sysctl("net/ipv4/icmp_echo_ignore_all", "1")
	gw.Sysctl("net/ipv6/icmp/echo_ignore_all", "1")
	a.Do(func() {
		for _, host := range []string{"10.0.0.1", "fd00::1"} {
			r := gatewayUntil(t, probes.Gateway{Host: host}, true)
			if want := host + ": there, though it does not answer to ping"; !r.OK || r.Detail != want {
				t.Errorf("%+v", r)
			}
		}
	})
	gw.Cable("eth0").Detach()
	a.Do(func() { // though the kernel has known it just now
		for host, how := range map[string]string{"10.0.0.1": "ARP", "fd00::1": "neighbour discovery"} {
			r := lookHere(t, probes.Gateway{Host: host}, 500*time.Millisecond)
			if want := host + ": neither ping nor " + how + " was answered within 500ms"; r.OK || r.Detail != want {
				t.Errorf("%+v", r)
			}
		}
	})
	gw.Cable("eth0").Attach()
	a.Do(func() {
		for _, host := range []string{"10.0.0.1", "fd00::1"} {
			if r := gatewayUntil(t, probes.Gateway{Host: host}, true); !r.OK {
				t.Errorf("after it came back: %+v", r)
			}
		}
	})
}
