package supervisor_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func owned(router string) supervisor.Event {
	return supervisor.RouterEvent{Router: router, Event: vrrp.Owned{}}
}

func TestAnAddressFoundAtTheStartIsRemovedAndReported(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{})
	s.wants(s.tell(link(vip)), "web note address-found", "web disown")
	s.wants(s.tell(link()))
	s.wants(s.tell(link(vip)), "web note address-found", "web disown") // somebody is stubborn
}

func TestAnAddressFoundOnABackupIsRemovedAndReported(t *testing.T) {
	s := atWork(t, base())
	s.wants(s.tell(link(vip)), "web note address-found", "web disown")
}

// After our own removal the kernel may show the address once more.
func TestALingeringRemovalIsRepeatedButNotReported(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(stopped))
	s.wants(s.tell(link(vip)), "web disown")
	s.wants(s.tell(link()))
	s.wants(s.tell(link(vip)), "web note address-found", "web disown") // gone and back: not ours
}

func TestAVanishedAddressComesBackAndIsReported(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(link()), "web note address-vanished", "web own")
	s.wants(s.tell(link())) // ordered already
	s.wants(s.tell(owned("web"), link(vip)))
	s.state("web", vrrp.Active)
	s.wants(s.tell(link()), "web note address-vanished", "web own") // and again
	s.tell(owned("web"), link(vip))
	back := link(vip)
	back.Restored = []netip.Prefix{vip}
	s.wants(s.tell(back), "web note address-vanished", "web own") // a renewal came first
}

func TestAnAddressThatIsNotPutYetHasNotVanished(t *testing.T) {
	s := atWork(t, base())
	s.pass(time.Second)
	s.state("web", vrrp.Active)
	s.wants(s.tell(link()))
}

func TestOneOfTwoAddressesIsMissedToo(t *testing.T) {
	second := netip.MustParsePrefix("10.0.0.4/24")
	cfg := base()
	cfg.Routers[0] = routerOf("web", 50, vip, second)
	s := atWork(t, cfg)
	s.pass(time.Second)
	s.tell(owned("web"), link(vip, second))
	s.wants(s.tell(link(second)), "web note address-vanished", "web own")
}

func TestARefusedAddressTakesTheRouterOutAndIsTriedAgain(t *testing.T) {
	s := atWork(t, base())
	s.pass(time.Second)
	s.wants(s.tell(supervisor.OwnFailed{Router: "web", Problem: "putting 10.0.0.3/24 on eth0: permission denied"}),
		"web send priority 0", "web disown", "web ACTIVE -> FAULT (vip-failed)")
	if d := s.node.Router("web").Detail; !strings.Contains(d, "permission denied") {
		t.Errorf("detail %q", d)
	}
	s.wants(s.pass(4900 * time.Millisecond))
	s.wants(s.pass(200*time.Millisecond), "web FAULT -> BACKUP (started)")
	s.wants(s.pass(time.Second), "web own", "web BACKUP -> ACTIVE (alone)")
}

func TestARefusalThatComesLateIsDropped(t *testing.T) {
	s := atWork(t, base())
	s.wants(s.tell(supervisor.OwnFailed{Router: "web", Problem: "too late"}))
	s.in()
}

func TestTheConfiguredAddressIsSentFromElseTheFirst(t *testing.T) {
	other, stray := netip.MustParsePrefix("10.0.0.77/24"), netip.MustParsePrefix("fe80::5/64")
	for name, c := range map[string]struct {
		have []netip.Prefix
		want netip.Addr
	}{
		"the configured one, wherever it is": {[]netip.Prefix{other, own}, own.Addr()},
		"the first without it":               {[]netip.Prefix{stray, other}, other.Addr()},
		"never the virtual one":              {[]netip.Prefix{vip, other}, other.Addr()},
		"none rather than the virtual one":   {[]netip.Prefix{vip, stray}, netip.Addr{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, base())
			s.tell(supervisor.Start{}, supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true, Addresses: c.have})
			if got := s.node.Primary("web"); got != c.want {
				t.Errorf("sends from %s, want %s", got, c.want)
			}
		})
	}
}

func TestANewPrimaryAddressIsToldToTheRouter(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24"), vip}}))
	same := vrrp.Received{From: peer, Advert: vrrp.Advert{Version: vrrp.V3, VRID: 50, Priority: 150, Interval: 200 * time.Millisecond, Addresses: []netip.Addr{vip.Addr()}}}
	s.wants(s.tell(supervisor.RouterEvent{Router: "web", Event: same}), "web disown", "web ACTIVE -> BACKUP (higher-address, peer 10.0.0.6)")
}

// owner is a node with priority 255 whose virtual address is its interface's own.
func owner() (supervisor.Config, supervisor.LinkChanged) {
	cfg := base()
	cfg.Routers[0].VRRP.Priority = vrrp.PriorityOwner
	cfg.Routers[0].Source = vip.Addr()
	return cfg, supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true, Addresses: []netip.Prefix{vip}}
}

func TestAnOwnersNativeAddressesAreNeitherAddedNorRemoved(t *testing.T) {
	cfg, native := owner()
	s := play(t, cfg)
	s.tell(supervisor.Start{}, unit(active), good)
	s.wants(s.tell(native), "web INIT -> ACTIVE (owner)")
	for _, evs := range [][]supervisor.Event{
		{unit(stopped)},
		{unit(active), good, good, good},
		{supervisor.LinkChanged{Interface: "eth0", Exists: true, Addresses: native.Addresses}},
		{native},
		{supervisor.LinkChanged{Interface: "eth0"}},
		{native},
		{supervisor.OwnFailed{Router: "web", Problem: "x"}},
		{supervisor.Stop{}},
	} {
		got := append(s.tell(evs...), s.pass(10*time.Second)...)
		if has(got, "web own") || has(got, "web disown") {
			t.Errorf("after %v it wants %q of the host's own address", evs, got)
		}
	}
}

// What looked like the host's own was what a dead daemon had left: its lifetime ends.
func TestAnOwnersAddressThatVanishesIsPutBack(t *testing.T) {
	cfg, _ := owner()
	s := play(t, cfg)
	s.tell(supervisor.Start{}, unit(active), good)
	s.wants(s.tell(link(vip)), "web INIT -> ACTIVE (owner)")
	s.wants(s.tell(link()), "web note address-vanished", "web own")
	s.tell(owned("web"), link(vip))
	s.wants(s.tell(supervisor.Stop{}), "web send priority 0", "web disown", "web ACTIVE -> INIT (stopping)")
}

func TestAnOwnerAnnouncesItsNativeAddress(t *testing.T) {
	cfg, native := owner()
	s := play(t, cfg)
	s.tell(supervisor.Start{}, unit(active), good)
	announced := false
	for _, a := range s.node.Step(s.now, native) {
		announced = announced || strings.Contains(a.String(), "announce")
	}
	if !announced {
		t.Error("no gratuitous ARP")
	}
}

func TestAnOwnerWithoutItsAddressPutsIt(t *testing.T) {
	cfg, _ := owner()
	s := play(t, cfg)
	s.tell(supervisor.Start{}, unit(active), good)
	s.wants(s.tell(link()), "web own", "web INIT -> ACTIVE (owner)")
	s.wants(s.tell(supervisor.Stop{}), "web send priority 0", "web disown", "web ACTIVE -> INIT (stopping)")
}
