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

// TestT01T02T03T05AdvertsOnTheWire are as the RFCs write them.
func TestT01T02T03T05AdvertsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		row
		message []byte // without the checksum
		pseudo  bool
	}{
		{row{protocol: v2}, []byte{0x21, vrid, 150, 1, 0, 1, 0, 0, 10, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		{row{protocol: v2pass}, append([]byte{0x21, vrid, 150, 1, 1, 1, 0, 0, 10, 0, 0, 3}, "secret\x00\x00"...), false},
		{row{protocol: v3}, []byte{0x31, vrid, 150, 1, 0, 20, 0, 0, 10, 0, 0, 3}, true},
		{row{protocol: v3, ours: "checksum: plain"}, []byte{0x31, vrid, 150, 1, 0, 20, 0, 0, 10, 0, 0, 3}, false},
	} {
		t.Run(c.name+" "+c.ours, func(t *testing.T) {
			t.Parallel()
			d := c.pairkeeperBetter(t)
			d.pk.up(t)
			d.pk.isActive(t)
			for _, a := range d.adverts(2) {
				if a.TTL != 255 || a.TOS != 0xc0 || a.Destination != group4 || a.TargetMAC.String() != "01:00:5e:00:00:12" {
					t.Errorf("TTL %d, TOS %#x, to %s at %s", a.TTL, a.TOS, a.Destination, a.TargetMAC)
				}
				if a.Source.String() != d.pk.addr || a.SourceMAC.String() != d.pk.mac() {
					t.Errorf("from %s at %s", a.Source, a.SourceMAC)
				}
				a.mustBe(t, c.message, c.pseudo)
			}
		})
	}
}

// adverts waits for a number of them.
func (d *duo) adverts(count int) []Advert {
	d.t.Helper()
	var all []Advert
	frames := d.wire.Wait(count, soon, func(f netlab.Frame) bool { _, ok := readAdvert(f); return ok })
	for _, f := range frames {
		a, _ := readAdvert(f)
		all = append(all, a)
	}
	if len(all) < count {
		d.t.Fatalf("%d adverts", len(all))
	}
	return all
}

// mustBe compares the message with one without its checksum, which it judges itself.
func (a Advert) mustBe(t testing.TB, message []byte, pseudo bool) {
	t.Helper()
	var header []byte
	if pseudo {
		header = pseudoHeader(a.Source, a.Destination, protocolVRRP, len(a.Message))
	}
	if sum := onesComplement(header, a.Message); sum != 0 {
		t.Errorf("the checksum of % x is off by %#x", a.Message, sum)
	}
	got := bytes.Clone(a.Message)
	got[6], got[7] = 0, 0
	if !bytes.Equal(got, message) {
		t.Errorf("message % x, want % x", got, message)
	}
}

// TestT34TakeOverAdvertisesThenAnnouncesTwice: five gratuitous ARPs at once, and again
// after five seconds.
func TestT34TakeOverAdvertisesThenAnnouncesTwice(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3, ours: "garp: {refresh: 0}"}.pairkeeperBetter(t)
	d.pk.up(t)
	all := d.wire.Wait(10, soon, d.announcements(d.pk, d.begun))
	if len(all) != 10 {
		t.Fatalf("%d announcements, want two bursts of 5", len(all))
	}
	if first := d.taken(d.pk, d.begun); all[0].At.Before(first) {
		t.Errorf("announced %v before the first advert", first.Sub(all[0].At))
	}
	if burst, pause := all[4].At.Sub(all[0].At), all[5].At.Sub(all[4].At); burst > pause/2 || pause < 4500*time.Millisecond {
		t.Errorf("the first five within %v, the next %v later", burst, pause)
	}
	time.Sleep(2 * time.Second)
	if more := d.wire.Frames(d.announcements(d.pk, d.begun)); len(more) != 10 {
		t.Errorf("%d announcements after two bursts", len(more))
	}
}

// TestT07ReleaseIsSentBeforeTheAddressGoes tells the neighbours before the kernel.
func TestT07ReleaseIsSentBeforeTheAddressGoes(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	d.pk.up(t)
	d.pk.isActive(t)
	d.holder(d.pk)
	gone := d.watchRemoval(d.pk.host)
	d.pk.router.Stop(t)
	select {
	case at := <-gone:
		released := d.released(d.pk, d.begun)
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

// TestT31SilenceOnTheWire: the master vanishes without a trace, an advert of the third
// host was its last. In a pair an eighth of an interval
// stands for Skew_Time.
func TestT31SilenceOnTheWire(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v3} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: p}.keepalivedBetter(t)
			d.pk.up(t)
			d.pk.isBackup(t)
			master := Message{Version: byte(p.version), Type: 1, VRID: vrid, Priority: 200, Count: 1, Addresses: []string{vip}}
			if p.version == 2 {
				master.Fields, master.Trailer = [2]byte{0, 1}, make([]byte, 8)
			} else {
				master.Fields = [2]byte{0, 20}
			}
			w := OpenWire(t, d.third)
			source := netip.MustParseAddr("10.0.0.8")
			for range 5 {
				d.inject(w, source.String(), 255, master.bytes(source))
				time.Sleep(p.interval / 2)
			}
			d.pk.isActive(t)
			heard := advertsOf(d.wire, source.String(), d.begun)
			silence := d.taken(d.pk, d.begun).Sub(heard[len(heard)-1].At)
			least, most := 3*p.interval+p.interval/8, p.down(100)
			t.Logf("took over after %v, the down interval is %v", silence, most)
			if silence < least-20*time.Millisecond || silence > most+3*time.Second {
				t.Errorf("took over after %v, want %v to %v", silence, least, most)
			}
		})
	}
}

// TestT10T11T12T13T14T15T17T18T22BadPacketsAreCountedAndChangeNothing: each would make the
// router yield if it were accepted, as the good one in the end does.
func TestT10T11T12T13T14T15T17T18T22BadPacketsAreCountedAndChangeNothing(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	d.pk.up(t)
	d.pk.isActive(t)
	d.holder(d.pk)
	p := d.pk.pairkeeper()
	before := p.Await(t, "its view", soon, func(r daemon.RouterStatus) bool { return r.Held })

	w := OpenWire(t, d.third)
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
			d.inject(w, c.from, c.ttl, c.bytes(source(c.from)))
		}
		p.Await(t, c.reason+" of "+c.from+" is counted", soon, func(r daemon.RouterStatus) bool {
			return refusals(r, c.reason, c.from) == uint64(i+1)
		})
	}
	// Another VRID's adverts never leave the kernel.
	d.inject(w, "10.0.0.112", 255, goodV3(vrid+1, v3.interval, vip).bytes(source("10.0.0.112")))
	d.inject(w, "10.0.0.113", 255, nil)

	d.staysWith(d.pk, 500*time.Millisecond)
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

	d.inject(w, "10.0.0.120", 255, good.bytes(source("10.0.0.120")))
	d.pk.isBackup(t)
}

// TestT04T14T53BothChecksumsAreUnderstood: with the pseudo-header as in RFC 5798, and
// without as in RFC 9568 and with v3_checksum_as_v2 of a newer keepalived.
func TestT04T14T53BothChecksumsAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"pseudo", "plain"} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: v3, ours: "checksum: " + rule}.pairkeeperBetter(t)
			d.pk.up(t)
			d.pk.isActive(t)
			w := OpenWire(t, d.third)
			for _, plain := range []bool{false, true} {
				good := goodV3(vrid, v3.interval, vip)
				good.Plain = plain
				d.inject(w, "10.0.0.120", 255, good.bytes(netip.MustParseAddr("10.0.0.120")))
				d.pk.isBackup(t)
				d.pk.isActive(t)
			}
		})
	}
}

// TestT26FloodOfBadPacketsChangesNothing: whoever invents its sources fills neither
// the memory nor the log.
func TestT26FloodOfBadPacketsChangesNothing(t *testing.T) {
	t.Parallel()
	damaged := goodV3(vrid, v3.interval, vip)
	damaged.Damage = 1
	for name, bad := range map[string]Message{"damaged": damaged, "foreign": goodV3(vrid, v3.interval, "10.0.0.77")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: v3}.pairkeeperBetter(t)
			d.settle()
			w := OpenWire(t, d.third)
			for i := range 20000 {
				from := netip.AddrFrom4([4]byte{10, 0, byte(1 + i>>8), byte(i)})
				d.inject(w, from.String(), 255, bad.bytes(from))
			}
			d.staysWith(d.pk, time.Second)
			d.ka.isBackup(t)
			p := d.pk.pairkeeper()
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
