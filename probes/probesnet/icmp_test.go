package probesnet

import (
	"context"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/probes"
)

// lookHere makes one look on this thread, in whatever namespace it is.
func lookHere(t *testing.T, c probes.Check, timeout time.Duration) Result {
	t.Helper()
	k := newKit()
	defer k.close()
	l := k.looker(probes.Config{Check: c, Timeout: timeout})
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return l.look(ctx)
}

// pingUntil pings until the answer is as wanted: a new address of IPv6 is of no use for
// its first seconds.
func pingUntil(t *testing.T, host string, ok bool) Result {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; {
		r := lookHere(t, probes.ICMP{Host: host}, 500*time.Millisecond)
		if r.OK == ok || time.Now().After(end) {
			return r
		}
	}
}

func TestPingIsAnsweredByAHostOfEitherFamily(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a", "10.0.0.5/24", "fd00::5/64")
	lab.Host("b", "10.0.0.6/24", "fd00::6/64")
	a.Do(func() {
		for _, host := range []string{"10.0.0.6", "fd00::6", "127.0.0.1", "::1"} {
			r := pingUntil(t, host, true)
			if !r.OK || !strings.HasPrefix(r.Detail, host+": answered in ") {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestPingNoticesASilentHost(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a", "10.0.0.5/24")
	b := lab.Host("b", "10.0.0.6/24")
	b.Sysctl("net/ipv4/icmp_echo_ignore_all", "1")
	a.Do(func() {
		if r := lookHere(t, probes.ICMP{Host: "10.0.0.6"}, 300*time.Millisecond); r.OK || r.Detail != "10.0.0.6: no answer within 300ms" {
			t.Errorf("%+v", r)
		}
		if r := lookHere(t, probes.ICMP{Host: "192.0.2.1"}, 30*time.Second); r.OK || r.Detail != "192.0.2.1: network is unreachable" {
			t.Errorf("%+v", r)
		}
		if r := lookHere(t, probes.ICMP{Host: "10.0.0.7"}, 30*time.Second); r.OK || r.Detail != "10.0.0.7: no route to host" {
			t.Errorf("%+v", r) // nobody answers ARP
		}
		if r := lookHere(t, probes.ICMP{Host: "fe80::1%eth9"}, 30*time.Second); r.OK || r.Detail != "fe80::1%eth9: there is no interface eth9" {
			t.Errorf("%+v", r)
		}
	})
}

func TestManyPingsDoNotTakeEachOthersAnswers(t *testing.T) {
	netlab.Need(t)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if r := lookHere(t, probes.ICMP{Host: "127.0.0.1"}, 60*time.Second); !r.OK {
				t.Error(r.Detail)
			}
		})
	}
	wg.Wait()
}

func TestPingTakesNobodyElsesAnswer(t *testing.T) {
	for _, to := range []string{"127.0.0.1", "::1"} {
		e, other := newEcho(netip.MustParseAddr(to)), newEcho(netip.MustParseAddr(to))
		reply := func(e echo) []byte {
			b := e.request()
			b[0] = map[bool]byte{false: echoReply, true: echoReply6}[e.v6]
			return b
		}
		header := append([]byte{0x46}, make([]byte, 23)...) // of IPv4, with an option
		for name, c := range map[string]struct {
			packet []byte
			ours   bool
		}{
			"ours":             {reply(e), true},
			"another's":        {reply(other), false},
			"the request":      {e.request(), false},
			"cut":              {reply(e)[:10], false},
			"nothing":          {nil, false},
			"unreachable":      {append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, e.payload[:]...), false},
			"with IP's header": {append(header, reply(e)...), !e.v6},
			"a header only":    {header, false},
		} {
			if got := e.answeredBy(c.packet); got != c.ours {
				t.Errorf("%s, %s: %v", to, name, got)
			}
		}
	}
}

func TestPingWithoutTheCapability(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a", "10.0.0.5/24", "fd00::5/64")
	for allowed, ok := range map[string]bool{"1 0": false, "0 2147483647": true} {
		a.Sysctl("net/ipv4/ping_group_range", allowed)
		withoutRaw(t, a, func() {
			for _, host := range []string{"10.0.0.5", "fd00::5"} {
				r := pingUntil(t, host, ok)
				if r.OK != ok || !ok && r.Detail != host+": not permitted to send ICMP: give CAP_NET_RAW, or the daemon's group in net.ipv4.ping_group_range" {
					t.Errorf("%s: %+v", allowed, r)
				}
			}
		})
	}
}

// withoutRaw runs f inside a host without CAP_NET_RAW, on a thread that ends then.
func withoutRaw(t *testing.T, h *netlab.Host, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		if err := unix.Setns(h.Namespace(), unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&hdr, &data[0]); err != nil {
			t.Error(err)
			return
		}
		data[0].Effective &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&hdr, &data[0]); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}
