package vrrpnet

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func TestMain(m *testing.M) {
	if os.Getenv(guardianEnv) != "" {
		guardian()
	}
	goleak.VerifyTestMain(m)
}

// soon is long enough for anything that is to happen at once on a busy machine.
const soon = 20 * time.Second

var (
	addrA   = netip.MustParseAddr("10.9.0.1")
	addrB   = netip.MustParseAddr("10.9.0.2")
	virtual = netip.MustParseAddr("10.9.0.3")
	free    = netip.MustParseAddr("10.9.0.4")
	group   = netip.MustParseAddr("224.0.0.18")

	localA   = netip.MustParseAddr("fe80::ff:fe00:1") // of the hardware address
	localB   = netip.MustParseAddr("fe80::ff:fe00:2")
	virtual6 = netip.MustParseAddr("fe80::100")
	free6    = netip.MustParseAddr("fe80::200")
	group6   = netip.MustParseAddr("ff02::12")
)

// pair is two hosts on one switch.
func pair(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	return lab, lab.Host("a", addrA.String()+"/24"), lab.Host("b", addrB.String()+"/24")
}

// pair6 is two hosts on one switch with both families, whose addresses need not be tried
// out before they are used.
func pair6(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	need6(t)
	lab = netlab.New(t)
	hosts := [2]*netlab.Host{lab.Host("a"), lab.Host("b")}
	for i, at := range []string{"1", "2"} {
		hosts[i].Sysctl("net/ipv6/conf/default/accept_dad", "0")
		hosts[i].Plug("eth0", "10.9.0."+at+"/24", "fd09::"+at+"/64")
	}
	for i, local := range []netip.Addr{localA, localB} {
		usable(t, hosts[i], local)
	}
	return lab, hosts[0], hosts[1]
}

// need6 fails a test where the kernel has no IPv6: a skip would hide half of the package.
func need6(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Fatalf("this kernel runs without IPv6 (%v): boot one with it", err)
	}
}

// usable waits until packets can be sent from an address of eth0.
func usable(t *testing.T, h *netlab.Host, addr netip.Addr) {
	t.Helper()
	a, index := openAddresses(t, h), linkOf(t, h, "eth0").Index
	for end := time.Now().Add(soon); ; time.Sleep(10 * time.Millisecond) {
		found, err := a.List(index)
		must(t, err)
		if slices.ContainsFunc(found, func(f Found) bool { return f.Prefix.Addr() == addr && !f.Tentative }) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("host %s: %s is not usable after %s; there is %+v: is IPv6 switched off?", h.Name, addr, soon, found)
		}
	}
}

func linkOf(t *testing.T, h *netlab.Host, name string) (link Link) {
	t.Helper()
	h.Do(func() {
		i, err := net.InterfaceByName(name)
		if err != nil {
			t.Fatal(err)
		}
		link = Link{Name: i.Name, Index: i.Index, MAC: i.HardwareAddr}
	})
	return link
}

func openSocket(t *testing.T, h *netlab.Host, vrids ...uint8) (s *Socket) {
	t.Helper()
	return openOver(t, h, Over4, vrids...)
}

func openOver(t *testing.T, h *netlab.Host, over Transport, vrids ...uint8) (s *Socket) {
	t.Helper()
	link := linkOf(t, h, "eth0")
	h.Do(func() {
		var err error
		if s, err = Open(link, over, vrids); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { s.Close() })
	return s
}

func openARP(t *testing.T, h *netlab.Host, watched ...netip.Addr) (a *ARP) {
	t.Helper()
	link := linkOf(t, h, "eth0")
	h.Do(func() {
		var err error
		if a, err = OpenARP(link); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { a.Close() })
	if err := a.Watch(watched); err != nil {
		t.Fatal(err)
	}
	return a
}

func openNDP(t *testing.T, h *netlab.Host, watched ...netip.Addr) (n *NDP) {
	t.Helper()
	link := linkOf(t, h, "eth0")
	h.Do(func() {
		var err error
		if n, err = OpenNDP(link); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { n.Close() })
	must(t, n.Watch(watched))
	return n
}

func openAddresses(t *testing.T, h *netlab.Host) (a *Addresses) {
	t.Helper()
	h.Do(func() {
		var err error
		if a, err = OpenAddresses(); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { a.Close() })
	return a
}

// until waits until f holds.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// readable waits until a descriptor has something to read.
func readable(t *testing.T, fd int) {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		if err == nil && n > 0 {
			return
		}
	}
	t.Fatal("nothing to read")
}

// next is the next packet of a socket.
func next(t *testing.T, s *Socket) *Packet {
	t.Helper()
	readable(t, s.FD())
	p := new(Packet)
	if ok, err := s.Receive(p); !ok || err != nil {
		t.Fatalf("readable, but Receive = %t, %v", ok, err)
	}
	return p
}

func send(t *testing.T, s *Socket, src, dst netip.Addr, msg ...byte) {
	t.Helper()
	if err := s.Send(msg, vrrp.Envelope{Source: src, Destination: dst, ID: 7}); err != nil {
		t.Fatal(err)
	}
}

// without runs f on a thread that lacks a capability.
func without(t *testing.T, capability int, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had, has [2]unix.CapUserData
	if err := unix.Capget(&header, &had[0]); err != nil {
		t.Fatal(err)
	}
	has = had
	has[capability/32].Effective &^= 1 << (capability % 32)
	if err := unix.Capset(&header, &has[0]); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Capset(&header, &had[0]); err != nil {
			t.Error(err)
		}
	}()
	f()
}
