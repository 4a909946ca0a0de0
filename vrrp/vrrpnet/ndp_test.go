package vrrpnet

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func isND(f netlab.Frame) bool {
	return f.Type() == unix.ETH_P_IPV6 && len(f.Data) >= offNDOptions && f.Data[offNextHeader] == unix.IPPROTO_ICMPV6 &&
		(f.Data[offICMP] == neighbourAdvertisement || f.Data[offICMP] == neighbourSolicitation)
}

func TestT34UnsolicitedAdvertisementLeavesAsRFC9568Says(t *testing.T) {
	lab, a, _ := pair6(t)
	n := openNDP(t, a)
	wire := lab.Capture()
	for _, mac := range []net.HardwareAddr{n.link.MAC, {0, 0, 0x5e, 0, 2, 7}} {
		must(t, n.Announce(virtual6, mac))
		frames := wire.Wait(1, soon, func(f netlab.Frame) bool { return isND(f) && bytes.Equal(f.Source(), mac) })
		if len(frames) != 1 {
			t.Fatalf("%d frames from %s on the wire", len(frames), mac)
		}
		f := frames[0].Data
		if got := frames[0].Destination().String(); got != "33:33:00:00:00:01" {
			t.Errorf("to %s", got)
		}
		if src, dst := addr6(f[offSource6:]), addr6(f[offDestination6:]); src != virtual6 || dst != allNodes || f[offHopLimit] != 255 {
			t.Errorf("from %s to %s, hop limit %d", src, dst, f[offHopLimit])
		}
		if f[offNDFlags] != 0xa0 || addr6(f[offNDTarget:]) != virtual6 || !bytes.Equal(f[offNDOptions:], append([]byte{2, 1}, mac...)) {
			t.Errorf("flags %#x (want R and O), target and options % x", f[offNDFlags], f[offNDTarget:])
		}
	}
}

// What the kernel of another host makes of it: the point of T34 and of its flags.
func TestT34AdvertisementMovesTheNeighboursOfOthers(t *testing.T) {
	_, a, b := pair6(t)
	n := openNDP(t, a)
	b.Run("ip", "-6", "neigh", "replace", virtual6.String(), "lladdr", "02:00:00:00:00:99", "nud", "stale", "dev", "eth0")
	must(t, n.Announce(virtual6, n.link.MAC))
	until(t, "the neighbour moves", func() bool {
		out := b.Run("ip", "-6", "neigh", "show", virtual6.String(), "dev", "eth0")
		return strings.Contains(out, "lladdr 02:00:00:00:00:01 router")
	})
}

func TestNDPProbeIsAnsweredByTheHolderAlone(t *testing.T) {
	_, a, b := pair6(t)
	putOn(t, b, virtual6)
	n := openNDP(t, a, virtual6, free6)
	for _, addr := range []netip.Addr{free6, virtual6} {
		must(t, n.Probe(addr))
	}
	h := hearNext(t, n)
	if h.Address != virtual6 || h.MAC.String() != "02:00:00:00:00:02" || h.Probe {
		t.Errorf("heard %v, want b's answer for %s", h, virtual6)
	}
	nothingMore(t, n)
}

// putOn gives eth0 of a host an IPv6 address and waits until it takes packets.
func putOn(t *testing.T, h *netlab.Host, addr netip.Addr) {
	t.Helper()
	must(t, openAddresses(t, h).Put([]Held{{Link: linkOf(t, h, "eth0").Index, Prefix: netip.PrefixFrom(addr, 64), Lifetime: time.Minute}}))
	until(t, "the kernel takes packets to "+addr.String(), func() bool {
		return strings.Contains(h.Run("ip", "-6", "route", "show", "table", "local"), "local "+addr.String()+" ")
	})
}

func TestNDPHearsClaimsAndProbesForWatchedAddresses(t *testing.T) {
	_, a, b := pair6(t)
	n, other := openNDP(t, a, virtual6.WithZone("eth0")), openNDP(t, b)
	theirs := other.link.MAC
	for _, err := range []error{
		other.Announce(free6, theirs),          // not watched
		other.Probe(free6),                     // not watched
		other.Announce(virtual6, n.link.MAC),   // our own, come back on a loop
		other.Probe(virtual6),                  // first
		other.Announce(virtual6, theirs),       // second
		n.Announce(virtual6, n.link.MAC),       // our own
		n.Announce(virtual6, vmac6),            // our own
		n.Probe(virtual6),                      // our own
		other.Announce(localB, theirs),         // not watched
		other.send(asking6(theirs), "", addrB), // an ordinary question
		other.Announce(virtual6, vmac6),        // third: it has the same virtual MAC
	} {
		must(t, err)
	}
	for i, want := range []Heard{{MAC: theirs, Probe: true}, {MAC: theirs}, {MAC: vmac6}} {
		h := hearNext(t, n)
		if h.Address != virtual6 || h.MAC.String() != want.MAC.String() || h.Probe != want.Probe {
			t.Errorf("heard %d: %v, want %v", i, h, want)
		}
	}
	nothingMore(t, n)
}

var (
	vmac4 = net.HardwareAddr{0, 0, 0x5e, 0, 1, 7}
	vmac6 = net.HardwareAddr{0, 0, 0x5e, 0, 2, 7}
)

// asking6 is a solicitation from an address: of somebody who wants to talk.
func asking6(mac net.HardwareAddr) []byte {
	b := solicitation(virtual6, mac)
	ip := localB.As16()
	copy(b[offSource6:], ip[:])
	b[offICMPChecksum], b[offICMPChecksum+1] = 0, 0
	return sealed(b)
}

// A peer may use our virtual MAC: its claim has to be heard, ours must not be, and that
// also where a socket stands on the macvlan that has the MAC.
func TestClaimsFromOurVirtualMACAreHeardUnlessWeSentThem(t *testing.T) {
	_, a, b := pair6(t)
	for _, c := range []struct {
		mac  net.HardwareAddr
		addr netip.Addr
		open func(*netlab.Host) disguised
	}{
		{vmac4, virtual, func(h *netlab.Host) disguised { return openARP(t, h, virtual) }},
		{vmac6, virtual6, func(h *netlab.Host) disguised { return openNDP(t, h, virtual6) }},
	} {
		ours, second, theirs := c.open(a), c.open(a), c.open(b)
		ours.as(c.mac) // as if the interface had it
		must(t, ours.Announce(c.addr, c.mac))
		must(t, second.Announce(c.addr, c.mac))
		must(t, theirs.Announce(c.addr, c.mac))
		for _, n := range []Neighbours{ours, second} {
			if h := hearNext(t, n); h.Address != c.addr || h.MAC.String() != c.mac.String() || h.Probe {
				t.Errorf("heard %v", h)
			}
			nothingMore(t, n)
		}
	}
}

// disguised is a socket of an interface that has another MAC than it has.
type disguised interface {
	Neighbours
	as(net.HardwareAddr)
}

func (e *ear) as(mac net.HardwareAddr) { e.link.MAC = mac }

func TestAThousandAddressesAreWatched(t *testing.T) {
	_, a, b := pair6(t)
	var four, six []netip.Addr
	for i := range 1000 {
		four = append(four, netip.AddrFrom4([4]byte{10, 8, byte(i >> 8), byte(i)}))
		six = append(six, netip.AddrFrom16([16]byte{0xfd, 8, 14: byte(i >> 8), 15: byte(i)}))
	}
	for _, c := range []struct {
		name      string
		ours, its Neighbours
		addrs     []netip.Addr
		other     netip.Addr
	}{
		{"ARP", openARP(t, a), openARP(t, b), four, virtual},
		{"NDP", openNDP(t, a), openNDP(t, b), six, virtual6},
	} {
		for _, n := range []int{1000, filteredAddresses + 1, filteredAddresses, 1, 0} {
			must(t, c.ours.Watch(c.addrs[:n]))
			for i, addr := range []netip.Addr{c.other, c.addrs[999], c.addrs[0], c.addrs[max(n-1, 0)]} {
				must(t, c.its.Announce(addr, net.HardwareAddr{2, 0, 0, 0, 1, byte(i)}))
			}
			var want []netip.Addr
			switch n {
			case 1000:
				want = []netip.Addr{c.addrs[999], c.addrs[0], c.addrs[999]}
			case 0:
			default:
				want = []netip.Addr{c.addrs[0], c.addrs[n-1]}
			}
			for _, addr := range want {
				if h := hearNext(t, c.ours); h.Address != addr {
					t.Errorf("%s with %d: heard %v, want %s", c.name, n, h, addr)
				}
			}
			nothingMore(t, c.ours)
		}
	}
}

// 250 addresses, five times over.
func TestABurstOfAnnouncementsIsSentWhole(t *testing.T) {
	lab, a, _ := pair6(t)
	wire := lab.Capture()
	mac := net.HardwareAddr{2, 0, 0, 0, 2, 0}
	for _, c := range []struct {
		n    Neighbours
		addr netip.Addr
	}{{openARP(t, a), virtual}, {openNDP(t, a), virtual6}} {
		for range 1250 {
			must(t, c.n.Announce(c.addr, mac))
		}
	}
	if got := len(wire.Wait(2500, soon, func(f netlab.Frame) bool { return bytes.Equal(f.Source(), mac) })); got != 2500 {
		t.Errorf("%d of 2500 frames on the wire", got)
	}
}

func TestABurstThatIsTooMuchIsNotLostInSilence(t *testing.T) {
	netlab.Need(t, "tc")
	lab, a, _ := pair6(t)
	a.Run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "8kbit", "burst", "1600", "limit", "16000")
	wire := lab.Capture()
	for i, c := range []struct {
		n    Neighbours
		addr netip.Addr
		what string
	}{{openARP(t, a), virtual, "announcing 10.9.0.3 by ARP"}, {openNDP(t, a), virtual6, "announcing fe80::100 by NDP"}} {
		sent, mac := 0, net.HardwareAddr{2, 0, 0, 0, 2, byte(i)}
		var failed error
		for range 1250 {
			if err := c.n.Announce(c.addr, mac); err != nil {
				failed = err
			} else {
				sent++
			}
		}
		if sent == 1250 || failed == nil || !strings.Contains(failed.Error(), "eth0: "+c.what) || !strings.Contains(failed.Error(), "queue is full") {
			t.Errorf("%d of 1250 sent, error %v", sent, failed)
		}
		if got := len(wire.Frames(func(f netlab.Frame) bool { return bytes.Equal(f.Source(), mac) })); got > sent {
			t.Errorf("%d frames on the wire, %d said to be sent", got, sent)
		}
	}
}

func TestNDPSurvivesTheInterfaceGoingDown(t *testing.T) {
	_, a, b := pair6(t)
	putOn(t, b, virtual6)
	n := openNDP(t, a, virtual6)
	a.Run("ip", "link", "set", "eth0", "down")
	nothingMore(t, n)
	if err := n.Probe(virtual6); err == nil || !strings.Contains(err.Error(), "eth0: probing fe80::100") {
		t.Errorf("probing on an interface that is down: %v", err)
	}
	a.Run("ip", "link", "set", "eth0", "up")
	a.Cable("eth0").Settle()
	must(t, n.Probe(virtual6))
	if h := hearNext(t, n); h.Address != virtual6 {
		t.Errorf("heard %v", h)
	}
}

func TestNDPRefusesWhatItCannotCarry(t *testing.T) {
	_, a, _ := pair6(t)
	n := openNDP(t, a)
	for _, bad := range []netip.Addr{virtual, netip.MustParseAddr("::ffff:10.9.0.3"), {}} {
		if err := n.Watch([]netip.Addr{bad}); err == nil || !strings.Contains(err.Error(), "not an IPv6 address") {
			t.Errorf("watching %s: %v", bad, err)
		}
	}
	for _, bad := range []netip.Addr{virtual, group6, netip.IPv6Unspecified(), {}} {
		if err := n.Announce(bad, n.link.MAC); err == nil || !strings.Contains(err.Error(), "NDP needs") {
			t.Errorf("announcing %s: %v", bad, err)
		}
		if err := n.Probe(bad); err == nil {
			t.Errorf("probing %s worked", bad)
		}
	}
	if err := n.Announce(virtual6, nil); err == nil {
		t.Error("announcing no MAC worked")
	}
	lo := linkOf(t, a, "lo")
	if _, err := OpenNDP(lo); err == nil || !strings.Contains(err.Error(), "not an Ethernet interface") {
		t.Errorf("NDP on lo: %v", err)
	}
}
