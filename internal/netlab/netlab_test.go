package netlab_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const soon = 20 * time.Second

// listen opens a UDP socket on port 9 of a host.
func listen(t *testing.T, h *netlab.Host) net.PacketConn {
	t.Helper()
	var c net.PacketConn
	h.Do(func() {
		var err error
		if c, err = net.ListenPacket("udp4", ":9"); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// passes tells whether a datagram from one socket gets to another in time.
func passes(t *testing.T, from, to net.PacketConn, addr string, within time.Duration) bool {
	t.Helper()
	marker := []byte(fmt.Sprint(time.Now().UnixNano()))
	for end := time.Now().Add(within); time.Now().Before(end); {
		_, _ = from.WriteTo(marker, &net.UDPAddr{IP: net.ParseIP(addr), Port: 9})
		_ = to.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		b := make([]byte, 64)
		for {
			n, _, err := to.ReadFrom(b)
			if err != nil {
				break
			}
			if bytes.Equal(b[:n], marker) {
				return true
			}
		}
	}
	return false
}

func TestFramesPassWhileTheCableIsWhole(t *testing.T) {
	netlab.Need(t, "nft")
	lab := netlab.New(t)
	a, b := lab.Host("a", "10.9.0.1/24"), lab.Host("b")
	cable := b.Plug("eth0", "10.9.0.2/24")
	if got := cable.MAC.String(); got != "02:00:00:00:00:02" {
		t.Errorf("second cable's MAC %s", got)
	}
	from, to := listen(t, a), listen(t, b)
	for _, c := range []struct {
		what string
		do   func()
		want bool
	}{
		{"plugged", func() {}, true},
		{"cut", cable.Cut, false},
		{"joined", cable.Join, true},
		{"detached", cable.Detach, false},
		{"attached", cable.Attach, true},
		{"filtered", func() {
			b.Rules("table ip t { chain in { type filter hook input priority 0; udp dport 9 drop; }; }")
		}, false},
	} {
		within := soon
		if !c.want {
			within = 300 * time.Millisecond
		}
		if c.do(); passes(t, from, to, "10.9.0.2", within) != c.want {
			t.Errorf("%s: passes: %t, want %t", c.what, !c.want, c.want)
		}
	}
	if !passes(t, from, from, "127.0.0.1", soon) {
		t.Error("no loopback")
	}
}

func TestDoRunsInsideAndComesBack(t *testing.T) {
	lab := netlab.New(t)
	outside := interfaces(t)
	h := lab.Host("a", "10.9.0.1/24")
	h.Do(func() {
		if got := interfaces(t); !slices.Equal(got, []string{"lo", "eth0"}) {
			t.Errorf("inside: %v", got)
		}
	})
	func() {
		defer func() { _ = recover() }()
		h.Do(func() { panic("out of it") })
	}()
	if got := interfaces(t); !slices.Equal(got, outside) {
		t.Errorf("outside: %v, before: %v", got, outside)
	}
	h.Sysctl("net/ipv4/conf/eth0/arp_announce", "2")
	if got := strings.TrimSpace(h.Run("cat", "/proc/sys/net/ipv4/conf/eth0/arp_announce")); got != "2" {
		t.Errorf("arp_announce %s", got)
	}
}

func interfaces(t *testing.T) (names []string) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		names = append(names, i.Name)
	}
	return names
}

func TestCaptureSeesEveryFrameOnce(t *testing.T) {
	lab := netlab.New(t)
	a, b := listen(t, lab.Host("a", "10.9.0.1/24")), listen(t, lab.Host("b", "10.9.0.2/24"))
	if !passes(t, a, b, "10.9.0.2", soon) { // the switch knows both by now: unicast goes straight
		t.Fatal("b not reached")
	}
	wire := lab.Capture()
	before := time.Now().Round(0)
	isUDP := func(f netlab.Frame) bool { return f.IsIPv4(17) }
	for i := range 3 {
		if _, err := b.WriteTo([]byte{byte(i)}, &net.UDPAddr{IP: net.IPv4(10, 9, 0, 1), Port: 9}); err != nil {
			t.Fatal(err)
		}
		got := wire.Wait(i+1, soon, isUDP)
		if len(got) != i+1 {
			t.Fatalf("%d frames, want %d", len(got), i+1)
		}
		f := got[i]
		if f.Source().String() != "02:00:00:00:00:02" || f.Destination().String() != "02:00:00:00:00:01" {
			t.Errorf("frame from %s to %s", f.Source(), f.Destination())
		}
		if f.At.Before(before) || f.At.After(time.Now().Round(0)) {
			t.Errorf("frame stamped %s", f.At)
		}
	}
	if n := len(wire.Frames(isUDP)); n != 3 {
		t.Errorf("%d frames in the end, want 3", n)
	}
}

// A started command is inside the host, and ended with the lab.
func TestStartedCommandEndsWithTheLab(t *testing.T) {
	netlab.Need(t, "sleep")
	cmd := exec.Command("sleep", "1000")
	t.Run("lab", func(t *testing.T) {
		h := netlab.New(t).Host("a")
		h.Start(cmd)
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		if mine := strings.TrimSpace(h.Run("readlink", "/proc/self/ns/net")); mine != theirs {
			t.Errorf("in %s, not in %s", theirs, mine)
		}
	})
	if cmd.ProcessState == nil {
		t.Error("still running")
	}
}

// lacking is a T that remembers how it ended.
type lacking struct {
	testing.TB
	out bytes.Buffer
}

func (l *lacking) Skipf(format string, args ...any)  { l.end("skip: ", format, args) }
func (l *lacking) Fatalf(format string, args ...any) { l.end("fail: ", format, args) }
func (l *lacking) end(how, format string, args []any) {
	fmt.Fprintf(&l.out, how+format, args...)
	panic(l)
}

func TestSkipBecomesFailureInCI(t *testing.T) {
	for value, want := range map[string]string{
		"":  "skip: needs the program no-such-program",
		"1": "fail: needs the program no-such-program, and PAIRKEEPER_NO_SKIP=1 forbids to skip",
	} {
		l := &lacking{TB: t}
		func() {
			defer func() { _ = recover() }()
			t.Setenv(netlab.NoSkip, value)
			netlab.Need(l, "no-such-program")
		}()
		if got := l.out.String(); got != want {
			t.Errorf("%s=%s: %q, want %q", netlab.NoSkip, value, got, want)
		}
	}
}

func TestAHostCanBeInTwoNetworks(t *testing.T) {
	left, right := netlab.New(t), netlab.New(t)
	router := left.Host("router", "10.9.1.1/24")
	cable := router.PlugInto(right, "eth1", "10.9.2.1/24")
	router.Sysctl("net/ipv4/ip_forward", "1")
	a, b := left.Host("a", "10.9.1.2/24"), right.Host("b", "10.9.2.2/24")
	a.Run("ip", "route", "add", "default", "via", "10.9.1.1")
	b.Run("ip", "route", "add", "default", "via", "10.9.2.1")
	from, to := listen(t, a), listen(t, b)
	if !passes(t, from, to, "10.9.2.2", soon) {
		t.Error("nothing passes through the router")
	}
	cable.Cut()
	if passes(t, from, to, "10.9.2.2", 300*time.Millisecond) {
		t.Error("the router's second cable is cut, and datagrams pass")
	}
}
