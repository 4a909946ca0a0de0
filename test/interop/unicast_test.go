//go:build linux

package interop

import (
	"testing"
	"time"
)

// TestT50T51T52Unicast is the life of a pair without multicast.
func TestT50T51T52Unicast(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v3, v3ipv6} {
		row{protocol: p.byUnicast()}.bothWays(t, life)
	}
}

// TestT01T04UnicastAdvertsOnTheWire go to the peer alone; the pseudo-header has the peer's
// address.
func TestT01T04UnicastAdvertsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		protocol
		message []byte
		pseudo  bool
	}{
		{v2.byUnicast(), []byte{0x21, vrid, 150, 1, 0, 1, 0, 0, 10, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		{v3.byUnicast(), []byte{0x31, vrid, 150, 1, 0, 20, 0, 0, 10, 0, 0, 3}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := row{protocol: c.protocol}.pairkeeperBetter(t)
			d.pk.up(t)
			d.pk.isActive(t)
			for _, a := range d.adverts(2) {
				if a.TTL != 255 || a.TOS != 0xc0 || a.Destination.String() != d.ka.addr || a.TargetMAC.String() != d.ka.mac() {
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

// TestT56PeerDropsOutOfTheUnicastList: keepalived forgets us and goes on as master. We take
// over beside it and say so; with the list restored there is one again.
func TestT56PeerDropsOutOfTheUnicastList(t *testing.T) {
	t.Parallel()
	r := row{protocol: v3.byUnicast()}
	d := r.keepalivedBetter(t)
	d.settle()
	k := d.ka.router.(*Keepalived)
	without := v3.instance(1, 150)
	without.Extra = "unicast_src_ip 10.0.0.2\nunicast_peer {\n\t10.0.0.7\n}\n"
	k.SetConfig(t, keepalivedConf("", without))
	k.Reload(t)
	d.pk.isActive(t)
	d.bothHold()
	d.pk.says(t, "sends no adverts but still holds the address", "(address-contest)")

	k.SetConfig(t, r.instances(1, 150))
	k.Reload(t)
	d.betterRules("with the list restored")
}

// TestT56WorsePeerWithoutUsInItsListStays: what it does not send, a Backup does not need
// to.
func TestT56WorsePeerWithoutUsInItsListStays(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3.byUnicast()}.pairkeeperBetter(t)
	without := v3.instance(1, 100)
	without.Extra = "unicast_src_ip 10.0.0.2\nunicast_peer {\n\t10.0.0.7\n}\n"
	d.ka = d.keepalivedOn(1, keepalivedConf("", without))
	d.worse = d.ka
	d.settle()
	d.staysWith(d.pk, 2*time.Second)
	d.ka.isBackup(t)
}

// TestT20UnicastOfAStrangerIsRefused: keepalived sends from another address than the one
// that it is known by.
func TestT20UnicastOfAStrangerIsRefused(t *testing.T) {
	t.Parallel()
	stranger := v3.instance(1, 150)
	stranger.Extra = "unicast_src_ip 10.0.0.12\nunicast_peer {\n\t10.0.0.1\n}\n"
	play := func(t *testing.T, ours string) *duo {
		t.Helper()
		p := v3
		d := row{protocol: p, ours: ours}.keepalivedBetter(t)
		d.ka.host.Run("ip", "address", "add", "10.0.0.12/24", "dev", "eth0")
		d.ka = d.keepalivedOn(1, keepalivedConf("", stranger))
		d.ka.up(t)
		d.ka.isActive(t)
		d.pk.up(t)
		return d
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		d := play(t, "unicast: true")
		d.refused("source", "10.0.0.12", "")
		d.pk.isActive(t)
	})
	t.Run("taken without check_source", func(t *testing.T) {
		t.Parallel()
		d := play(t, "unicast: {check_source: false}")
		d.pk.isBackup(t)
		d.staysWith(d.ka, 2*time.Second)
		d.pk.isBackup(t)
	})
}

// TestT10UnicastTTLIsBounded: 255 is asked for, less is taken where the file says so. Over
// IPv6 keepalived sends 64 by default, and less is not taken.
func TestT10UnicastTTLIsBounded(t *testing.T) {
	t.Parallel()
	for _, r := range []row{{protocol: v3.byUnicast(), theirs: "unicast_ttl 64"}, {protocol: v3ipv6.byUnicast(), theirs: "unicast_ttl 63"}} {
		t.Run(r.name+" refused", func(t *testing.T) {
			t.Parallel()
			d := r.keepalivedBetter(t)
			d.ka.up(t)
			d.ka.isActive(t)
			d.pk.up(t)
			d.refused("ttl", d.ka.addr, "")
		})
	}
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		d := row{protocol: v3, ours: "unicast: {min_ttl: 64}"}.keepalivedBetter(t)
		vi := v3.byUnicast().instance(1, 150)
		vi.Extra += "unicast_ttl 64\n"
		d.ka = d.keepalivedOn(1, vi.Config())
		d.better = d.ka
		handover(d)
	})
}

// TestUnicastAndMulticastDoNotMeet: each is counted by the one that is told of the other.
func TestUnicastAndMulticastDoNotMeet(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]row{
		"unicast to a router of the group": {protocol: v3, theirs: "unicast_src_ip 10.0.0.2\nunicast_peer {\n\t10.0.0.1\n}"},
		"multicast to a router with peers": {protocol: v3, ours: "unicast: true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := r.keepalivedBetter(t)
			d.ka.up(t)
			d.ka.isActive(t)
			d.pk.up(t)
			d.refused("destination", "10.0.0.2", "")
			d.pk.isActive(t)
		})
	}
}
