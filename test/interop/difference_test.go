//go:build linux

package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// TestVersion3AdoptsTheIntervalOfTheMaster: T23, both ways.
func TestVersion3AdoptsTheIntervalOfTheMaster(t *testing.T) {
	t.Parallel()
	slow := v3
	slow.interval = time.Second
	t.Run("pairkeeper", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t)
		pk, ka := n.pairkeeper(0, v3.pair([2]int{100, 150})), n.keepalived(1, slow.instance(150))
		ka.up(t)
		ka.isActive(t)
		pk.up(t)
		pk.isBackup(t)
		pk.router.(*Pairkeeper).WaitForLog(t, soon, "10.0.0.2 advertises every 1s, we would every 200ms (interval-adopted)")
		n.staysWith(ka, 3*time.Second)
		pk.isBackup(t)
		ka.powerCut(t)
		pk.isActive(t)
		taken := n.taken(pk, n.begun)
		if silence := taken.Sub(n.lastBefore(ka, taken)); silence < 3*slow.interval {
			t.Errorf("took over after a silence of %v, want the master's own interval three times", silence)
		}
	})
	t.Run("keepalived", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t)
		pk, ka := n.pairkeeper(0, slow.pair([2]int{150, 100})), n.keepalived(1, v3.instance(100))
		pk.up(t)
		pk.isActive(t)
		ka.up(t)
		ka.isBackup(t)
		n.staysWith(pk, 3*time.Second)
		ka.isBackup(t)
	})
}

// staysWith asserts that nobody else holds the address for a while.
func (n *network) staysWith(s *station, while time.Duration) {
	n.t.Helper()
	n.holder(s.host)
	since := time.Now()
	time.Sleep(while)
	spans := n.census.Spans(since)
	for _, span := range spans {
		if span.Host != s.host.Name {
			n.t.Errorf("%v held it", span)
		}
	}
	if len(spans) == 0 {
		n.t.Error("nobody held it")
	}
}

// TestVersion2IntervalMismatchMakesTwoMastersAndAnAlarm: T19. RFC 3768 7.1 has both
// discard the other's adverts, so both become master; what can be done is to say so.
func TestVersion2IntervalMismatchMakesTwoMastersAndAnAlarm(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	two := v2
	two.interval = 2 * time.Second
	pk, ka := n.pairkeeper(0, v2.pair([2]int{150, 100})), n.keepalived(1, two.instance(100))
	pk.up(t)
	ka.up(t)
	pk.isActive(t)
	ka.isActive(t)
	n.bothHold()
	pk.router.(*Pairkeeper).WaitForLog(t, soon, "10.0.0.2 advertises every 2s, we every 1s (interval-refused)")
	wantScreen(t, pk.router.(*Pairkeeper), "we every 1s (interval-refused")
	pk.isActive(t)
}

// TestPlainChecksumIsNotForKeepalivedsDefault: RFC 9568's rule, which keepalived has only
// with v3_checksum_as_v2. It makes two masters, and the other way about we accept both
// rules (T53 T14), which TestBadPacketsAreCountedAndChangeNothing shows.
func TestPlainChecksumIsNotForKeepalivedsDefault(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pair := v3.pair([2]int{150, 100})
	pair.Extra = "checksum: plain"
	pk, ka := n.pairkeeper(0, pair), n.keepalived(1, v3.instance(100))
	pk.up(t)
	pk.isActive(t)
	ka.up(t)
	ka.isActive(t)
	n.bothHold()
	pk.router.(*Pairkeeper).WaitForLog(t, soon, "10.0.0.2 is Active too, with priority 100 (lower-advert)")
	if log := ka.router.(*Keepalived).Log(); !strings.Contains(log, "Invalid VRRPv3 checksum") {
		t.Errorf("keepalived has another reason:\n%s", log)
	}
	pk.isActive(t)
}

// TestWrongPasswordIsCountedWithItsRemedy: T21. keepalived discards as well, so there
// are two masters until somebody does what the remedy says.
func TestWrongPasswordIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	other := v2pass
	other.pass = "another"
	pk, ka := n.pairkeeper(0, v2pass.pair([2]int{100, 150})), n.keepalived(1, other.instance(150))
	ka.up(t)
	ka.isActive(t)
	pk.up(t)
	p := pk.router.(*Pairkeeper)
	r := p.Await(t, "auth-mismatch is counted", soon, func(r daemon.RouterStatus) bool {
		return refusals(r, "auth-mismatch", "10.0.0.2") >= 2
	})
	if r.Adverts.Received != 0 {
		t.Errorf("%d adverts accepted: %+v", r.Adverts.Received, r.Adverts)
	}
	wantScreen(t, p, "adverts of 10.0.0.2 refused (auth-mismatch): set the same auth.password: on both nodes")
	pk.isActive(t)
	n.bothHold()
}

// TestPasswordOnOneSideIsCountedWithItsRemedy: T21, the type.
func TestPasswordOnOneSideIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v2.pair([2]int{100, 150})), n.keepalived(1, v2pass.instance(150))
	ka.up(t)
	ka.isActive(t)
	pk.up(t)
	p := pk.router.(*Pairkeeper)
	p.Await(t, "auth-type is counted", soon, func(r daemon.RouterStatus) bool { return refusals(r, "auth-type", "10.0.0.2") >= 1 })
	wantScreen(t, p, "set the same auth.type: on both nodes")
}

// TestOtherVersionIsCountedWithItsRemedy: T11, with a real sender.
func TestOtherVersionIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pk, ka := n.pairkeeper(0, v3.pair([2]int{100, 150})), n.keepalived(1, v2.instance(150))
	ka.up(t)
	ka.isActive(t)
	pk.up(t)
	p := pk.router.(*Pairkeeper)
	p.Await(t, "version is counted", soon, func(r daemon.RouterStatus) bool { return refusals(r, "version", "10.0.0.2") >= 1 })
	wantScreen(t, p, "set the same version: on both nodes")
	p.WaitForLog(t, soon, "adverts of 10.0.0.2 refused (version)")
}

func wantScreen(t *testing.T, p *Pairkeeper, words string) {
	t.Helper()
	if screen := p.Screen(t); !strings.Contains(screen, words) {
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

// TestOtherVRIDIsAnotherRouter: T15. Each keeps its own address, nobody complains.
func TestOtherVRIDIsAnotherRouter(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	vi := v3.instance(254)
	vi.VRID, vi.Addresses = vrid+1, []string{"10.0.0.4/24"}
	pk, ka := n.pairkeeper(0, v3.pair([2]int{150, 100})), n.keepalived(1, vi)
	ka.up(t)
	ka.isActive(t)
	pk.up(t)
	pk.isActive(t)
	n.staysWith(pk, 2*time.Second)
	ka.isActive(t)
	if s, err := pk.router.(*Pairkeeper).Status(); err != nil || s.Routers[0].Adverts.Received != 0 || s.Routers[0].Peer != nil {
		t.Errorf("the other router was heard: %+v, %v", s.Routers, err)
	}
}

// TestForeignRouterWithOurVRIDIsIgnoredAndNamed: another pair took our VRID by mistake.
func TestForeignRouterWithOurVRIDIsIgnoredAndNamed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	vi := v3.instance(254)
	vi.Addresses = []string{"10.0.0.4/24"}
	pk, ka := n.pairkeeper(0, v3.pair([2]int{150, 100})), n.keepalived(1, vi)
	ka.up(t)
	ka.isActive(t)
	pk.up(t)
	pk.isActive(t)
	n.staysWith(pk, 2*time.Second)
	pk.router.(*Pairkeeper).WaitForLog(t, soon, "10.0.0.2 uses our VRID for other addresses (foreign-router)")
	wantScreen(t, pk.router.(*Pairkeeper), "10.0.0.2 uses our VRID for other addresses (foreign-router")
}

// TestOtherAddressListIsFollowedAndNamed: T24. keepalived discards such adverts before
// 2.3.3, so only the side that follows it is tested.
func TestOtherAddressListIsFollowedAndNamed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pair := v3.pair([2]int{100, 150})
	pair.Addresses = append(pair.Addresses, "10.0.0.4/24")
	pk, ka := n.pairkeeper(0, pair), n.keepalived(1, v3.instance(150))
	ka.up(t)
	ka.isActive(t)
	pk.up(t)
	pk.isBackup(t)
	pk.router.(*Pairkeeper).WaitForLog(t, soon, "10.0.0.2 has another address list (address-list)")
	n.staysWith(ka, 2*time.Second)
	pk.isBackup(t)
}
