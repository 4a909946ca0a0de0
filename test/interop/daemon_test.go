//go:build linux

package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// lease is the longest that a kernel keeps an address which nobody refreshes, at 200 ms
// adverts: a lifetime of 1 s, and 1.25 s more because the kernel looks in whole seconds.
const lease = 2250 * time.Millisecond

// TestKilledKeepalivedIsWaitedForAndOverruled: its kernel keeps the address for ever,
// so a holder that is silent is given a lifetime to let go, no longer. Two holders are
// then what keepalived leaves behind: we say so, and our announcements win the
// neighbours.
func TestKilledKeepalivedIsWaitedForAndOverruled(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{100, 150})), n.keepalived(1, v3.instance(150))
	ka.up(t)
	pk.up(t)
	ka.isActive(t)
	pk.isBackup(t)
	mark := time.Now()
	ka.router.Kill(t)
	pk.isActive(t)
	taken := n.taken(pk, mark)
	silence := taken.Sub(n.lastBefore(ka, taken))
	t.Logf("took over %v after the last advert", silence)
	if silence < lease {
		t.Errorf("took over after %v: a holder may let go until %v", silence, lease)
	}
	pk.router.(*Pairkeeper).WaitForLog(t, soon,
		"sends no adverts but still holds the address", "BACKUP -> ACTIVE (peer-silent)", "(address-contest)")
	n.bothHold()
	n.announced(pk, taken)

	ka.up(t) // finds its old address, removes it and takes over in order
	ka.isActive(t)
	pk.isBackup(t)
	n.holder(ka.host)
}

// TestKilledPairkeeperLetsGo: T63. keepalived does not probe, so for the rest of the
// lifetime there may be two holders; then its kernel has let go, without anybody's help.
func TestKilledPairkeeperLetsGo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{150, 100})), n.keepalived(1, v3.instance(100))
	pk.up(t)
	ka.up(t)
	pk.isActive(t)
	ka.isBackup(t)
	n.holder(pk.host)
	pk.router.Kill(t)
	ka.isActive(t)
	n.holder(ka.host)
	n.atMostALease()
	pk.up(t)
	pk.isActive(t)
	ka.isBackup(t)
	n.holder(pk.host)
}

// atMostALease asserts that two holders were no longer than a lifetime allows.
func (n *network) atMostALease() {
	n.t.Helper()
	d := n.census.Double(n.begun)
	n.t.Logf("two holders for %v", d)
	if d > lease+overlap {
		n.t.Errorf("two hosts held %s for %v: %v", vip, d, n.census.Spans(n.begun))
	}
}

// TestHungPairkeeperLetsGoAndListensBeforeItAsserts: T62. As above, and when it goes on
// it asserts nothing before it has listened for a down interval.
func TestHungPairkeeperLetsGoAndListensBeforeItAsserts(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{150, 100})), n.keepalived(1, v3.instance(100))
	pk.up(t)
	ka.up(t)
	pk.isActive(t)
	ka.isBackup(t)
	n.holder(pk.host)
	p := pk.router.(*Pairkeeper)
	p.Hang(t)
	ka.isActive(t)
	n.holder(ka.host)
	n.atMostALease()

	resumed := time.Now()
	p.Resume(t)
	p.WaitForLog(t, soon, "ACTIVE -> BACKUP (paused)")
	pk.isActive(t)
	ka.isBackup(t)
	n.holder(pk.host)
	if listened := n.asserted(pk, resumed).Sub(resumed); listened < 3*v3.interval {
		t.Errorf("asserted itself %v after it went on", listened)
	}
	if d := n.census.Double(resumed); d > overlap {
		t.Errorf("two holders for %v after it went on", d)
	}
}

// TestHungKeepalivedIsSuperseded: it keeps its address while it hangs, and goes on as if
// nothing had been; the higher priority wins.
func TestHungKeepalivedIsSuperseded(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{100, 150})), n.keepalived(1, v3.instance(150))
	ka.up(t)
	pk.up(t)
	ka.isActive(t)
	pk.isBackup(t)
	k := ka.router.(*Keepalived)
	k.Hang(t)
	pk.isActive(t)
	n.bothHold()
	k.Resume(t)
	pk.isBackup(t)
	ka.isActive(t)
	n.holder(ka.host)
}

// TestTwoDaemonsOfOneNodeHaveOneHolder: both hosts were told to be lb01, so both have
// its priority and the address decides.
func TestTwoDaemonsOfOneNodeHaveOneHolder(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	conf := v3.pair([2]int{150, 100}).Config()
	a := StartPairkeeper(t, n.hosts[0], Nodes[0], conf)
	a.WaitFor(t, "ACTIVE", soon)
	b := StartPairkeeper(t, n.hosts[1], Nodes[0], conf)
	b.WaitFor(t, "BACKUP", soon)
	n.staysWith(&station{host: n.hosts[0]}, 2*time.Second)

	n.hosts[0].Cable("eth0").Detach()
	b.WaitFor(t, "ACTIVE", soon)
	healed := time.Now()
	n.hosts[0].Cable("eth0").Attach()
	a.WaitFor(t, "BACKUP", soon)
	a.WaitForLog(t, soon, "ACTIVE -> BACKUP (higher-address)")
	n.holder(n.hosts[1])
	if d := n.census.Double(healed); d > overlap {
		t.Errorf("after the heal two hosts hold it for %v", d)
	}
}

// TestSecondDaemonOnTheSocketIsRefused: the first goes on.
func TestSecondDaemonOnTheSocketIsRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk := n.pairkeeper(0, v3.pair([2]int{150, 100}))
	pk.up(t)
	pk.isActive(t)
	p := pk.router.(*Pairkeeper)
	out, err := n.hosts[0].Try(testbin.Path(), p.cmd.Args[1:]...)
	if err == nil || !strings.Contains(out, "another pairkeeper is running") {
		t.Errorf("the second one: %v: %s", err, out)
	}
	n.staysWith(pk, time.Second)
}
