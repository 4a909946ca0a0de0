package vrrpnet

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var transports = []Transport{Over4, Over6, OverAH}

// each runs a test for every transport between two hosts.
func each(t *testing.T, test func(t *testing.T, e ends)) {
	t.Helper()
	eachOf(t, transports, test)
}

func eachOf(t *testing.T, some []Transport, test func(t *testing.T, e ends)) {
	t.Helper()
	for _, over := range some {
		t.Run(over.String(), func(t *testing.T) {
			lab, a, b := pair6(t)
			e := ends{over: over, lab: lab, a: a, b: b, addrA: addrA, addrB: addrB, group: group}
			if over == Over6 {
				e.addrA, e.addrB, e.group = localA, localB, group6
			}
			test(t, e)
		})
	}
}

// ends is two hosts and their addresses for one transport.
type ends struct {
	over         Transport
	lab          *netlab.Lab
	a, b         *netlab.Host
	addrA, addrB netip.Addr
	group        netip.Addr
}

// advert is a message of a virtual router, without sense beyond the VRID.
func (e ends) advert(vrid byte, rest ...byte) []byte {
	msg := append([]byte{0x31, vrid}, rest...)
	if e.over != OverAH {
		return msg
	}
	header := make([]byte, 24)
	header[0], header[1] = vrrp.Protocol, 4
	return append(header, msg...)
}

// vrid is where the message of a virtual router says whose it is.
func (e ends) vrid(msg []byte) byte {
	if e.over == OverAH {
		return msg[25]
	}
	return msg[1]
}

func (e ends) isAdvert(f netlab.Frame) bool {
	p := f.Payload()
	if e.over == Over6 {
		return f.Type() == unix.ETH_P_IPV6 && p[6] == vrrp.Protocol
	}
	return f.IsIPv4(uint8(e.over.protocol()))
}

// read takes the headers of a frame on the wire apart.
func (e ends) read(f netlab.Frame) (env vrrp.Envelope, class byte, msg []byte) {
	p := f.Payload()
	if e.over == Over6 {
		n := binary.BigEndian.Uint16(p[4:])
		return vrrp.Envelope{Source: addr6(p[8:]), Destination: addr6(p[24:]), TTL: p[7], Protocol: p[6]},
			p[0]<<4 | p[1]>>4, p[40 : 40+n]
	}
	return vrrp.Envelope{Source: addr4(p[12:]), Destination: addr4(p[16:]), TTL: p[8], Protocol: p[9], ID: binary.BigEndian.Uint16(p[4:])},
		p[1], p[20:binary.BigEndian.Uint16(p[2:])]
}

func TestT01T02AdvertLeavesAsRFC9568Says(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		second := netip.MustParseAddr("10.9.0.11")
		if e.over == Over6 {
			second = netip.MustParseAddr("fe80::11")
		}
		e.a.Run("ip", "addr", "add", netip.PrefixFrom(second, second.BitLen()*3/4).String(), "dev", "eth0")
		usable(t, e.a, second)
		wire := e.lab.Capture()
		s := openOver(t, e.a, e.over, 7)
		mac := map[bool]string{false: "01:00:5e:00:00:12", true: "33:33:00:00:00:12"}[e.over == Over6]
		for i, src := range []netip.Addr{e.addrA, second} {
			message := e.advert(7, 100, byte(i))
			send(t, s, src, e.group, message...)
			frames := wire.Wait(i+1, soon, e.isAdvert)
			if len(frames) != i+1 {
				t.Fatalf("%d adverts on the wire, want %d", len(frames), i+1)
			}
			f := frames[i]
			if f.Destination().String() != mac || f.Source().String() != "02:00:00:00:00:01" {
				t.Errorf("Ethernet from %s to %s", f.Source(), f.Destination())
			}
			env, class, msg := e.read(f)
			want := vrrp.Envelope{Source: src, Destination: e.group, TTL: 255, Protocol: uint8(e.over.protocol())}
			if e.over == OverAH {
				want.ID = 7
			} else {
				env.ID = 0 // the kernel's choice
			}
			if env != want || class != 0xc0 {
				t.Errorf("%+v and class %#x, want %+v and 0xc0", env, class, want)
			}
			if !bytes.Equal(msg, message) {
				t.Errorf("message % x, want % x", msg, message)
			}
			if p := f.Payload(); e.over != Over6 && fold(sum(p[:20])) != 0xffff {
				t.Errorf("checksum of the header: % x", p[:20])
			}
		}
	})
}

func TestAdvertArrivesWithItsEnvelope(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		for _, env := range []vrrp.Envelope{
			{Source: e.addrA, Destination: e.group, TTL: 255, ID: 1},
			{Source: e.addrA, Destination: e.addrB, TTL: 255, ID: 0xfffe},
			{Source: e.addrA, Destination: e.group, TTL: 64, ID: 0x1234},
			{Source: e.addrA, Destination: e.addrB, TTL: 1, ID: 256},
		} {
			env.Protocol = uint8(e.over.protocol())
			msg := e.advert(7, 100, env.TTL)
			must(t, sa.Send(msg, env))
			p := next(t, sb)
			if e.over != OverAH {
				env.ID = p.Envelope.ID
			}
			if p.Envelope != env || !bytes.Equal(p.Message, msg) {
				t.Errorf("% x in %+v, want % x in %+v", p.Message, p.Envelope, msg, env)
			}
		}
		if e.over == Over4 {
			sendsID(t, sa, sb)
		}
		if ok, err := sb.Receive(new(Packet)); ok || err != nil {
			t.Errorf("Receive of a drained socket = %t, %v", ok, err)
		}
	})
}

// sendsID makes sure that the identification which the kernel chose is read: by unicast
// it counts up.
func sendsID(t *testing.T, from, to *Socket) {
	t.Helper()
	seen := map[uint16]bool{}
	for range 3 {
		must(t, unix.SetsockoptInt(from.FD(), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT))
		send(t, from, addrA, addrB, 0x31, 7)
		seen[next(t, to).Envelope.ID] = true
	}
	if len(seen) != 3 {
		t.Errorf("identifications of three packets: %v", seen)
	}
}

func TestTTLOfAUnicastAdvertDefaultsTo255(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		send(t, sa, e.addrA, e.addrB, e.advert(7)...)
		if p := next(t, sb); p.Envelope.TTL != 255 {
			t.Errorf("TTL %d", p.Envelope.TTL)
		}
	})
}

// The codec refuses a source that is no peer by what the socket says of it.
func TestT20UnicastOfAStrangerArrivesWithItsSource(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		stranger := netip.MustParseAddr("10.9.0.66")
		if e.over == Over6 {
			stranger = netip.MustParseAddr("fd09::66")
		}
		e.b.Run("ip", "addr", "add", netip.PrefixFrom(stranger, 24).String(), "dev", "eth0")
		usable(t, e.b, stranger)
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		to := e.addrA
		if e.over == Over6 {
			to = netip.MustParseAddr("fd09::1")
			e.a.Run("ip", "-6", "route", "add", "fd00::/24", "dev", "eth0")
		}
		send(t, sb, stranger, to, e.advert(7)...)
		if p := next(t, sa); p.Envelope.Source != stranger || p.Envelope.Destination != to {
			t.Errorf("%+v", p.Envelope)
		}
	})
}

func TestT16OwnAdvertsAreNotReceived(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		send(t, sa, e.addrA, e.group, e.advert(7, 1)...)
		next(t, sb)
		send(t, sb, e.addrB, e.group, e.advert(7, 2)...)
		if p := next(t, sa); p.Envelope.Source != e.addrB {
			t.Errorf("heard %s, want only %s", p.Envelope.Source, e.addrB)
		}
	})
}

func TestT15OtherRoutersAdvertsAreFilteredOut(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over)
		hears := func(want ...byte) {
			t.Helper()
			for vrid := range 256 {
				send(t, sb, e.addrB, e.group, e.advert(byte(vrid))...)
			}
			for _, vrid := range want {
				if p := next(t, sa); e.vrid(p.Message) != vrid {
					t.Fatalf("heard VRID %d, want %d", e.vrid(p.Message), vrid)
				}
			}
		}
		refilter := func(vrids ...uint8) {
			t.Helper()
			must(t, sa.Filter(vrids))
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
	})
}

// CARP begins with 0x21 and has its VHID where VRRP has the VRID. It has no AH.
func TestT22CARPOfOurVRIDComesUpToTheCodec(t *testing.T) {
	eachOf(t, []Transport{Over4, Over6}, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over)
		for _, vhid := range []byte{8, 7} {
			send(t, sb, e.addrB, e.group, append([]byte{0x21, vhid, 0, 7, 0, 1}, make([]byte, 30)...)...)
		}
		if p := next(t, sa); p.Message[0] != 0x21 || p.Message[1] != 7 || len(p.Message) != 36 {
			t.Errorf("heard % x", p.Message)
		}
	})
}

func TestBrokenAHHeadersAreFilteredOut(t *testing.T) {
	_, a, b := pair6(t)
	sa, sb := openOver(t, a, OverAH, 7), openOver(t, b, OverAH)
	e := ends{over: OverAH}
	other := e.advert(7)
	other[0] = unix.IPPROTO_TCP
	short, long := e.advert(7), e.advert(7)
	short[1], long[1] = 3, 255
	good := append(make([]byte, 32), 0x21, 7) // an ICV of 20 bytes
	good[0], good[1] = vrrp.Protocol, 6
	for _, msg := range [][]byte{other, short, long, e.advert(7)[:24], {112}, good} {
		send(t, sb, addrB, group, msg...)
	}
	if p := next(t, sa); !bytes.Equal(p.Message, good) {
		t.Errorf("heard % x", p.Message)
	}
}

// The largest advert is longer than a frame.
func TestTheLargestAdvertIsCarriedInFragments(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		size := 8 + 255*e.addrA.BitLen()/8 + 28
		msg := e.advert(7, make([]byte, size-2)...)
		msg[len(msg)-1] = 0xee
		send(t, sa, e.addrA, e.group, msg...)
		if p := next(t, sb); !bytes.Equal(p.Message, msg) {
			t.Errorf("%d bytes arrived of %d", len(p.Message), len(msg))
		}
	})
}

// The kernel neither writes nor checks a checksum: that is the codec's.
func TestKernelLeavesTheChecksumOfIPv6Alone(t *testing.T) {
	_, a, b := pair6(t)
	sa, sb := openOver(t, a, Over6, 7), openOver(t, b, Over6, 7)
	for _, msg := range [][]byte{
		{0x31, 7, 100, 1, 0, 100, 0, 0, 1, 2, 3, 4},
		{0x31, 7, 100, 1, 0, 100, 0xab, 0xcd, 1, 2, 3, 4},
	} {
		send(t, sa, localA, group6, msg...)
		if p := next(t, sb); !bytes.Equal(p.Message, msg) {
			t.Errorf("% x became % x", msg, p.Message)
		}
	}
}

func TestSendAndReceiveAllocateNothing(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		msg, p, heard := e.advert(7, 100), new(Packet), 0
		env := vrrp.Envelope{Source: e.addrA, Destination: e.group, ID: 7}
		round := func() {
			if err := sa.Send(msg, env); err != nil {
				t.Fatal(err)
			}
			for {
				ok, err := sb.Receive(p)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					return
				}
				heard++
			}
		}
		if n := testing.AllocsPerRun(100, round); n != 0 {
			t.Errorf("%v allocations for one advert", n)
		}
		if heard == 0 {
			t.Error("nothing was received")
		}
	})
}

func BenchmarkAdvert(b *testing.B) {
	b.ReportAllocs()
	e := ends{over: Over4}
	lab := netlab.New(b)
	h := lab.Host("a", addrA.String()+"/24")
	var s *Socket
	h.Do(func() {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			b.Fatal(err)
		}
		if s, err = Open(Link{Name: i.Name, Index: i.Index, MAC: i.HardwareAddr}, Over4, nil); err != nil {
			b.Fatal(err)
		}
	})
	defer s.Close()
	msg, env := e.advert(7, 100), vrrp.Envelope{Source: addrA, Destination: group}
	for b.Loop() {
		if err := s.Send(msg, env); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSendSaysWhatIsWrong(t *testing.T) {
	netlab.Need(t, "nft")
	each(t, func(t *testing.T, e ends) {
		s := openOver(t, e.a, e.over, 7)
		wants := func(env vrrp.Envelope, words ...string) {
			t.Helper()
			err := s.Send(e.advert(7), env)
			for _, w := range append(words, "eth0: advert from "+env.Source.String()) {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
		}
		good := vrrp.Envelope{Source: e.addrA, Destination: e.group, ID: 7}
		with := func(f func(*vrrp.Envelope)) vrrp.Envelope {
			env := good
			f(&env)
			return env
		}
		switch e.over {
		case Over4:
			wants(with(func(env *vrrp.Envelope) { env.Source = virtual }), "10.9.0.3 is not an address of this host")
			wants(with(func(env *vrrp.Envelope) { env.Source = localA }), "IPv4")
		case Over6:
			wants(with(func(env *vrrp.Envelope) { env.Source = virtual6 }), "fe80::100 is not an address of this interface", "ip -6 addr show dev eth0")
			wants(with(func(env *vrrp.Envelope) { env.Destination = group }), "IPv6")
			wants(with(func(env *vrrp.Envelope) { env.Source = netip.MustParseAddr("::ffff:10.9.0.1") }), "IPv6")
			e.a.Run("ip", "addr", "add", "fe80::11/64", "dev", "eth0")
			usable(t, e.a, netip.MustParseAddr("fe80::11"))
			must(t, s.Send(e.advert(7), with(func(env *vrrp.Envelope) { env.Source = netip.MustParseAddr("fe80::11") })))
		case OverAH:
			wants(with(func(env *vrrp.Envelope) { env.ID = 0 }), "identification 0")
			wants(with(func(env *vrrp.Envelope) { env.Destination = group6 }), "IPv4")
		}
		wants(with(func(env *vrrp.Envelope) { env.Protocol = 6 }), "IP protocol 6")
		e.a.Rules("table inet t { chain out { type filter hook output priority 0; meta l4proto {51, 112} drop; }; }")
		wants(good, "firewall", map[bool]string{true: "protocol 51 ", false: "protocol 112 "}[e.over == OverAH])
	})
}

func TestSendSaysThatAnIPv6AddressIsTentative(t *testing.T) {
	need6(t)
	_, a, _ := pair(t)
	a.Sysctl("net/ipv6/conf/eth0/dad_transmits", "100")
	s := openOver(t, a, Over6, 7)
	a.Run("ip", "addr", "add", "fe80::11/64", "dev", "eth0")
	err := s.Send([]byte{0x31, 7}, vrrp.Envelope{Source: netip.MustParseAddr("fe80::11"), Destination: group6})
	if err == nil || !strings.Contains(err.Error(), "tentative") {
		t.Errorf("error %v", err)
	}
}

func TestSendSaysThatIPv6IsSwitchedOff(t *testing.T) {
	_, a, b := pair6(t)
	s := openOver(t, a, Over6, 7)
	a.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1")
	err := s.Send([]byte{0x31, 7}, vrrp.Envelope{Source: localA, Destination: group6})
	if err == nil || !strings.Contains(err.Error(), "without IPv6") {
		t.Errorf("error %v", err)
	}
	later := openOver(t, a, Over6, 7)
	a.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "0")
	usable(t, a, localA)
	sb := openOver(t, b, Over6, 7)
	for _, sa := range []*Socket{s, later} { // neither has to be opened again
		send(t, sa, localA, group6, 0x31, 7)
		next(t, sb)
		send(t, sb, localB, group6, 0x31, 7)
		next(t, sa)
	}
}

func TestEverySocketSurvivesTheInterfaceGoingDown(t *testing.T) {
	each(t, func(t *testing.T, e ends) {
		sa, sb := openOver(t, e.a, e.over, 7), openOver(t, e.b, e.over, 7)
		e.a.Run("ip", "link", "set", "eth0", "down")
		if err := sa.Send(e.advert(7), vrrp.Envelope{Source: e.addrA, Destination: e.group, ID: 1}); err == nil {
			t.Error("sending on an interface that is down worked")
		}
		if ok, err := sa.Receive(new(Packet)); ok || err != nil {
			t.Errorf("Receive = %t, %v", ok, err)
		}
		e.a.Run("ip", "link", "set", "eth0", "up")
		e.a.Cable("eth0").Settle()
		usable(t, e.a, localA)
		send(t, sb, e.addrB, e.group, e.advert(7, 1)...)
		next(t, sa)
		send(t, sa, e.addrA, e.group, e.advert(7, 1)...)
		next(t, sb)
	})
}
