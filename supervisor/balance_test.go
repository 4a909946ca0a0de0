package supervisor_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// webKey is the service of spreads.
var webKey = ipvs.Key{Protocol: ipvs.TCP, Address: netip.MustParseAddrPort("10.0.0.3:80")}

func realServer(last int) netip.AddrPort {
	return netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", last))
}

// spreads is base with one virtual server, of servers 11 and 12 with one check each.
func spreads(check probes.Config) supervisor.Config {
	cfg := base()
	s := supervisor.VirtualServer{Router: "web", Pool: ipvs.Config{Name: "shop", Key: webKey, Options: ipvs.Options{Scheduler: "rr", Bits: 32}, Quorum: 1}}
	for _, last := range []int{11, 12} {
		s.Pool.Servers = append(s.Pool.Servers, ipvs.Real{Server: ipvs.Server{Address: realServer(last), Weight: 10}, Checks: 1})
		s.Checks = append(s.Checks, []probes.Config{check})
	}
	cfg.Balance.Services = []supervisor.VirtualServer{s}
	return cfg
}

var takesOut = probes.Config{Rise: 2, Fall: 2, OnFail: probes.OnFail{Act: probes.Fatal}}

func looked(last int, ok bool) supervisor.Event {
	return supervisor.Checked{Service: webKey, Server: realServer(last), OK: ok, Detail: map[bool]string{true: "connected", false: "refused"}[ok]}
}

// spread is what is last wanted of the kernel, as 11=10 12=0 for two servers and their
// weights; empty: no service; "as before": nothing new is.
func (s *script) spread(ev supervisor.Event) string {
	s.Helper()
	return spreadIn(s.node.Step(s.now, ev))
}

func spreadIn(actions []supervisor.Action) string {
	text := "as before"
	for _, a := range actions {
		if a, ok := a.(supervisor.Spread); ok {
			text = ""
			for _, service := range a.Table.Services {
				for _, one := range service.Servers {
					text += fmt.Sprintf(" %d=%d", one.Address.Addr().As4()[3], one.Weight)
				}
			}
			for _, d := range a.Table.Sync {
				text += " " + d.String()
			}
		}
	}
	return strings.TrimSpace(text)
}

func (s *script) spreads(want, got string) {
	s.Helper()
	if got != want {
		s.Errorf("the kernel is to have %q, want %q", got, want)
	}
}

func TestAServiceIsServedWhileItsRouterIsActive(t *testing.T) {
	s := play(t, spreads(takesOut))
	s.spreads("", s.spread(supervisor.Start{}))
	s.tell(link(), unit(active), good)
	s.in()
	var risen []supervisor.Action
	for s.node.Router("web").State != vrrp.Active {
		s.now = s.node.Deadline()
		risen = s.node.Step(s.now, supervisor.Tick{})
	}
	s.spreads("11=10 12=10", spreadIn(risen))
	s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Owned{}}, link(vip))
	s.spreads("", s.spread(supervisor.LinkChanged{Interface: "eth0", Exists: true}))
	s.out(supervisor.ReasonLinkDown)
}

func TestAServiceThatIsAlwaysServedFollowsNoRouter(t *testing.T) {
	cfg := spreads(takesOut)
	cfg.Balance.Services[0].Router = ""
	s := play(t, cfg)
	s.spreads("11=10 12=10", s.spread(supervisor.Start{}))
	s.spreads("", s.spread(supervisor.Stop{}))
}

func TestTheChecksDecideWhoServes(t *testing.T) {
	s := holding(t, spreads(takesOut))
	s.wants(s.tell(looked(11, false)))
	s.wants(s.tell(looked(11, false)), "shop server 10.0.0.11:80 down: refused", "spread 1 services over 1 servers")
	s.wants(s.tell(looked(12, false), looked(12, false)), "shop server 10.0.0.12:80 down: refused", "shop quorum lost: weight 0 of 1", "spread 1 services over 0 servers")
	s.wants(s.tell(looked(12, true)))
	s.wants(s.tell(looked(12, true)), "shop server 10.0.0.12:80 up: connected", "shop quorum gained: weight 10 of 1", "spread 1 services over 1 servers")
	s.wants(s.tell(supervisor.Checked{Service: ipvs.Key{Mark: 1}, Server: realServer(12)}, supervisor.Checked{Service: webKey, Server: realServer(99)},
		supervisor.Checked{Service: webKey, Server: realServer(12), Check: 1})) // of an earlier configuration
}

func TestABackupKnowsItsServersBeforeItServes(t *testing.T) {
	s := atWork(t, spreads(takesOut))
	s.spreads("as before", spreadIn(s.node.Step(s.now, looked(11, false))))
	s.wants(s.tell(looked(11, false)), "shop server 10.0.0.11:80 down: refused")
	out := s.pass(time.Second)
	s.state("web", vrrp.Active)
	if !slices.Contains(out, "spread 1 services over 1 servers") {
		t.Errorf("got %q", out)
	}
}

func TestACheckWithAWeightChangesIt(t *testing.T) {
	s := holding(t, spreads(probes.Config{Rise: 1, Fall: 1, OnFail: probes.OnFail{Act: probes.Weigh, Weight: -4}}))
	s.spreads("11=6 12=10", s.spread(looked(11, false)))
	s.spreads("as before", s.spread(looked(11, false)))
	s.spreads("11=10 12=10", s.spread(looked(11, true)))
}

func TestAReversedCheckMustNotBeGood(t *testing.T) {
	s := holding(t, spreads(probes.Config{Rise: 1, Fall: 1, OnFail: probes.OnFail{Act: probes.Fatal, Reverse: true}}))
	s.spreads("12=10", s.spread(looked(11, true)))
	s.spreads("11=10 12=10", s.spread(looked(11, false)))
}

func TestAReloadKeepsWhatTheChecksSaid(t *testing.T) {
	cfg := spreads(takesOut)
	s := holding(t, cfg)
	s.tell(looked(11, false), looked(11, false), looked(12, false))
	next := spreads(takesOut)
	next.Balance.Services[0].Pool.Servers[0].Server.Weight = 5
	next.Balance.Services[0].Pool.Servers[1].Server.Weight = 7
	s.spreads("12=7", s.spread(supervisor.Reconfigured{Config: next}))
	s.spreads("as before", s.spread(supervisor.Reconfigured{Config: next}))
	s.wants(s.tell(looked(12, false)), "shop server 10.0.0.12:80 down: refused", "shop quorum lost: weight 0 of 1", "spread 1 services over 0 servers")
}

func TestWithoutVirtualServersTheKernelIsLeftAlone(t *testing.T) {
	s := play(t, base())
	s.spreads("as before", s.spread(supervisor.Start{}))
	s.spreads("as before", s.spread(supervisor.Stop{}))
	s = holding(t, spreads(takesOut))
	s.spreads("", s.spread(supervisor.Reconfigured{Config: base()})) // what was ours goes
}

func TestKeepOnStopKeeps(t *testing.T) {
	cfg := spreads(takesOut)
	cfg.Balance.KeepOnStop = true
	s := holding(t, cfg)
	s.spreads("as before", s.spread(supervisor.Stop{}))
	s = holding(t, spreads(takesOut))
	s.spreads("", s.spread(supervisor.Stop{}))
}

func TestOmegaTellsTheEnd(t *testing.T) {
	cfg := spreads(takesOut)
	cfg.Balance.Services[0].Pool.Omega = true
	s := holding(t, cfg)
	out := s.tell(supervisor.Stop{})
	for _, want := range []string{"shop server 10.0.0.11:80 down: the service ends", "shop quorum lost: weight 0 of 1"} {
		if !slices.Contains(out, want) {
			t.Errorf("got %q, want %q", out, want)
		}
	}
}

func TestWhoIsActiveTellsItsConnectionsAndTheOtherNodeListens(t *testing.T) {
	cfg := base()
	cfg.Balance.Sync = supervisor.SyncDaemon{Interface: "eth1", ID: 51, Router: "web"}
	s := play(t, cfg)
	s.spreads("backup 51 on eth1", s.spread(supervisor.Start{}))
	s.tell(link(), unit(active), good)
	out := s.pass(time.Second)
	s.state("web", vrrp.Active)
	if !slices.Contains(out, "spread 0 services over 0 servers, sync master 51 on eth1") {
		t.Errorf("got %q", out)
	}
	s.spreads("", s.spread(supervisor.Stop{}))
}

func TestAServicesViewTellsWhoServesAndWhy(t *testing.T) {
	s := holding(t, spreads(takesOut))
	s.tell(looked(11, false), looked(11, false))
	v := s.node.Service(0)
	if !v.Serves || v.Router != "web" || v.Servers[0].Up || v.Servers[0].Why != "refused" || !v.Servers[1].Up || v.Weight != 10 {
		t.Errorf("got %+v", v)
	}
	s.tell(supervisor.Stop{})
	if s.node.Service(0).Serves {
		t.Error("it serves after its end")
	}
}

// With another check, all of a server's checks begin anew: a server in alpha mode is failed
// until all of them have said that it is good.
func TestAnotherCheckOfAServerHasAllOfThemLookAgain(t *testing.T) {
	cfg := spreads(takesOut)
	cfg.Balance.Services[0].Router = ""
	cfg.Balance.Services[0].Pool.Alpha = true
	s := play(t, cfg)
	s.spread(supervisor.Start{})
	s.spreads("11=10", s.spread(looked(11, true)))
	more := spreads(takesOut)
	one := &more.Balance.Services[0]
	one.Router, one.Pool.Alpha = "", true
	for i := range one.Checks {
		one.Checks[i] = append(one.Checks[i], takesOut)
		one.Pool.Servers[i].Checks = 2
	}
	s.spreads("", s.spread(supervisor.Reconfigured{Config: more}))
	s.spreads("as before", s.spread(looked(11, true)))
	second := looked(11, true).(supervisor.Checked)
	second.Check = 1
	s.spreads("11=10", s.spread(second))
}
