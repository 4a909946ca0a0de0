//go:build linux

package interop

import (
	"testing"
	"time"
)

// TestT58HigherAddressWinsATie: after a cut both are Active; the heal leaves one.
func TestT58HigherAddressWinsATie(t *testing.T) {
	t.Parallel()
	for ours, name := range []string{"keepalived has the higher address", "pairkeeper has the higher address"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := row{protocol: v3, priorities: [2]int{100, 100}}
			d := r.pairkeeperBetter(t)
			low, high := d.pk, d.ka
			if ours == 1 {
				low, high = d.keepalivedOn(0, r.instances(0, 100)), d.pairkeeperOn(1, r.pairs(100, 100))
			}
			low.up(t)
			low.isActive(t)
			high.up(t)
			high.isBackup(t)
			d.holder(low) // a Backup does not pre-empt its equal

			cable := low.host.Cable("eth0")
			cable.Detach()
			high.isActive(t)
			d.holder(high)
			healed := time.Now()
			cable.Attach()
			low.isBackup(t)
			high.isActive(t)
			d.holder(high)
			d.neverTwo(healed)
		})
	}
}

// TestT61KeepalivedAnnouncesItselfAfterWeYield: the neighbours had our MAC address; a
// keepalived that did not hear of us would announce nothing, so we give it a last advert.
func TestT61KeepalivedAnnouncesItselfAfterWeYield(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.keepalivedBetter(t)
	d.cutApart()
	time.Sleep(6 * time.Second) // past the announcements of keepalived's take-over
	d.heal(8 * time.Second)
}

// cutApart cuts the better router off until both hold the address, each on its side.
func (d *duo) cutApart() {
	d.t.Helper()
	d.settle()
	d.better.host.Cable("eth0").Detach()
	d.worseRules()
}

// heal joins them, and asserts when at the latest the winner announces itself.
func (d *duo) heal(within time.Duration) {
	d.t.Helper()
	d.better.host.Cable("eth0").Attach()
	healed := time.Now()
	d.worse.isBackup(d.t)
	d.holder(d.better)
	after := d.announced(d.better, healed).Sub(healed)
	d.t.Logf("%s announces itself %v after the heal", d.better.name, after)
	if after > within {
		d.t.Errorf("%s announces itself only %v after the heal", d.better.name, after)
	}
}

// TestCutCableMovesTheAddressAndHeals: the carrier goes, not only the frames.
func TestCutCableMovesTheAddressAndHeals(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	d.settle()
	cable := d.pk.host.Cable("eth0")
	cable.Cut()
	waitForState(t, d.pk.router, "FAULT")
	d.pk.says(t, "ACTIVE -> FAULT (link-down)")
	d.worseRules()
	cable.Join()
	d.betterRules("with the cable back")
	d.neverTwo(d.begun)
}
