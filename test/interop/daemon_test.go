//go:build linux

package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// TestT62HungPairkeeperLetsGoAndListensBeforeItAsserts: its kernel lets go within the
// lifetime, and when it goes on it asserts nothing before it has listened.
func TestT62HungPairkeeperLetsGoAndListensBeforeItAsserts(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	d.settle()
	d.pk.router.Hang(t)
	d.worseRules()
	d.atMostALease(d.begun)

	resumed := time.Now()
	d.pk.router.Resume(t)
	d.pk.says(t, "ACTIVE -> BACKUP (paused)")
	d.betterRules("after it went on")
	if listened := d.asserted(d.pk, resumed).Sub(resumed); listened < 3*d.interval {
		t.Errorf("asserted itself %v after it went on", listened)
	}
	d.neverTwo(resumed)
}

// TestHungKeepalivedIsSuperseded: it keeps its address while it hangs, and goes on as if
// nothing had been; the higher priority wins.
func TestHungKeepalivedIsSuperseded(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.keepalivedBetter(t)
	d.settle()
	d.ka.router.Hang(t)
	d.pk.isActive(t)
	d.bothHold()
	d.ka.router.Resume(t)
	d.betterRules("after it went on")
}

// TestTwoDaemonsOfOneNodeHaveOneHolder: both hosts were told to be lb01, so both have
// its priority and the address decides.
func TestTwoDaemonsOfOneNodeHaveOneHolder(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	conf := v3.pair([2]int{150, 100}).Config()
	a := StartPairkeeper(t, n.hosts[0], Nodes[0], conf)
	waitForState(t, a, "ACTIVE")
	b := StartPairkeeper(t, n.hosts[1], Nodes[0], conf)
	waitForState(t, b, "BACKUP")
	n.staysWith(&station{host: n.hosts[0]}, 2*time.Second)

	n.hosts[0].Cable("eth0").Detach()
	waitForState(t, b, "ACTIVE")
	healed := time.Now()
	n.hosts[0].Cable("eth0").Attach()
	waitForState(t, a, "BACKUP")
	waitForLog(t, a, "ACTIVE -> BACKUP (higher-address)")
	n.holder(&station{host: n.hosts[1]})
	n.neverTwo(healed)
}

// TestSecondDaemonOnTheSocketIsRefused: the first goes on.
func TestSecondDaemonOnTheSocketIsRefused(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	d.pk.up(t)
	d.pk.isActive(t)
	out, err := d.pk.host.Try(testbin.Path(), d.pk.pairkeeper().cmd.Args[1:]...)
	if err == nil || !strings.Contains(out, "another pairkeeper is running") {
		t.Errorf("the second one: %v: %s", err, out)
	}
	d.staysWith(d.pk, time.Second)
}
