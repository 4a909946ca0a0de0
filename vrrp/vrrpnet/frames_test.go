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
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func openFrames(t *testing.T, h *netlab.Host) (f *Frames) {
	t.Helper()
	link := linkOf(t, h, "eth0")
	h.Do(func() {
		var err error
		if f, err = OpenFrames(link); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { f.Close() })
	return f
}

func (e ends) mac() net.HardwareAddr {
	if e.over == Over6 {
		return vmac6
	}
	return vmac4
}

func TestT02AdvertOfAVirtualMACLeavesAsRFC9568Says(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		wire := e.lab.Capture()
		f, sb := openFrames(t, e.a), openOver(t, e.b, e.over, 7)
		env := vrrp.Envelope{Source: e.addrA, Destination: e.group, ID: 0xabcd}
		if e.over == OverAH {
			env.Protocol = unix.IPPROTO_AH
		}
		msg := e.advert(7, 100, 3)
		must(t, f.Send(msg, env, e.mac()))

		frames := wire.Wait(1, soon, e.isAdvert)
		if len(frames) != 1 {
			t.Fatalf("%d adverts on the wire", len(frames))
		}
		mac := map[bool]string{false: "01:00:5e:00:00:12", true: "33:33:00:00:00:12"}[e.over == Over6]
		if got := frames[0]; got.Source().String() != e.mac().String() || got.Destination().String() != mac {
			t.Errorf("Ethernet from %s to %s", got.Source(), got.Destination())
		}
		env.TTL, env.Protocol = 255, uint8(e.over.protocol())
		if e.over == Over6 {
			env.ID = 0 // it has none
		}
		if got, class, message := e.read(frames[0]); got != env || class != 0xc0 || !bytes.Equal(message, msg) {
			t.Errorf("% x in %+v, class %#x; want % x in %+v, class 0xc0", message, got, class, msg, env)
		}
		if p := next(t, sb); p.Envelope != env || !bytes.Equal(p.Message, msg) { // a kernel found no fault with it
			t.Errorf("% x arrived in %+v, want % x in %+v", p.Message, p.Envelope, msg, env)
		}
	})
}

func TestFramesTakeTheTTLOfTheEnvelope(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		f, sb := openFrames(t, e.a), openOver(t, e.b, e.over, 7)
		env := vrrp.Envelope{Source: e.addrA, Destination: e.group, TTL: 7, Protocol: uint8(e.over.protocol())}
		must(t, f.Send(e.advert(7), env, e.mac()))
		if p := next(t, sb); p.Envelope != env {
			t.Errorf("%+v arrived, want %+v", p.Envelope, env)
		}
	})
}

// What a codec makes of it: the checksum has to hold for the addresses in the header.
func TestAdvertInAFrameIsAcceptedByTheCodec(t *testing.T) {
	for _, over := range []Transport{Over4, Over6} {
		_, a, b := pair6(t)
		f, sb := openFrames(t, a), openOver(t, b, over, 7)
		format := vrrp.Format{Version: vrrp.V3, VRID: 7}
		ad := vrrp.Advert{Priority: 100, Interval: time.Second, Addresses: []netip.Addr{virtual}}
		env, mac := vrrp.Envelope{Source: addrA, Destination: group}, vmac4
		if over == Over6 {
			ad.Addresses, env, mac = []netip.Addr{virtual6}, vrrp.Envelope{Source: localA, Destination: group6}, vmac6
		}
		msg, err := format.Append(nil, &ad, env)
		must(t, err)
		must(t, f.Send(msg, env, mac))
		p := next(t, sb)
		var got vrrp.Advert
		if refused := format.Parse(&got, p.Message, p.Envelope); refused != "" || got.Addresses[0] != ad.Addresses[0] {
			t.Errorf("%s: refused %q, %+v", over, refused, got)
		}
	}
}

func TestFramesAllocateNothing(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		f, msg, mac := openFrames(t, e.a), e.advert(7, 100), e.mac()
		env := vrrp.Envelope{Source: e.addrA, Destination: e.group, ID: 7}
		if n := testing.AllocsPerRun(100, func() {
			if err := f.Send(msg, env, mac); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations for one advert", n)
		}
	})
}

func TestFramesSayWhatTheyCannotCarry(t *testing.T) {
	_, a, _ := pair6(t)
	f := openFrames(t, a)
	good := vrrp.Envelope{Source: addrA, Destination: group}
	for _, c := range []struct {
		name string
		env  vrrp.Envelope
		mac  net.HardwareAddr
		want string
	}{
		{"unicast", vrrp.Envelope{Source: addrA, Destination: addrB}, vmac4, "the MAC of a single peer is not known here: send unicast adverts by a Socket"},
		{"unicast IPv6", vrrp.Envelope{Source: localA, Destination: localB}, vmac6, "by a Socket"},
		{"two families", vrrp.Envelope{Source: localA, Destination: group}, vmac4, "both have to be IPv4 addresses, or both IPv6"},
		{"no source", vrrp.Envelope{Destination: group}, vmac4, "both have to be"},
		{"no MAC", good, nil, "no Ethernet address"},
		{"AH over IPv6", vrrp.Envelope{Source: localA, Destination: group6, Protocol: 51}, vmac6, "IP protocol 51"},
		{"UDP", vrrp.Envelope{Source: addrA, Destination: group, Protocol: 17}, vmac4, "IP protocol 17"},
	} {
		err := f.Send([]byte{0x31, 7}, c.env, c.mac)
		if err == nil || !strings.Contains(err.Error(), "eth0: advert from ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	if err := f.Send(make([]byte, 3000), good, vmac4); err == nil || !strings.Contains(err.Error(), "MTU") {
		t.Errorf("an advert of 3000 bytes: %v", err)
	}
	a.Run("ip", "link", "set", "eth0", "down")
	if err := f.Send([]byte{0x31, 7}, good, vmac4); err == nil {
		t.Error("sending on an interface that is down worked")
	}
	lo := linkOf(t, a, "lo")
	if _, err := OpenFrames(lo); err == nil || !strings.Contains(err.Error(), "not an Ethernet interface") {
		t.Errorf("frames on lo: %v", err)
	}
}

// With a virtual MAC nothing that this package sends about it bears the physical one.
func TestT38NothingAboutAVirtualMACBearsThePhysicalOne(t *testing.T) {
	lab, a, _ := pair6(t)
	wire := lab.Capture()
	f, arp, ndp := openFrames(t, a), openARP(t, a), openNDP(t, a)
	must(t, f.Send([]byte{0x31, 7}, vrrp.Envelope{Source: addrA, Destination: group}, vmac4))
	must(t, f.Send([]byte{0x31, 7}, vrrp.Envelope{Source: localA, Destination: group6}, vmac6))
	must(t, arp.Announce(virtual, vmac4))
	must(t, arp.AnnounceReply(virtual, vmac4))
	must(t, ndp.Announce(virtual6, vmac6))
	ours := func(f netlab.Frame) bool { return isVirtual(f.Source()) }
	frames := wire.Wait(5, soon, ours)
	if len(frames) != 5 {
		t.Fatalf("%d frames on the wire, want 5", len(frames))
	}
	for _, f := range frames {
		if bytes.Contains(f.Data, arp.link.MAC) {
			t.Errorf("% x", f.Data)
		}
	}
}
