//go:build linux

package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// TestT23Version3AdoptsTheIntervalOfTheMaster, both ways.
func TestT23Version3AdoptsTheIntervalOfTheMaster(t *testing.T) {
	t.Parallel()
	const slow = time.Second
	t.Run("pairkeeper", func(t *testing.T) {
		t.Parallel()
		d := row{protocol: v3, theirs: "advert_int 1"}.keepalivedBetter(t)
		d.settle()
		d.pk.says(t, "10.0.0.2 advertises every 1s, we would every 200ms (interval-adopted)")
		d.staysWith(d.ka, 3*time.Second)
		d.pk.isBackup(t)
		mark := time.Now()
		d.ka.powerCut(t)
		d.pk.isActive(t)
		d.silence(mark, 3*slow, soon)
	})
	t.Run("keepalived", func(t *testing.T) {
		t.Parallel()
		p := v3
		p.interval = slow
		d := row{protocol: p, theirs: "advert_int 0.2"}.pairkeeperBetter(t)
		d.settle()
		d.staysWith(d.pk, 3*time.Second)
		d.ka.isBackup(t)
	})
}

// TestT19Version2IntervalMismatchMakesTwoMastersAndAnAlarm: RFC 3768 7.1 has both discard
// the other's adverts, so both become master; what can be done is to say so.
func TestT19Version2IntervalMismatchMakesTwoMastersAndAnAlarm(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2, theirs: "advert_int 2"}.pairkeeperBetter(t)
	d.twoMasters()
	d.pk.says(t, "10.0.0.2 advertises every 2s, we every 1s (interval-refused)")
	wantScreen(t, d.pk, "we every 1s (interval-refused")
	d.pk.isActive(t)
}

// twoMasters starts both and waits until each believes to be alone.
func (d *duo) twoMasters() {
	d.t.Helper()
	d.pk.up(d.t)
	d.pk.isActive(d.t)
	d.ka.up(d.t)
	d.ka.isActive(d.t)
	d.bothHold()
}

// TestT04PlainChecksumIsNotForDebiansKeepalived: RFC 9568's rule, which only newer ones
// have (v3_checksum_as_v2). It makes two masters; their adverts, though, we understand.
func TestT04PlainChecksumIsNotForDebiansKeepalived(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3, ours: "checksum: plain"}.pairkeeperBetter(t)
	d.twoMasters()
	d.pk.says(t, "10.0.0.2 is Active too, with priority 100 (lower-advert)")
	d.ka.says(t, "Invalid VRRPv3 checksum")
	d.pk.isActive(t)
}

// TestT21WrongPasswordIsCountedWithItsRemedy: keepalived discards as well, so there are
// two masters until somebody does what the remedy says.
func TestT21WrongPasswordIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2pass, theirs: "authentication {\n\tauth_pass another\n}"}.keepalivedBetter(t)
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	r := d.refused("auth-mismatch", "10.0.0.2", "set the same auth.password: on both nodes")
	if r.Adverts.Received != 0 {
		t.Errorf("%d adverts accepted: %+v", r.Adverts.Received, r.Adverts)
	}
	d.pk.says(t, "adverts of 10.0.0.2 on eth0 refused (auth-mismatch)")
	d.pk.isActive(t)
	d.bothHold()
}

// TestT21PasswordOnOneSideIsCountedWithItsRemedy: the type.
func TestT21PasswordOnOneSideIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2, theirs: "authentication {\n\tauth_type PASS\n\tauth_pass secret\n}"}.keepalivedBetter(t)
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.refused("auth-type", "10.0.0.2", "set the same auth.type: on both nodes")
}

// TestT11OtherVersionIsCountedWithItsRemedy, with a real sender.
func TestT11OtherVersionIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.keepalivedBetter(t)
	d.ka = d.keepalivedOn(1, v2.instance(1, 150).Config())
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.refused("version", "10.0.0.2", "set the same version: on both nodes")
	d.pk.says(t, "adverts of 10.0.0.2 on eth0 refused (version)")
}

// refused waits until pairkeeper has refused packets of a source for a reason, and shows
// what to do about it.
func (d *duo) refused(reason, from, remedy string) daemon.RouterStatus {
	d.t.Helper()
	r := d.pk.pairkeeper().Await(d.t, reason+" of "+from+" is counted", soon, func(r daemon.RouterStatus) bool {
		return refusals(r, reason, from) >= 2
	})
	wantScreen(d.t, d.pk, "adverts of "+from+" refused ("+reason+"): "+remedy)
	return r
}

func wantScreen(t testing.TB, s *station, words string) {
	t.Helper()
	if screen := s.pairkeeper().Screen(t); !strings.Contains(screen, words) {
		t.Errorf("status does not show %q:\n%s", words, screen)
	}
}

// refusals are how many packets of a source were refused for a reason.
func refusals(r daemon.RouterStatus, reason, from string) uint64 {
	for _, f := range r.Adverts.Refused {
		if f.Reason == reason && f.From == from {
			return f.Count
		}
	}
	return 0
}

// TestT15OtherVRIDIsAnotherRouter: each keeps its own address, nobody complains.
func TestT15OtherVRIDIsAnotherRouter(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	vi := v3.instance(1, 254)
	vi.VRID, vi.Addresses = vrid+1, []string{"10.0.0.4/24"}
	d.ka = d.keepalivedOn(1, vi.Config())
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.pk.isActive(t)
	d.staysWith(d.pk, 2*time.Second)
	d.ka.isActive(t)
	if s, err := d.pk.pairkeeper().Status(); err != nil || s.Routers[0].Adverts.Received != 0 || s.Routers[0].Peer != nil {
		t.Errorf("the other router was heard: %+v, %v", s.Routers, err)
	}
}

// TestForeignRouterWithOurVRIDIsIgnoredAndNamed: another pair took our VRID by mistake.
func TestForeignRouterWithOurVRIDIsIgnoredAndNamed(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.pairkeeperBetter(t)
	vi := v3.instance(1, 254)
	vi.Addresses = []string{"10.0.0.4/24"}
	d.ka = d.keepalivedOn(1, vi.Config())
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.pk.isActive(t)
	d.staysWith(d.pk, 2*time.Second)
	d.pk.says(t, "10.0.0.2 uses our VRID for other addresses (foreign-router)")
	wantScreen(t, d.pk, "10.0.0.2 uses our VRID for other addresses (foreign-router")
}

// TestT24OtherAddressListIsFollowedAndNamed: keepalived discards such adverts before
// 2.3.3, so only the side that follows it is tested.
func TestT24OtherAddressListIsFollowedAndNamed(t *testing.T) {
	t.Parallel()
	d := row{protocol: v3}.keepalivedBetter(t)
	pair := v3.pair([2]int{100, 150})
	pair.Addresses = append(pair.Addresses, "10.0.0.4/24")
	d.pk = d.pairkeeperOn(0, pair.Config())
	d.worse = d.pk
	d.settle()
	d.pk.says(t, "10.0.0.2 has another address list (address-list)")
	d.staysWith(d.ka, 2*time.Second)
	d.pk.isBackup(t)
}
