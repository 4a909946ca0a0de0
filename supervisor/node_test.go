package supervisor_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The nearest cause is said: what is wrong further off does not matter yet.
func TestTheNearestFaultIsTheOneThatIsSaid(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{})
	s.out(supervisor.ReasonStarting)
	for _, c := range []struct {
		ev   supervisor.Event
		want vrrp.Reason
	}{
		{unit(missing), supervisor.ReasonStarting}, // nothing known of the interface
		{supervisor.LinkChanged{Interface: "eth0"}, supervisor.ReasonLinkMissing},
		{supervisor.LinkChanged{Interface: "eth0", Exists: true, Addresses: link().Addresses}, supervisor.ReasonLinkDown},
		{supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true, Problem: "no Ethernet"}, supervisor.ReasonLinkUnusable},
		{supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true}, supervisor.ReasonNoAddress},
		{link(), supervisor.ReasonProxyMissing},
		{unit(stopped), supervisor.ReasonProxyStopped},
		{supervisor.Stop{}, supervisor.ReasonStopping},
	} {
		s.tell(c.ev)
		s.out(c.want)
	}
}

func TestARouterStartsWhenTheLastThingIsGoodWhateverItIs(t *testing.T) {
	evs := []supervisor.Event{supervisor.Start{}, link(), unit(active), good}
	var play4 func(done, left []supervisor.Event)
	play4 = func(done, left []supervisor.Event) {
		if len(left) == 0 {
			s := play(t, base())
			for i, ev := range done {
				got := s.tell(ev)
				if last := i == len(done)-1; has(got, "-> BACKUP (started)") != last {
					t.Errorf("%v, event %d: it wants %q", done, i, got)
				}
			}
			return
		}
		for i := range left {
			rest := append(append([]supervisor.Event{}, left[:i]...), left[i+1:]...)
			play4(append(append([]supervisor.Event{}, done...), left[i]), rest)
		}
	}
	play4(nil, evs)
}

func TestAnInterfaceThatIsMissingIsAwaited(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{}, unit(active), good)
	gone := supervisor.LinkChanged{Interface: "eth0"}
	s.wants(s.tell(gone), "web INIT -> FAULT (link-missing)")
	if d := s.node.Router("web").Detail; d != "interface eth0 does not exist: waiting for it" {
		t.Errorf("detail %q", d)
	}
	s.wants(s.pass(time.Hour))
	s.wants(s.tell(link()), "web FAULT -> BACKUP (started)")
	s.pass(time.Second)
	s.state("web", vrrp.Active)
	s.wants(s.tell(gone), "web send priority 0", "web disown", "web ACTIVE -> FAULT (link-missing)")
	s.wants(s.tell(link()), "web FAULT -> BACKUP (started)")
}

func TestAFaultThatChangesIsSaidButNothingElseIsDone(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(stopped))
	s.wants(s.tell(supervisor.LinkChanged{Interface: "eth0", Exists: true}), "web note link-down")
	s.wants(s.tell(supervisor.LinkChanged{Interface: "eth0", Exists: true}))
	s.wants(s.tell(link()), "web note proxy-stopped")
}

func TestStoppingReleasesInOrderAndForGood(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.Stop{}), "web send priority 0", "web disown", "web ACTIVE -> INIT (stopping)")
	s.wants(s.tell(good, unit(active), link(), supervisor.Stop{}))
	s.wants(s.pass(time.Hour))
	s.state("web", vrrp.Initialize)
}

func TestABackupLeavesWithoutAWordOnTheWire(t *testing.T) {
	s := atWork(t, base())
	s.wants(s.tell(supervisor.Stop{}), "web BACKUP -> INIT (stopping)")
}

func TestAStopBeforeTheStartReleasesNothing(t *testing.T) {
	s := play(t, base())
	s.wants(s.tell(supervisor.Stop{}, supervisor.Start{}, link(), unit(active), good))
}

func TestAllRoutersLeaveWithTheProxy(t *testing.T) {
	cfg := base()
	cfg.Routers = append(cfg.Routers, routerOf("more", 51, netip.MustParsePrefix("10.0.0.4/24")))
	s := holding(t, cfg)
	s.state("more", vrrp.Active)
	got := s.tell(unit(stopped))
	s.wants(got, "note proxy-stopped",
		"web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-stopped)",
		"more send priority 0", "more disown", "more ACTIVE -> FAULT (proxy-stopped)")
}

func TestOnlyTheRoutersOfALinkLeaveWithIt(t *testing.T) {
	cfg := base()
	other := routerOf("more", 51, netip.MustParsePrefix("10.1.0.4/24"))
	other.Interface = "eth1"
	cfg.Routers = append(cfg.Routers, other)
	s := play(t, cfg)
	eth1 := supervisor.LinkChanged{Interface: "eth1", Exists: true, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.5/24")}}
	s.tell(supervisor.Start{}, unit(active), good, link(), eth1)
	s.pass(time.Second)
	eth1.Up = false
	s.wants(s.tell(eth1), "more send priority 0", "more disown", "more ACTIVE -> FAULT (link-down)")
	s.state("web", vrrp.Active)
}

func TestStrayEventsAreDropped(t *testing.T) {
	s := holding(t, base())
	before := s.node.Deadline()
	s.wants(s.tell(
		supervisor.RouterEvent{Router: "nobody", Event: vrrp.Owned{}},
		supervisor.RouterEvent{Router: "", Event: vrrp.Vanished{}},
		supervisor.OwnFailed{Router: "nobody", Problem: "x"},
		supervisor.Looked{Probe: "nothing", Detail: "connection refused"},
		supervisor.LinkChanged{Interface: "eth9", Exists: true, Up: true},
		supervisor.Tick{}, // early
	))
	s.state("web", vrrp.Active)
	if got := s.node.Deadline(); !got.Equal(before) {
		t.Errorf("the deadline moved from %s to %s", before, got)
	}
}

func TestAllProbesMustBeGood(t *testing.T) {
	cfg := base()
	more := cfg.Probes[0]
	more.Name = "more"
	cfg.Probes = append(cfg.Probes, more)
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active), good)
	s.out(supervisor.ReasonStarting)
	s.tell(supervisor.Looked{Probe: "more", OK: true})
	s.in()
	if got := s.tell(supervisor.Looked{Probe: "more", Detail: "no answer"}); !has(got, "note proxy-failed") {
		t.Errorf("it wants %q", got)
	}
}

// The order of actions is contract: the trace of a proxy that dies once and comes back,
// then dies for good.
func TestTheTraceOfADyingProxy(t *testing.T) {
	s := play(t, base())
	var trace []string
	say := func(at time.Duration, evs ...supervisor.Event) {
		s.pass(epoch.Add(time.Hour + at).Sub(s.now))
		for _, ev := range evs {
			trace = append(trace, "> "+ev.String())
			for _, a := range s.node.Step(s.now, ev) {
				trace = append(trace, a.String())
			}
		}
	}
	say(0, supervisor.Start{}, link(), unit(active), good)
	say(800*time.Millisecond, supervisor.RouterEvent{Router: "web", Event: vrrp.Owned{}}, link(vip))
	say(900*time.Millisecond, unit(failed), supervisor.TestDone{}, unit(active), supervisor.RestartDone{}, good)
	say(950*time.Millisecond, unit(failed), supervisor.TestDone{Problem: "nginx -t: exit 1"}, link())
	want := `> start
> link eth0 up 10.0.0.5/24
> unit active
> probe healthz good
web INIT -> BACKUP (started)
> web owned
web announce
> link eth0 up 10.0.0.5/24 10.0.0.3/24
> unit failed signal SIGKILL
note proxy-failed: nginx.service: it is failed signal SIGKILL
run test
> test ok
note proxy-restarting: nginx.service: attempt 1 of 2
restart
> unit active
> restart ok
look now
> probe healthz good
note proxy-recovered: nginx.service is good again after 0s
> unit failed signal SIGKILL
note proxy-failed: nginx.service: it is failed signal SIGKILL
run test
> test failed: nginx -t: exit 1
note proxy-test-failed: not restarted: nginx -t: exit 1
note proxy-down: giving up on nginx.service after 0 restarts, next try in 1m0s
web send priority 0
web disown
web ACTIVE -> FAULT (proxy-down)
> link eth0 up 10.0.0.5/24`
	if got := strings.Join(trace, "\n"); got != want {
		t.Errorf("the trace is\n%s\n\nnot\n%s", got, want)
	}
}
