package vrrpnet

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func isAdvert(f netlab.Frame) bool { return f.IsIPv4(vrrp.Protocol) }

// T01, T02.
func TestAdvertLeavesAsRFC9568Says(t *testing.T) {
	lab, a, _ := pair(t)
	a.Run("ip", "addr", "add", "10.9.0.11/24", "dev", "eth0")
	wire := lab.Capture()
	s := openSocket(t, a, 7)
	for i, src := range []netip.Addr{addrA, netip.MustParseAddr("10.9.0.11")} {
		message := []byte{0x31, 7, 100, byte(i)}
		send(t, s, src, group, message...)
		frames := wire.Wait(i+1, soon, isAdvert)
		if len(frames) != i+1 {
			t.Fatalf("%d adverts on the wire, want %d", len(frames), i+1)
		}
		f := frames[i]
		if got := f.Destination().String(); got != "01:00:5e:00:00:12" {
			t.Errorf("Ethernet destination %s", got)
		}
		if got := f.Source().String(); got != "02:00:00:00:00:01" {
			t.Errorf("Ethernet source %s", got)
		}
		ip := f.Payload()
		if ip[0] != 0x45 || ip[1] != 0xc0 || ip[8] != 255 || ip[9] != 112 {
			t.Errorf("version and length %#x, TOS %#x, TTL %d, protocol %d", ip[0], ip[1], ip[8], ip[9])
		}
		if got := netip.AddrFrom4([4]byte(ip[12:16])); got != src {
			t.Errorf("source %s, want %s", got, src)
		}
		if got := netip.AddrFrom4([4]byte(ip[16:20])); got != group {
			t.Errorf("destination %s", got)
		}
		if !bytes.Equal(ip[20:], message) {
			t.Errorf("message % x, want % x", ip[20:], message)
		}
	}
}

func TestUnicastAdvertHasTTL255(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	send(t, sa, addrA, addrB, 0x31, 7, 100)
	p := next(t, sb)
	if want := (vrrp.Envelope{Source: addrA, Destination: addrB, TTL: 255}); p.Envelope != want {
		t.Errorf("envelope %v, want %v", p.Envelope, want)
	}
}

func TestReceivedAdvertHasItsEnvelope(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	// T10 is for the codec: a foreign TTL arrives as it is.
	if err := unix.SetsockoptInt(sa.FD(), unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 64); err != nil {
		t.Fatal(err)
	}
	send(t, sa, addrA, group, 0x31, 7, 100)
	p := next(t, sb)
	if want := (vrrp.Envelope{Source: addrA, Destination: group, TTL: 64}); p.Envelope != want {
		t.Errorf("envelope %v, want %v", p.Envelope, want)
	}
	if !bytes.Equal(p.Message, []byte{0x31, 7, 100}) {
		t.Errorf("message % x", p.Message)
	}
	if ok, err := sb.Receive(p); ok || err != nil {
		t.Errorf("Receive of a drained socket = %t, %v", ok, err)
	}
}

// The kernel begins to stamp a moment after the first socket asked for it.
func TestStampTellsWhenTheAdvertCame(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	for end := time.Now().Add(soon); ; {
		before := time.Now().Round(0)
		send(t, sa, addrA, group, 0x31, 7)
		readable(t, sb.FD())
		came := time.Now().Round(0)
		p := next(t, sb)
		if p.At.Before(before) {
			t.Fatalf("stamp %s, but sent after %s", p.At, before)
		}
		if !p.At.After(came) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("stamp %s, but there by %s", p.At, came)
		}
	}
}

// T16.
func TestOwnAdvertsAreNotReceived(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	send(t, sa, addrA, group, 0x31, 7, 1)
	next(t, sb)
	send(t, sb, addrB, group, 0x31, 7, 2)
	if p := next(t, sa); p.Envelope.Source != addrB {
		t.Errorf("heard %s, want only %s", p.Envelope.Source, addrB)
	}
}

// T15.
func TestOtherRoutersAdvertsAreFilteredOut(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b)
	hears := func(want ...byte) {
		t.Helper()
		for vrid := range 256 {
			send(t, sb, addrB, group, 0x31, byte(vrid))
		}
		for _, vrid := range want {
			if p := next(t, sa); p.Message[1] != vrid {
				t.Fatalf("heard VRID %d, want %d", p.Message[1], vrid)
			}
		}
	}
	refilter := func(vrids ...uint8) {
		t.Helper()
		if err := sa.Filter(vrids); err != nil {
			t.Fatal(err)
		}
	}
	hears(7)
	refilter(9, 255, 7)
	hears(7, 9, 255)
	refilter()
	hears()
	refilter(8) // nothing is left of what the empty filter saw
	hears(8)
	all := make([]uint8, 255)
	for i := range all {
		all[i] = uint8(i + 1)
	}
	refilter(all...)
	hears(all...)
}

func TestGarbageIsCarriedOrDroppedButHurtsNobody(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	long := make([]byte, 1400)
	long[1] = 7
	send(t, sb, addrB, group)             // no message at all
	send(t, sb, addrB, group, 0x31)       // too short for a VRID
	send(t, sb, addrB, group, 0xff, 7)    // the codec's to refuse
	send(t, sb, addrB, group, long...)    // likewise
	send(t, sb, addrB, group, 0x31, 7, 1) // and one that is fine
	for _, want := range []int{2, 1400, 3} {
		if p := next(t, sa); len(p.Message) != want {
			t.Fatalf("message of %d bytes, want %d", len(p.Message), want)
		}
	}
}

func TestSocketSurvivesTheInterfaceGoingDown(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	a.Run("ip", "link", "set", "eth0", "down")
	if err := sa.Send([]byte{0x31, 7}, addrA, group); err == nil {
		t.Error("sending on an interface that is down worked")
	}
	if ok, err := sa.Receive(new(Packet)); ok || err != nil {
		t.Errorf("Receive = %t, %v", ok, err)
	}
	a.Run("ip", "link", "set", "eth0", "up")
	a.Cable("eth0").Settle()
	send(t, sb, addrB, group, 0x31, 7, 1)
	next(t, sa)
	send(t, sa, addrA, group, 0x31, 7, 1)
	next(t, sb)
}

func TestSendSaysWhatIsWrong(t *testing.T) {
	_, a, _ := pair(t)
	s := openSocket(t, a, 7)
	wants := func(err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("error %q lacks %q", err, w)
			}
		}
	}
	wants(s.Send([]byte{0x31, 7}, virtual, group), "eth0", "10.9.0.3 is not an address of this host")
	wants(s.Send([]byte{0x31, 7}, netip.IPv6Loopback(), group), "IPv4")
	netlab.Need(t, "nft")
	a.Rules("table ip t { chain out { type filter hook output priority 0; ip protocol 112 drop; }; }")
	wants(s.Send([]byte{0x31, 7}, addrA, group), "eth0", "firewall", "112")
}

func TestSocketsSayThatCapNetRawIsMissing(t *testing.T) {
	_, a, _ := pair(t)
	link := linkOf(t, a, "eth0")
	for name, open := range map[string]func() error{
		"VRRP": func() error { _, err := Open(link, nil); return err },
		"ARP":  func() error { _, err := OpenARP(link); return err },
	} {
		var err error
		a.Do(func() { without(t, unix.CAP_NET_RAW, func() { err = open() }) })
		var missing *MissingCapability
		if !errors.As(err, &missing) || missing.Name != "CAP_NET_RAW" || !strings.Contains(err.Error(), "eth0: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestOpenSaysThatTheInterfaceIsNotThere(t *testing.T) {
	_, a, _ := pair(t)
	a.Do(func() {
		s, err := Open(Link{Name: "eth9", Index: 99}, []uint8{7})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "eth9") {
			t.Errorf("error %v", err)
		}
	})
}

// A descriptor that stays readable would keep the polling thread busy for ever.
func TestSocketsFallSilentWhenTheInterfaceIsGone(t *testing.T) {
	_, a, _ := pair(t)
	s, arp := openSocket(t, a, 7), openARP(t, a, virtual)
	a.Run("ip", "link", "del", "eth0")
	if ok, err := s.Receive(new(Packet)); ok || err != nil {
		t.Errorf("advert: Receive = %t, %v", ok, err)
	}
	nothingMore(t, arp)
	fds := []unix.PollFd{{Fd: int32(s.FD()), Events: unix.POLLIN}, {Fd: int32(arp.FD()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 300); n != 0 || err != nil {
		t.Errorf("poll = %d, %v: %+v", n, err, fds)
	}
	if err := s.Send([]byte{0x31, 7}, addrA, group); err == nil {
		t.Error("sending worked")
	}
	if err := arp.Probe(virtual); err == nil {
		t.Error("probing worked")
	}
}
