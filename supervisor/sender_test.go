package supervisor_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var (
	own6 = netip.MustParsePrefix("fe80::5/64")
	vip6 = netip.MustParsePrefix("2001:db8::3/64")
)

// six is a node with one router over IPv6, that has started.
func six(t *testing.T) *script {
	t.Helper()
	cfg := base()
	cfg.Proxy, cfg.Probes = supervisor.Proxy{}, nil
	cfg.Routers = []supervisor.Router{routerOf("web", 50, vip6)}
	s := play(t, cfg)
	s.tell(supervisor.Start{})
	return s
}

// link6 is eth0 with addresses over IPv6.
func link6(usable, tentative, duplicate []netip.Prefix) supervisor.LinkChanged {
	return supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true, Addresses: usable, Tentative: tentative, Duplicate: duplicate}
}

func TestAnAddressThatIsTriedOutIsAwaitedAndNoFault(t *testing.T) {
	s := six(t)
	s.wants(s.tell(link6(nil, []netip.Prefix{own6}, nil)))
	s.state("web", vrrp.Initialize)
	if r := s.node.Router("web"); r.Reason != supervisor.ReasonStarting || !strings.Contains(r.Detail, "fe80::5") {
		t.Errorf("%s, %s", r.Reason, r.Detail)
	}
	s.wants(s.tell(link6([]netip.Prefix{own6}, nil, nil)), "web INIT -> BACKUP (started)")
}

func TestAnAddressThatSomebodyElseHasIsAFaultThatNamesIt(t *testing.T) {
	s := six(t)
	s.wants(s.tell(link6(nil, nil, []netip.Prefix{own6})), "web INIT -> FAULT (no-address)")
	if r := s.node.Router("web"); !strings.Contains(r.Detail, "somebody else has fe80::5 of interface eth0") {
		t.Error(r.Detail)
	}
}

func TestAnInterfaceWithoutIPv6SaysWhereToLook(t *testing.T) {
	s := six(t)
	s.wants(s.tell(link6([]netip.Prefix{own}, nil, nil)), "web INIT -> FAULT (no-address)")
	if r := s.node.Router("web"); !strings.Contains(r.Detail, "net.ipv6.conf.eth0.disable_ipv6") {
		t.Error(r.Detail)
	}
}

func TestAVirtualAddressThatIsTriedOutOnABackupIsRemoved(t *testing.T) {
	for name, link := range map[string]supervisor.LinkChanged{
		"tentative": link6([]netip.Prefix{own6}, []netip.Prefix{vip6}, nil),
		"duplicate": link6([]netip.Prefix{own6}, nil, []netip.Prefix{vip6}),
	} {
		t.Run(name, func(t *testing.T) {
			s := six(t)
			s.tell(link6([]netip.Prefix{own6}, nil, nil))
			s.wants(s.tell(link), "web note address-found", "web disown")
		})
	}
}

// The interface has lost IPv6: nothing can be put back there.
func TestALostSenderIsAFaultAndNoVanishedAddress(t *testing.T) {
	s := six(t)
	s.tell(link6([]netip.Prefix{own6}, nil, nil))
	s.pass(time.Second)
	s.tell(owned("web"), link6([]netip.Prefix{own6, vip6}, nil, nil))
	s.wants(s.tell(link6(nil, nil, nil)), "web send priority 0", "web disown", "web ACTIVE -> FAULT (no-address)")
}
