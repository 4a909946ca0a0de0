package vrrpnet

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// wireBytes is a frame written out in hexadecimal.
func wireBytes(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hearNext(t *testing.T, a Neighbours) Heard {
	t.Helper()
	readable(t, a.FD())
	h, ok, err := a.Receive()
	if !ok || err != nil {
		t.Fatalf("readable, but Receive = %t, %v", ok, err)
	}
	return h
}

func nothingMore(t *testing.T, a Neighbours) {
	t.Helper()
	if h, ok, err := a.Receive(); ok || err != nil {
		t.Errorf("Receive of a drained socket = %v, %t, %v", h, ok, err)
	}
}

// RFC 5227 2.3 and 2.1.1, RFC 5944 4.6.
func TestT39ARPLeavesAsTheRFCsSay(t *testing.T) {
	lab, a, _ := pair(t)
	arp := openARP(t, a)
	wire := lab.Capture()
	for _, c := range []struct {
		name string
		send func() error
		want string
	}{
		{"announcement", func() error { return arp.Announce(virtual, arp.link.MAC) },
			"ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a090003 000000000000 0a090003"},
		{"announcement of a virtual MAC", func() error { return arp.Announce(virtual, net.HardwareAddr{0, 0, 0x5e, 0, 1, 7}) },
			"ffffffffffff 00005e000107 0806 0001 0800 06 04 0001 00005e000107 0a090003 000000000000 0a090003"},
		{"announcement by a reply", func() error { return arp.AnnounceReply(virtual, net.HardwareAddr{0, 0, 0x5e, 0, 1, 7}) },
			"ffffffffffff 00005e000107 0806 0001 0800 06 04 0002 00005e000107 0a090003 00005e000107 0a090003"},
		{"probe", func() error { return arp.Probe(virtual) },
			"ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 0a090003"},
	} {
		if err := c.send(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		want := wireBytes(t, c.want)
		if len(wire.Wait(1, soon, func(f netlab.Frame) bool { return bytes.Equal(f.Data, want) })) != 1 {
			t.Errorf("%s: not on the wire; there was:", c.name)
			for _, f := range wire.Frames(netlab.Frame.IsARP) {
				t.Errorf("  % x", f.Data)
			}
		}
	}
}

func TestProbeIsAnsweredByTheHolderAlone(t *testing.T) {
	_, a, b := pair(t)
	b.Run("ip", "addr", "add", virtual.String()+"/24", "dev", "eth0")
	arp := openARP(t, a, virtual, free)
	for _, addr := range []netip.Addr{free, virtual} {
		if err := arp.Probe(addr); err != nil {
			t.Fatal(err)
		}
	}
	h := hearNext(t, arp)
	if h.Address != virtual || h.MAC.String() != "02:00:00:00:00:02" || h.Probe {
		t.Errorf("heard %v, want b's answer for %s", h, virtual)
	}
	nothingMore(t, arp)
}

func TestARPHearsClaimsAndProbesForWatchedAddresses(t *testing.T) {
	_, a, b := pair(t)
	arp, other := openARP(t, a, virtual), openARP(t, b)
	theirs := other.link.MAC
	for _, err := range []error{
		other.Announce(free, theirs),                    // not watched
		other.Probe(free),                               // not watched
		other.Announce(virtual, arp.link.MAC),           // our own, come back on a loop
		tagged(other, virtual),                          // on a VLAN
		other.Probe(virtual),                            // first
		other.Announce(virtual, theirs),                 // second
		arp.Announce(virtual, arp.link.MAC),             // our own
		other.Announce(addrB, theirs),                   // not watched
		other.tell("asking", asking(theirs)),            // third: an ordinary question from a holder
		other.Announce(netip.IPv4Unspecified(), theirs), // nonsense
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, probe := range []bool{true, false, false} {
		h := hearNext(t, arp)
		if h.Address != virtual || h.MAC.String() != theirs.String() || h.Probe != probe {
			t.Errorf("heard %d: %v, want %s from %s, probe %t", i, h, virtual, theirs, probe)
		}
	}
	nothingMore(t, arp)
}

// asking is what a host that holds the virtual address sends before it talks to a.
func asking(mac net.HardwareAddr) arpFrame {
	return arpFrame{operation: arpRequest, senderMAC: mac, sender: virtual, target: addrA}
}

// tagged announces addr on VLAN 5.
func tagged(a *ARP, addr netip.Addr) error {
	frame := arpFrame{operation: arpRequest, senderMAC: a.link.MAC, sender: addr, target: addr}.bytes()
	frame = append(frame[:12:12], append([]byte{0x81, 0, 0, 5}, frame[12:]...)...)
	return unix.Sendto(a.fd, frame, 0, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_8021Q), Ifindex: a.link.Index})
}

func TestARPSurvivesTheInterfaceGoingDown(t *testing.T) {
	_, a, b := pair(t)
	b.Run("ip", "addr", "add", virtual.String()+"/24", "dev", "eth0")
	arp := openARP(t, a, virtual)
	a.Run("ip", "link", "set", "eth0", "down")
	nothingMore(t, arp)
	if err := arp.Probe(virtual); err == nil || !strings.Contains(err.Error(), "eth0: probing 10.9.0.3") {
		t.Errorf("probing on an interface that is down: %v", err)
	}
	a.Run("ip", "link", "set", "eth0", "up")
	a.Cable("eth0").Settle()
	if err := arp.Probe(virtual); err != nil {
		t.Fatal(err)
	}
	if h := hearNext(t, arp); h.Address != virtual {
		t.Errorf("heard %v", h)
	}
}

func TestARPRefusesWhatItCannotCarry(t *testing.T) {
	_, a, _ := pair(t)
	arp := openARP(t, a)
	if err := arp.Watch([]netip.Addr{netip.IPv6Loopback()}); err == nil {
		t.Error("watching an IPv6 address worked")
	}
	if err := arp.Announce(netip.IPv6Loopback(), arp.link.MAC); err == nil {
		t.Error("announcing an IPv6 address worked")
	}
	lo := linkOf(t, a, "lo")
	if _, err := OpenARP(lo); err == nil || !strings.Contains(err.Error(), "not an Ethernet interface") {
		t.Errorf("ARP on lo: %v", err)
	}
}
