//go:build linux

package interop

import (
	"testing"
	"time"
)

// TestHigherAddressWinsATie: T58. After a cut both are Active; the heal leaves one.
func TestHigherAddressWinsATie(t *testing.T) {
	t.Parallel()
	for ours, name := range []string{"keepalived has the higher address", "pairkeeper has the higher address"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			pk := n.pairkeeper(ours, v3.pair([2]int{100, 100}))
			ka := n.keepalived(1-ours, v3.instance(100))
			low, high := pk, ka
			if ours == 1 {
				low, high = ka, pk
			}
			low.up(t)
			low.isActive(t)
			high.up(t)
			high.isBackup(t)
			n.holder(low.host) // a Backup does not pre-empt its equal

			cable := low.host.Cable("eth0")
			cable.Detach()
			high.isActive(t)
			n.holder(high.host)
			healed := time.Now()
			cable.Attach()
			low.isBackup(t)
			high.isActive(t)
			n.holder(high.host)
			if d := n.census.Double(healed); d > overlap {
				t.Errorf("after the heal two hosts hold it for %v", d)
			}
		})
	}
}

// TestKeepalivedAnnouncesItselfAfterWeYield: T61. The neighbours had our MAC address; a
// keepalived that did not hear of us would announce nothing, so we give it a last advert.
func TestKeepalivedAnnouncesItselfAfterWeYield(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{100, 150})), n.keepalived(1, v3.instance(150))
	n.healed(ka, pk, 6*time.Second) // past the announcements of keepalived's take-over
}

// TestPairkeeperAnnouncesItselfAfterKeepalivedYields: T61. keepalived goes without a word
// if it hears us first, so it is the periodic announcement that helps.
func TestPairkeeperAnnouncesItselfAfterKeepalivedYields(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pair := v3.pair([2]int{150, 100})
	pair.Extra = "garp: {refresh: 2s}"
	n.healed(n.pairkeeper(0, pair), n.keepalived(1, v3.instance(100)), 0)
}

// healed cuts the winner off until both hold the address, each on its side, and heals.
func (n *network) healed(winner, loser *station, while time.Duration) {
	t := n.t
	t.Helper()
	winner.up(t)
	loser.up(t)
	winner.isActive(t)
	loser.isBackup(t)
	cable := winner.host.Cable("eth0")
	cable.Detach()
	loser.isActive(t)
	n.holder(loser.host)
	time.Sleep(while)
	cable.Attach()
	healed := time.Now()
	loser.isBackup(t)
	n.holder(winner.host)
	after := n.announced(winner, healed).Sub(healed)
	t.Logf("%s announces itself %v after the heal", winner.name, after)
	if after > 8*time.Second {
		t.Errorf("%s announces itself only %v after the heal", winner.name, after)
	}
}

// TestCutCableMovesTheAddressAndHeals: the carrier goes, not only the frames.
func TestCutCableMovesTheAddressAndHeals(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{150, 100})), n.keepalived(1, v3.instance(100))
	pk.up(t)
	ka.up(t)
	pk.isActive(t)
	ka.isBackup(t)
	cable := pk.host.Cable("eth0")
	cable.Cut()
	pk.router.(*Pairkeeper).WaitFor(t, "FAULT", soon)
	pk.router.(*Pairkeeper).WaitForLog(t, soon, "ACTIVE -> FAULT (link-down)")
	ka.isActive(t)
	n.holder(ka.host)
	cable.Join()
	pk.isActive(t)
	ka.isBackup(t)
	n.holder(pk.host)
	n.neverTwo()
}
