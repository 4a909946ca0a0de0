//go:build linux

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// stacks is a pair with an address of each family, tied by a group: the network's address
// is that of IPv6, and there is one of IPv4.
type stacks struct {
	*duo
	census4 *Census
}

// dualStack makes one; the priorities are pairkeeper's and keepalived's.
func dualStack(t *testing.T, ours, theirs int) *stacks {
	t.Helper()
	r := row{protocol: v3ipv6}
	s := &stacks{duo: r.pairkeeperBetter(t)}
	s.census4 = s.ask("10.0.0.9", vip)
	p4, p6 := v3.pair([2]int{ours, theirs}), v3ipv6.pair([2]int{})
	p4.Extra, p6.Name, p6.Extra = "group: web\n", "web6", "group: web\n"
	i4, i6 := v3.instance(1, theirs), v3ipv6.instance(1, theirs)
	i4.Name, i6.Name = "VI_4", "VI_6"
	s.pk, s.ka = s.pairkeeperOn(0, pairConf(p4, p6)), s.keepalivedOn(1, keepalivedConf("", i4, i6)+syncGroup(i4, i6))
	s.better, s.worse = s.pk, s.ka
	if theirs > ours {
		s.better, s.worse = s.ka, s.pk
	}
	return s
}

// holder waits until a router alone holds both addresses.
func (s *stacks) holder(holder *station) {
	s.t.Helper()
	s.census.WaitFor(s.t, soon, holder.host.Name)
	s.census4.WaitFor(s.t, soon, holder.host.Name)
}

// neverTwo asserts that nobody held an address beside another, nor one address while the
// other one was elsewhere for longer than handing over takes.
func (s *stacks) neverTwo(since time.Time) {
	s.t.Helper()
	s.duo.neverTwo(since)
	if d := s.census4.Double(since); d > overlap {
		s.t.Errorf("two hosts held %s for %v: %v", vip, d, s.census4.Spans(since))
	}
}

func (s *stacks) betterRules() {
	s.t.Helper()
	s.better.isActive(s.t)
	s.worse.isBackup(s.t)
	s.holder(s.better)
}

// bothOrders are the priorities of pairkeeper and of keepalived.
var bothOrders = map[string][2]int{"pairkeeper better": {150, 100}, "keepalived better": {100, 150}}

// TestGroupMovesTogetherBesideASyncGroup, both ways.
func TestGroupMovesTogetherBesideASyncGroup(t *testing.T) {
	t.Parallel()
	for name, priorities := range bothOrders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dualStack(t, priorities[0], priorities[1])
			s.worse.up(t)
			s.worse.isActive(t)
			s.holder(s.worse)
			s.better.up(t)
			s.betterRules()
			s.better.router.Stop(t)
			s.worse.isActive(t)
			s.holder(s.worse)
			s.better.up(t)
			s.betterRules()
			s.better.powerCut(t)
			s.worse.isActive(t)
			s.holder(s.worse)
			s.better.powerOn(t)
			s.betterRules()
			s.neverTwo(s.begun)
		})
	}
}

// TestGroupIsNotTornByOneFamily: a filter on the master's host eats the adverts of one
// family. The other one proves that it is alive, so the Backup stays one with both.
func TestGroupIsNotTornByOneFamily(t *testing.T) {
	t.Parallel()
	for name, priorities := range bothOrders {
		for _, family := range []string{"ipv4", "ipv6"} {
			t.Run(name+" "+family, func(t *testing.T) {
				t.Parallel()
				s := dualStack(t, priorities[0], priorities[1])
				s.settle()
				cut := time.Now()
				silence(s.better, "meta nfproto "+family)
				time.Sleep(3 * time.Second)
				s.betterRules()
				s.neverTwo(cut)
				if log := s.worse.router.Log(); strings.Contains(log, "BACKUP -> ACTIVE") || strings.Contains(log, "Entering MASTER") {
					t.Errorf("%s was master in between", s.worse.name)
				}
				silence(s.better, "") // both: as good as dead
				s.worse.isActive(t)
			})
		}
	}
}

// silence drops the adverts that leave a host, those that match.
func silence(s *station, match string) {
	s.host.Rules(fmt.Sprintf("flush ruleset\ntable inet cut {\n\tchain out {\n\t\ttype filter hook output priority 0\n\t\t%s meta l4proto 112 drop\n\t}\n}\n", match))
}

// TestGroupLeavesTogether: what fails one router fails all. The second one's interface loses
// its cable, the first one's has not lost anything.
func TestGroupLeavesTogether(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	for i, h := range d.hosts {
		h.Plug("eth1", fmt.Sprintf("10.1.0.%d/24", i+1))
	}
	a, b := v3.pair([2]int{150, 100}), v3.pair([2]int{})
	a.Extra = "group: web\n"
	b.Name, b.Interface, b.VRID, b.Addresses, b.Extra = "inside", "eth1", vrid+1, []string{"10.1.0.3/24"}, "group: web\n"
	v, w := v3.instance(1, 100), v3.instance(1, 100)
	v.Name, w.Name, w.Interface, w.VRID, w.Addresses = "VI_1", "VI_2", "eth1", b.VRID, b.Addresses
	d.pk, d.ka = d.pairkeeperOn(0, pairConf(a, b)), d.keepalivedOn(1, keepalivedConf("", v, w)+syncGroup(v, w))
	d.better, d.worse = d.pk, d.ka
	d.settle()
	cable := d.pk.host.Cable("eth1")
	cable.Cut()
	waitForState(t, d.pk.router, "FAULT")
	d.worseRules()
	cable.Join()
	d.betterRules("with the cable back")
	d.neverTwo(d.begun)
}

// TestPreferredRoutersShareTheNodes is the crossed pair by its short form.
func TestPreferredRoutersShareTheNodes(t *testing.T) {
	t.Parallel()
	crossedLife(t, "preferred: lb01", "preferred: lb02")
}

// TestAdvertsOnAnotherInterface: eth1 carries the adverts, eth0 the address.
func TestAdvertsOnAnotherInterface(t *testing.T) {
	t.Parallel()
	row{protocol: v3, ours: "advert_interface: eth1"}.bothWays(t, func(d *duo) {
		vi := v3.instance(1, 100)
		if d.better == d.ka {
			vi.Priority = 150
		}
		vi.Interface, vi.Addresses = "eth1", []string{vip + "/24 dev eth0"}
		*d.ka = *d.keepalivedOn(1, vi.Config())
		for i, h := range d.hosts {
			h.Plug("eth1", fmt.Sprintf("10.1.0.%d/24", i+1))
		}
		d.pk.addr, d.ka.addr = "10.1.0.1", "10.1.0.2"
		handover(d)
		for _, a := range d.adverts(1) {
			if a.Source.String() != d.pk.addr && a.Source.String() != d.ka.addr {
				d.t.Errorf("an advert from %s", a.Source)
			}
		}
	})
}

// TestT40FiveAdvertsAreWaitedFor where both are told so.
func TestT40FiveAdvertsAreWaitedFor(t *testing.T) {
	t.Parallel()
	row{protocol: v3, ours: "down_adverts: 5", theirs: "down_timer_adverts 5"}.bothWays(t, func(d *duo) { d.waits(5, 50) })
}
