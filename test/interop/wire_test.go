//go:build linux

package interop

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// announced is when a router first announced the address since a moment.
func (n *network) announced(s *station, since time.Time) time.Time {
	n.t.Helper()
	all := n.wire.Wait(1, soon, n.announcementsOf(s, since))
	if len(all) == 0 {
		n.t.Fatalf("%s does not announce %s", s.name, vip)
	}
	return all[0].At
}

func (n *network) announcementsOf(s *station, since time.Time) func(netlab.Frame) bool {
	mac := s.host.Cable("eth0").MAC
	return func(f netlab.Frame) bool {
		return isGratuitous(f, vip) && bytes.Equal(f.Source(), mac) && !f.At.Before(since)
	}
}

// asserted is when a router first advertised, announced or answered since a moment.
func (n *network) asserted(s *station, since time.Time) time.Time {
	n.t.Helper()
	mac := s.host.Cable("eth0").MAC
	own := n.wire.Frames(func(f netlab.Frame) bool {
		_, advert := readAdvert(f)
		return bytes.Equal(f.Source(), mac) && !f.At.Before(since) && (advert || isGratuitous(f, vip) || n.census.isAnswer(f))
	})
	if len(own) == 0 {
		n.t.Fatalf("%s never asserted itself", s.name)
	}
	return own[0].At
}

// TestAdvertsOnTheWire: T01 to T05.
func TestAdvertsOnTheWire(t *testing.T) {
	t.Parallel()
	plain := v3.pair([2]int{150, 100})
	plain.Extra = "checksum: plain"
	for _, c := range []struct {
		name    string
		pair    Pair
		message []byte // without the checksum
		pseudo  bool
	}{
		{"v2 none", v2.pair([2]int{150, 100}), []byte{0x21, vrid, 150, 1, 0, 1, 0, 0, 10, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		{"v2 pass", v2pass.pair([2]int{150, 100}), append([]byte{0x21, vrid, 150, 1, 1, 1, 0, 0, 10, 0, 0, 3}, "secret\x00\x00"...), false},
		{"v3", v3.pair([2]int{150, 100}), []byte{0x31, vrid, 150, 1, 0, 20, 0, 0, 10, 0, 0, 3}, true},
		{"v3 plain", plain, []byte{0x31, vrid, 150, 1, 0, 20, 0, 0, 10, 0, 0, 3}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			pk := n.pairkeeper(0, c.pair)
			pk.up(t)
			pk.isActive(t)
			adverts := n.wire.Wait(2, soon, func(f netlab.Frame) bool { return f.IsIPv4(112) })
			if len(adverts) < 2 {
				t.Fatalf("%d adverts", len(adverts))
			}
			for _, f := range adverts {
				a, _ := readAdvert(f)
				if a.TTL != 255 || a.TOS != 0xc0 || a.Destination != netip.MustParseAddr("224.0.0.18") || a.TargetMAC.String() != "01:00:5e:00:00:12" {
					t.Errorf("TTL %d, TOS %#x, to %s at %s", a.TTL, a.TOS, a.Destination, a.TargetMAC)
				}
				if a.Source.String() != pk.addr || !bytes.Equal(a.SourceMAC, pk.host.Cable("eth0").MAC) {
					t.Errorf("from %s at %s", a.Source, a.SourceMAC)
				}
				if sum := onesComplement(a.Message, a.Source, c.pseudo); sum != 0 {
					t.Errorf("the checksum of % x is off by %#x", a.Message, sum)
				}
				got := bytes.Clone(a.Message)
				got[6], got[7] = 0, 0
				if !bytes.Equal(got, c.message) {
					t.Errorf("message % x, want % x", got, c.message)
				}
			}
		})
	}
}

// TestTakeOverAdvertisesThenAnnouncesTwice: T34; five gratuitous ARPs at once, and again
// after five seconds.
func TestTakeOverAdvertisesThenAnnouncesTwice(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk := n.pairkeeper(0, v3.pair([2]int{150, 100}))
	pk.up(t)
	all := n.wire.Wait(10, soon, n.announcementsOf(pk, n.begun))
	if len(all) != 10 {
		t.Fatalf("%d announcements, want two bursts of 5", len(all))
	}
	if first := n.taken(pk, n.begun); all[0].At.Before(first) {
		t.Errorf("announced %v before the first advert", first.Sub(all[0].At))
	}
	if burst, pause := all[4].At.Sub(all[0].At), all[5].At.Sub(all[4].At); burst > pause/2 || pause < 4500*time.Millisecond {
		t.Errorf("the first five within %v, the next %v later", burst, pause)
	}
	time.Sleep(2 * time.Second)
	if more := n.wire.Frames(n.announcementsOf(pk, n.begun)); len(more) != 10 {
		t.Errorf("%d announcements after two bursts", len(more))
	}
}

// TestReleaseIsSentBeforeTheAddressGoes: T07.
func TestReleaseIsSentBeforeTheAddressGoes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk := n.pairkeeper(0, v3.pair([2]int{150, 100}))
	pk.up(t)
	pk.isActive(t)
	n.holder(pk.host)
	gone := n.watchRemoval(pk.host)
	pk.router.Stop(t)
	select {
	case at := <-gone:
		released := n.released(pk, n.begun)
		t.Logf("priority 0 %v before the address went", at.Sub(released))
		if at.Before(released) {
			t.Errorf("the address went %v before priority 0 was sent", released.Sub(at))
		}
	case <-time.After(soon):
		t.Error("the address stays")
	}
}

// watchRemoval tells when the kernel removes the VIP from a host.
func (n *network) watchRemoval(h *netlab.Host) <-chan time.Time {
	n.t.Helper()
	updates, done := make(chan netlink.AddrUpdate, 64), make(chan struct{})
	if err := netlink.AddrSubscribeAt(netns.NsHandle(h.Namespace()), updates, done); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { close(done) })
	gone := make(chan time.Time, 1)
	go func() {
		for u := range updates {
			if !u.NewAddr && u.LinkAddress.IP.String() == vip {
				gone <- time.Now()
				return
			}
		}
	}()
	return gone
}

// TestDownIntervalOnTheWire: T31. The master vanishes without a trace: an advert of the
// third host was its last.
func TestDownIntervalOnTheWire(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v3} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			pk := n.pairkeeper(0, p.pair([2]int{100, 150}))
			pk.up(t)
			pk.isBackup(t)
			master := Message{Version: byte(p.version), Type: 1, VRID: vrid, Priority: 200, Count: 1, Addresses: []string{vip}}
			if p.version == 2 {
				master.Fields, master.Trailer = [2]byte{0, 1}, make([]byte, 8)
			} else {
				master.Fields = [2]byte{0, 20}
			}
			w := OpenWire(t, n.third)
			source := netip.MustParseAddr("10.0.0.8")
			for range 5 {
				n.inject(w, source.String(), 255, master.bytes(source))
				time.Sleep(p.interval / 2)
			}
			pk.isActive(t)
			heard := advertsOf(n.wire, source.String(), n.begun)
			taken := n.taken(pk, n.begun)
			silence, want := taken.Sub(heard[len(heard)-1].At), p.down(100)
			t.Logf("took over after %v, the down interval is %v", silence, want)
			if silence < want-20*time.Millisecond || silence > 2*want+time.Second {
				t.Errorf("took over after %v, want %v", silence, want)
			}
		})
	}
}

// TestBadPacketsAreCountedAndChangeNothing: T10 to T15, T17, T18, T22. Each would make
// the router yield if it were accepted, as the good one in the end does.
func TestBadPacketsAreCountedAndChangeNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk := n.pairkeeper(0, v3.pair([2]int{150, 100}))
	pk.up(t)
	pk.isActive(t)
	n.holder(pk.host)
	p := pk.router.(*Pairkeeper)
	before := p.Await(t, "its view", soon, func(r daemon.RouterStatus) bool { return r.Held })

	w := OpenWire(t, n.third)
	source := netip.MustParseAddr
	good := goodV3(vrid, v3.interval, vip)
	with := func(change func(m *Message)) func(netip.Addr) []byte {
		m := good
		change(&m)
		return m.bytes
	}
	exactly := func(b []byte) func(netip.Addr) []byte { return func(netip.Addr) []byte { return b } }
	carp := make([]byte, 36)
	copy(carp, []byte{0x21, vrid, 0, 7, 0, 1})
	garbage := bytes.Repeat([]byte{0xa5, vrid, 0x5a}, 20)
	for i, c := range []struct {
		reason, from string
		ttl          byte
		bytes        func(netip.Addr) []byte
	}{
		{"ttl", "10.0.0.101", 254, good.bytes},
		{"carp", "10.0.0.102", 255, exactly(carp)},
		{"length", "10.0.0.103", 255, exactly([]byte{0x31, vrid, 255, 1, 0, 20})},
		{"length", "10.0.0.104", 255, with(func(m *Message) { m.Trailer = make([]byte, 40) })},
		{"length", "10.0.0.105", 255, with(func(m *Message) { m.Count = 2 })},
		{"version", "10.0.0.106", 255, exactly(garbage)},
		{"version", "10.0.0.107", 255, with(func(m *Message) { m.Version, m.Trailer = 2, make([]byte, 8) })},
		{"type", "10.0.0.108", 255, with(func(m *Message) { m.Type = 2 })},
		{"no-addresses", "10.0.0.109", 255, with(func(m *Message) { m.Count, m.Addresses = 0, nil })},
		{"interval-zero", "10.0.0.110", 255, with(func(m *Message) { m.Fields = [2]byte{} })},
		{"checksum", "10.0.0.111", 255, with(func(m *Message) { m.Damage = 0x0101 })},
	} {
		for range i + 1 { // as many as tells them apart
			n.inject(w, c.from, c.ttl, c.bytes(source(c.from)))
		}
		p.Await(t, c.reason+" of "+c.from+" is counted", soon, func(r daemon.RouterStatus) bool {
			return refusals(r, c.reason, c.from) == uint64(i+1)
		})
	}
	// Another VRID's adverts never leave the kernel.
	n.inject(w, "10.0.0.112", 255, goodV3(vrid+1, v3.interval, vip).bytes(source("10.0.0.112")))
	n.inject(w, "10.0.0.113", 255, nil)

	n.staysWith(pk, 500*time.Millisecond)
	after, err := p.Status()
	if err != nil {
		t.Fatal(err)
	}
	r := after.Routers[0]
	if r.State != "ACTIVE" || r.Since.Sub(before.Since).Abs() > 100*time.Millisecond || r.Adverts.Received != 0 {
		t.Errorf("after the bad packets: %+v", r)
	}
	for _, from := range []string{"10.0.0.112", "10.0.0.113"} {
		for _, f := range r.Adverts.Refused {
			if f.From == from {
				t.Errorf("counted: %+v", f)
			}
		}
	}

	for _, plain := range []bool{false, true} {
		good.Plain = plain
		n.inject(w, "10.0.0.120", 255, good.bytes(source("10.0.0.120")))
		pk.isBackup(t)
		pk.isActive(t)
	}
}

// TestFloodOfBadPacketsChangesNothing: T26. Whoever invents its sources fills neither
// the memory nor the log.
func TestFloodOfBadPacketsChangesNothing(t *testing.T) {
	t.Parallel()
	damaged := goodV3(vrid, v3.interval, vip)
	damaged.Damage = 1
	for name, bad := range map[string]Message{"damaged": damaged, "foreign": goodV3(vrid, v3.interval, "10.0.0.77")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			pk, ka := n.pairkeeper(0, v3.pair([2]int{150, 100})), n.keepalived(1, v3.instance(100))
			pk.up(t)
			ka.up(t)
			pk.isActive(t)
			ka.isBackup(t)
			w := OpenWire(t, n.third)
			for i := range 20000 {
				from := netip.AddrFrom4([4]byte{10, 0, byte(1 + i>>8), byte(i)})
				n.inject(w, from.String(), 255, bad.bytes(from))
			}
			n.staysWith(pk, time.Second)
			ka.isBackup(t)
			p := pk.router.(*Pairkeeper)
			r := p.Await(t, "the flood is counted", soon, func(r daemon.RouterStatus) bool {
				return len(r.Adverts.Refused) > 1 || len(r.Remarks) > 0
			})
			if len(r.Adverts.Refused) > 100 {
				t.Errorf("%d sources remembered", len(r.Adverts.Refused))
			}
			if lines := strings.Count(p.Log(), "\n"); lines > 400 {
				t.Errorf("the log has %d lines", lines)
			}
		})
	}
}
