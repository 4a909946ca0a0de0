//go:build linux

package interop

import (
	"testing"
	"time"
)

// TestT50T51T52AddressFollowsTheBestLivingRouter tells the life of a mixed pair.
func TestT50T51T52AddressFollowsTheBestLivingRouter(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v2pass, v3, v3fast} {
		row{protocol: p}.bothWays(t, life)
	}
}

// life plays each fault of a pair.
func life(d *duo) {
	d.t.Helper()
	d.preempted()
	d.stopped()
	d.powerCut()
	d.neverTwo(d.begun)
	d.t.Logf("two holders for %v in all", d.census.Double(d.begun))
	d.killed()
}

// preempted starts the worse router first, and stops it again.
func (d *duo) preempted() {
	t := d.t
	t.Helper()
	d.worse.up(t)
	d.worseRules()
	d.better.up(t)
	d.betterRules("pre-empting at first")

	d.worse.router.Stop(t)
	d.holder(d.better)
	d.worse.up(t)
	d.betterRules("after the backup was stopped and came back")
}

// stopped ends the better router in order.
func (d *duo) stopped() {
	t := d.t
	t.Helper()
	mark := time.Now()
	d.better.router.Stop(t)
	d.worseRules()
	released, taken := d.released(d.better, mark), d.taken(d.worse, mark)
	t.Logf("stopped: %v from priority 0 to the first advert of %s", taken.Sub(released), d.worse.name)
	if limit := max(d.down(100), time.Second); taken.Sub(released) > limit {
		t.Errorf("stopped in order, but %s takes over only after %v, no sooner than after a silence", d.worse.name, taken.Sub(released))
	}
	d.better.up(t)
	d.betterRules("back and pre-empting")
}

// powerCut takes the better router away without a trace.
func (d *duo) powerCut() {
	t := d.t
	t.Helper()
	mark := time.Now()
	d.better.powerCut(t)
	d.worseRules()
	d.silence(mark, 3*d.interval, soon)
	d.better.powerOn(t)
	d.betterRules("back from the power cut and pre-empting")
}

// killed ends the better router with kill -9: its kernel lives on.
func (d *duo) killed() {
	d.t.Helper()
	if d.better == d.pk {
		d.pairkeeperKilled()
	} else {
		d.keepalivedKilled()
	}
	d.better.up(d.t)
	d.betterRules("back from kill -9")
}

// pairkeeperKilled: keepalived does not probe, so for the rest of the lifetime there may
// be two holders; then our kernel has let go, without anybody's help (T63).
func (d *duo) pairkeeperKilled() {
	d.t.Helper()
	mark := time.Now()
	d.pk.router.Kill(d.t)
	d.worseRules()
	d.silence(mark, 3*d.interval, d.down(100)+2*time.Second)
	d.atMostALease(mark)
}

// atMostALease asserts that since a moment two held the address no longer than a lifetime
// allows.
func (d *duo) atMostALease(since time.Time) {
	d.t.Helper()
	double := d.census.Double(since)
	d.t.Logf("two holders for %v", double)
	if double > d.lease()+overlap {
		d.t.Errorf("two hosts held %s for %v: %v", d.vip, double, d.census.Spans(since))
	}
}

// keepalivedKilled: its kernel keeps the address for ever, so it is given a lifetime to
// let go, no longer. Two holders are then what keepalived leaves behind: we say so, and
// our announcements win the neighbours.
func (d *duo) keepalivedKilled() {
	t := d.t
	t.Helper()
	mark := time.Now()
	d.ka.router.Kill(t)
	d.pk.isActive(t)
	if d.ka.virtualMAC == "" {
		d.silence(mark, d.lease(), soon)
		d.pk.says(t, "sends no adverts but still holds the address", "(address-contest)")
	} else { // a macvlan's answers wait for a work queue of the kernel, at times for too long
		d.silence(mark, 3*d.interval, soon)
	}
	d.pk.says(t, "BACKUP -> ACTIVE (peer-silent)")
	d.bothHold()
	d.announced(d.pk, d.taken(d.pk, mark))
}
