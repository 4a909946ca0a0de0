//go:build linux

package interop

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// TestT50T51T52VirtualMAC is the life of a pair that shares a MAC address.
func TestT50T51T52VirtualMAC(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v3, v3ipv6} {
		row{protocol: p.withVirtualMAC()}.bothWays(t, life)
	}
}

// TestT02T38VirtualMACIsTheOnlyOne: adverts, announcements and answers about the address
// come from 00-00-5E-00-01-{VRID}, or -02- for IPv6, and never from the host's own.
func TestT02T38VirtualMACIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v3, v3ipv6} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: p.withVirtualMAC()}.pairkeeperBetter(t)
			d.pk.up(t)
			d.pk.isActive(t)
			d.holder(d.pk)
			d.announced(d.pk, d.begun)
			for _, a := range d.adverts(3) {
				if a.SourceMAC.String() != d.mac() || a.Source.String() != d.pk.addr {
					t.Errorf("advert from %s at %s", a.Source, a.SourceMAC)
				}
			}
			d.onlyVirtual()
		})
	}
}

// onlyVirtual asserts that no host tells anybody of the address under a MAC address of its
// own.
func (d *duo) onlyVirtual() {
	d.t.Helper()
	address := netip.MustParseAddr(d.vip)
	about := d.wire.Frames(func(f netlab.Frame) bool { return isAnnouncement(f, address) || isAnswer(f, address) })
	if len(about) == 0 {
		d.t.Error("nobody tells of the address")
	}
	for _, f := range about {
		if f.Source().String() != d.mac() {
			d.t.Fatalf("%s tells of %s", f.Source(), d.vip)
		}
	}
}

// TestVirtualMACMovesWithTheAddress: the neighbours need not learn anything.
func TestVirtualMACMovesWithTheAddress(t *testing.T) {
	t.Parallel()
	row{protocol: v3.withVirtualMAC()}.bothWays(t, func(d *duo) {
		d.settle()
		d.reach(d.better)
		d.better.router.Stop(d.t)
		d.worseRules()
		d.reach(d.worse)
		d.better.up(d.t)
		d.betterRules("back")
		d.reach(d.better)
		d.onlyVirtual()
	})
}

// reach asserts that the third host reaches the address, ours by the virtual MAC address.
// keepalived asks for its neighbours under its own, which they then learn.
func (d *duo) reach(holder *station) {
	d.t.Helper()
	var err error
	d.third.Do(func() { _, err = net.DialTimeout("tcp", net.JoinHostPort(d.vip, "9"), soon) })
	if !errors.Is(err, unix.ECONNREFUSED) { // by the host that has the address
		d.t.Errorf("a connection to %s: %v", d.vip, err)
	}
	if table := d.third.Run("ip", "neigh", "show", d.vip); holder == d.pk && !strings.Contains(table, d.mac()) {
		d.t.Errorf("the third host has %s", table)
	}
}

// TestVirtualMACWithAdvertsFromTheBase is keepalived's vmac_xmit_base: adverts have the
// host's own MAC address, the address has the virtual one.
func TestVirtualMACWithAdvertsFromTheBase(t *testing.T) {
	t.Parallel()
	row{
		protocol: v3,
		ours:     "virtual_mac: {name: vmac50, adverts: base}",
		theirs:   "use_vmac vmac50\nvmac_xmit_base",
	}.bothWays(t, func(d *duo) {
		d.pk.virtualMAC = d.mac()
		handover(d)
		d.onlyVirtual()
		for _, s := range []*station{d.pk, d.ka} {
			for _, a := range advertsOf(d.wire, s.addr, d.begun) {
				if a.SourceMAC.String() != s.host.Cable("eth0").MAC.String() {
					d.t.Fatalf("%s advertises from %s", s.name, a.SourceMAC)
				}
			}
		}
	})
}

// TestVirtualMACUnicast: the adverts come from the base, the address has the virtual MAC.
func TestVirtualMACUnicast(t *testing.T) {
	t.Parallel()
	row{protocol: v3.byUnicast().withVirtualMAC(), theirs: "vmac_xmit_base"}.bothWays(t, handover)
}

// TestVirtualMACLeavesNothingBehind: neither interface nor switch of the kernel.
func TestVirtualMACLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v3, v3ipv6} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: p.withVirtualMAC()}.pairkeeperBetter(t)
			const switches = "grep -rs . /proc/sys/net/ipv4/conf/eth0 /proc/sys/net/ipv4/conf/all /proc/sys/net/ipv6/conf/eth0; true" // some cannot be read
			before := d.pk.host.Run("sh", "-c", switches)
			for range 2 {
				d.pk.up(t)
				d.pk.isActive(t)
				d.holder(d.pk)
				d.pk.router.Stop(t)
			}
			if links := d.pk.host.Run("ip", "-o", "link", "show", "type", "macvlan"); links != "" {
				t.Errorf("left behind: %s", links)
			}
			if after := d.pk.host.Run("sh", "-c", switches); after != before {
				t.Errorf("switches before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}
