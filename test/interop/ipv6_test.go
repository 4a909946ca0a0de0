//go:build linux

package interop

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// TestT50T51T52IPv6 is the life of a pair with an address of IPv6.
func TestT50T51T52IPv6(t *testing.T) {
	t.Parallel()
	row{protocol: v3ipv6}.bothWays(t, life)
}

// TestT01T02T03T04T06IPv6AdvertsOnTheWire are as RFC 9568 writes them, and as keepalived
// does; the first address is link-local.
func TestT01T02T03T04T06IPv6AdvertsOnTheWire(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3ipv6}.pairkeeperBetter(t)
	message := []byte{0x31, vrid, 150, 2, 0, 20, 0, 0}
	message = append(message, netip.MustParseAddr(local6).AsSlice()...)
	message = append(message, netip.MustParseAddr(vip6).AsSlice()...)
	d.pk.up(t)
	d.pk.isActive(t)
	for _, a := range d.adverts(2) {
		if a.TTL != 255 || a.TOS != 0xc0 || a.Destination.String() != "ff02::12" || a.TargetMAC.String() != "33:33:00:00:00:12" {
			t.Errorf("hop limit %d, traffic class %#x, to %s at %s", a.TTL, a.TOS, a.Destination, a.TargetMAC)
		}
		if a.Source.String() != d.pk.addr || a.SourceMAC.String() != d.pk.mac() {
			t.Errorf("from %s at %s", a.Source, a.SourceMAC)
		}
		a.mustBe(t, message, true)
	}
}

// TestT34IPv6TakeOverIsAnnounced by neighbour advertisements to all nodes, of a router, not
// solicited, that override (R=1 S=0 O=1). The address works at once: DAD, which would cost a
// second, is no more than what was asked in the silence.
func TestT34IPv6TakeOverIsAnnounced(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v3ipv6, v3ipv6.withVirtualMAC()} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: p}.pairkeeperBetter(t)
			d.pk.up(t)
			d.pk.isActive(t)
			d.holder(d.pk)
			all := d.wire.Wait(5, soon, d.announcements(d.pk, d.begun))
			if len(all) < 5 {
				t.Fatalf("%d announcements, want a burst of 5", len(all))
			}
			if all[0].At.Before(d.taken(d.pk, d.begun)) {
				t.Error("announced before the first advert")
			}
			for _, f := range all {
				d.mustAnnounce(f)
			}
			for _, f := range d.wire.Frames(d.detection) {
				if f.At.After(d.taken(d.pk, d.begun)) {
					t.Errorf("% x asks whether the address is a duplicate", f.Data)
				}
			}
		})
	}
}

// mustAnnounce looks into an unsolicited neighbour advertisement (RFC 4861 4.4).
func (d *duo) mustAnnounce(f netlab.Frame) {
	d.t.Helper()
	icmp, ip := packet(f)
	if f.Destination().String() != "33:33:00:00:00:01" || netip.AddrFrom16([16]byte(ip[24:40])).String() != "ff02::1" || ip[7] != 255 {
		d.t.Errorf("to %s, header % x", f.Destination(), ip)
	}
	if flags := icmp[4] >> 5; flags != 0b101 {
		d.t.Errorf("R S O are %03b", flags)
	}
	if len(icmp) < 32 || icmp[24] != 2 || net.HardwareAddr(icmp[26:32]).String() != d.pk.mac() {
		d.t.Errorf("its own link-layer address is not in % x", icmp)
	}
	source, target := netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40]))
	if sum := onesComplement(pseudoHeader(source, target, ip[6], len(icmp)), icmp); sum != 0 {
		d.t.Errorf("the checksum of % x is off by %#x", icmp, sum)
	}
}

// detection is a question of duplicate address detection for the address (RFC 4862 5.4.2).
func (d *duo) detection(f netlab.Frame) bool {
	_, asks := neighbour(f, neighbourSolicitation, netip.MustParseAddr(d.vip))
	_, ip := packet(f)
	return asks && netip.AddrFrom16([16]byte(ip[8:24])).IsUnspecified()
}

// TestIPv6AddressesAreTakenInAnyOrder: whatever the file says first, the link-local address
// leads on the wire, and keepalived agrees with the list.
func TestIPv6AddressesAreTakenInAnyOrder(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3ipv6}.keepalivedBetter(t)
	pair := v3ipv6.pair([2]int{100, 150})
	pair.Addresses = []string{pair.Addresses[1], pair.Addresses[0]}
	d.pk = d.pairkeeperOn(0, pair.Config())
	d.worse = d.pk
	handover(d)
	for _, s := range []*station{d.pk, d.ka} {
		if log := s.router.Log(); strings.Contains(log, "address-list") || strings.Contains(log, "expected") {
			t.Errorf("%s does not agree with the list", s.name)
		}
	}
}
