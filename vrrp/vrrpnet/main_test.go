package vrrpnet

import (
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is long enough for anything that is to happen at once on a busy machine.
const soon = 20 * time.Second

var (
	addrA   = netip.MustParseAddr("10.9.0.1")
	addrB   = netip.MustParseAddr("10.9.0.2")
	virtual = netip.MustParseAddr("10.9.0.3")
	free    = netip.MustParseAddr("10.9.0.4")
	group   = netip.MustParseAddr("224.0.0.18")
)

// pair is two hosts on one switch.
func pair(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	lab = netlab.New(t)
	return lab, lab.Host("a", addrA.String()+"/24"), lab.Host("b", addrB.String()+"/24")
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
	link := linkOf(t, h, "eth0")
	h.Do(func() {
		var err error
		if s, err = Open(link, vrids); err != nil {
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
	if err := s.Send(msg, src, dst); err != nil {
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
