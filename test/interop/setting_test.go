//go:build linux

package interop

import (
	"strings"
	"testing"
	"time"
)

// TestT35NoPreemptLeavesTheAddressWithTheWorse, until that one leaves.
func TestT35NoPreemptLeavesTheAddressWithTheWorse(t *testing.T) {
	t.Parallel()
	row{protocol: v3, ours: "preempt: false", theirs: "nopreempt"}.bothWays(t, func(d *duo) {
		d.settle()
		d.better.router.Stop(d.t)
		d.worseRules()
		d.better.up(d.t)
		d.better.isBackup(d.t)
		d.staysWith(d.worse, 3*time.Second)
		d.better.isBackup(d.t)
		d.worse.router.Stop(d.t)
		d.better.isActive(d.t)
		d.holder(d.better)
		d.neverTwo(d.begun)
	})
}

// TestT35PreemptDelayIsForPreemptionOnly: the better router comes back late from the worse
// one that is well, and at once from one that dies.
func TestT35PreemptDelayIsForPreemptionOnly(t *testing.T) {
	t.Parallel()
	const delay = 4 * time.Second
	row{protocol: v3, ours: "preempt_delay: 4s", theirs: "preempt_delay 4"}.bothWays(t, func(d *duo) {
		t := d.t
		d.worse.up(t)
		d.worseRules()
		back := time.Now()
		d.better.up(t)
		d.betterRules("after the delay")
		if after := d.taken(d.better, back).Sub(back); after < delay {
			t.Errorf("%s pre-empts %v after its start, want %v", d.better.name, after, delay)
		}

		d.better.router.Stop(t)
		d.worseRules()
		d.better.up(t)
		d.better.isBackup(t)
		time.Sleep(2 * d.interval) // it has heard the worse one
		died := time.Now()
		d.worse.powerCut(t)
		d.better.isActive(t)
		taken := d.taken(d.better, died)
		if after := taken.Sub(d.lastBefore(d.worse, taken)); after < 3*d.interval || after > delay {
			t.Errorf("%s takes over %v after the last advert of the dead one", d.better.name, after)
		}
		d.neverTwo(d.begun)
	})
}

// TestT08T30OwnerIsActiveAtOnce: priority 255 listens to nobody, also where it was told not
// to pre-empt. keepalived needs state MASTER for it, RFC 9568 6.4.1 only the priority.
func TestT08T30OwnerIsActiveAtOnce(t *testing.T) {
	t.Parallel()
	row{protocol: v3, ours: "preempt: false", theirs: "state MASTER\nnopreempt", priorities: [2]int{255, 100}}.bothWays(t, func(d *duo) {
		t := d.t
		d.worse.up(t)
		d.worseRules()
		for range 2 {
			mark := time.Now()
			d.better.up(t)
			d.betterRules("the owner")
			for _, a := range advertsOf(d.wire, d.better.addr, mark) {
				if a.Priority() != 255 {
					t.Errorf("the owner advertises %d", a.Priority())
				}
			}
			if log := d.better.router.Log(); strings.Contains(log, "INIT -> BACKUP") || strings.Contains(log, "Entering BACKUP") {
				t.Error("the owner listened first")
			}
			d.better.router.Stop(t)
			d.worseRules()
		}
		d.neverTwo(d.begun)
	})
}

// TestT25TwoOwnersAreNamedByBoth: RFC 9568 8.3.2. keepalived then makes itself 254, so the
// address is ours after all.
func TestT25TwoOwnersAreNamedByBoth(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3, theirs: "state MASTER", priorities: [2]int{255, 255}}.pairkeeperBetter(t)
	d.pk.up(t)
	d.pk.isActive(t)
	d.ka.up(t)
	d.pk.says(t, "10.0.0.2 also has priority 255 (owner-conflict)")
	d.ka.says(t, "are both configured as address owner")
	d.betterRules("after the conflict")
}

// TestBothAnnounceAsTold: keepalived's garp_* and ours say the same: two announcements,
// two more after two seconds, and then one from time to time. The Backup is silent.
func TestBothAnnounceAsTold(t *testing.T) {
	t.Parallel()
	row{
		protocol: v3,
		ours:     "garp: {burst: 2, again: 2s, refresh: 3s}",
		theirs:   "garp_master_repeat 2\ngarp_master_delay 2\ngarp_master_refresh 3\ngarp_master_refresh_repeat 1",
	}.bothWays(t, func(d *duo) {
		t := d.t
		d.settle()
		all := d.wire.Wait(6, soon, d.announcements(d.better, d.begun))
		if len(all) < 6 {
			t.Fatalf("%d announcements, want 6 and more", len(all))
		}
		if all[0].At.Before(d.taken(d.better, d.begun)) {
			t.Error("announced before the first advert")
		}
		if first, pause := all[1].At.Sub(all[0].At), all[2].At.Sub(all[1].At); first > pause/2 || pause < time.Second {
			t.Errorf("the first two within %v, the third %v later", first, pause)
		}
		if last := all[5].At.Sub(all[0].At); last < 4*time.Second {
			t.Errorf("six within %v, want two bursts of 2 and then reminders", last)
		}
		if foreign := d.wire.Frames(d.announcements(d.worse, d.begun)); len(foreign) > 0 {
			t.Errorf("the Backup announced %d times", len(foreign))
		}
		if log := d.pk.router.Log(); strings.Contains(log, "address-claimed") {
			t.Error("announcements of the rightful holder are called a claim")
		}
	})
}

// TestT57StrictPeer lives the same life: vrrp_strict refuses what the RFC does not allow.
func TestT57StrictPeer(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v3} {
		row{protocol: p, global: "vrrp_strict"}.bothWays(t, handover)
	}
}

// handover is a short life: pre-empted, stopped in order, and back.
func handover(d *duo) {
	d.t.Helper()
	d.preempted()
	d.stopped()
	d.neverTwo(d.begun)
}

// TestT40ThreeAdvertsAreWaitedForByDefault, by both.
func TestT40ThreeAdvertsAreWaitedForByDefault(t *testing.T) {
	t.Parallel()
	p := v3
	p.interval = time.Second
	row{protocol: p}.bothWays(t, func(d *duo) { d.waits(3, 5) })
}

// waits asserts how many adverts must be missing before the worse router takes over.
func (d *duo) waits(least, most int) {
	d.t.Helper()
	d.settle()
	mark := time.Now()
	d.better.powerCut(d.t)
	d.worseRules()
	d.silence(mark, time.Duration(least)*d.interval, time.Duration(most)*d.interval)
}

// TestCrossedRoutersShareTheNodes: dual master, VI_1 and VI_2 of every tutorial. Each node
// rules one address, and the one that is left rules both.
func TestCrossedRoutersShareTheNodes(t *testing.T) {
	t.Parallel()
	crossedLife(t, "priority: {lb01: 150, lb02: 100}", "priority: {lb01: 100, lb02: 150}")
}

// crossedLife is the life of two routers on the same nodes, with what says which node has
// the first one and which the second.
func crossedLife(t *testing.T, first, second string) {
	t.Helper()
	d := row{protocol: v3}.crossed(t, first, second)
	other := d.ask("10.0.0.9", vipOther)
	d.pk.up(t)
	d.pk.isActive(t)
	d.ka.up(t)
	share := func(a, b *station) {
		t.Helper()
		d.census.WaitFor(t, soon, a.host.Name)
		other.WaitFor(t, soon, b.host.Name)
	}
	share(d.pk, d.ka)
	d.ka.router.Stop(t)
	share(d.pk, d.pk)
	d.ka.up(t)
	share(d.pk, d.ka)
	d.pk.powerCut(t)
	share(d.ka, d.ka)
	d.pk.powerOn(t)
	share(d.pk, d.ka)
	d.neverTwo(d.begun)
	if double := other.Double(d.begun); double > overlap {
		t.Errorf("two hosts held %s for %v", vipOther, double)
	}
}

// vipOther is the address of the second router of a crossed pair.
const vipOther = "10.0.0.4"

// crossed makes the two routers.
func (r row) crossed(t *testing.T, first, second string) *duo {
	t.Helper()
	d := r.pairkeeperBetter(t)
	a, b := r.pair([2]int{150, 100}), r.pair([2]int{})
	a.Extra, b.Extra = a.Extra+first+"\n", b.Extra+second+"\n"
	b.Name, b.VRID, b.Addresses = "web2", vrid+1, []string{vipOther + "/24"}
	v, w := r.instance(1, 100), r.instance(1, 150)
	v.Name, w.Name, w.VRID, w.Addresses = "VI_1", "VI_2", vrid+1, b.Addresses
	d.pk, d.ka = d.pairkeeperOn(0, pairConf(a, b)), d.keepalivedOn(1, keepalivedConf("", v, w))
	return d
}

// TestPeerWithVirtualMAC: keepalived's use_vmac does not ask anything of its peer.
func TestPeerWithVirtualMAC(t *testing.T) {
	t.Parallel()
	row{protocol: v3, theirs: "use_vmac"}.bothWays(t, life)
}
