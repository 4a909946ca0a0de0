package supervisor_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// changed is the configuration with a change.
func changed(change func(*supervisor.Config)) supervisor.Event {
	cfg := base()
	change(&cfg)
	return supervisor.Reconfigured{Config: cfg}
}

func TestAnUnchangedConfigurationDoesNothing(t *testing.T) {
	for _, s := range []*script{holding(t, base()), atWork(t, base())} {
		before, deadline := s.node.View(s.now), s.node.Deadline()
		s.wants(s.tell(changed(func(*supervisor.Config) {})), "configure")
		after := s.node.View(s.now)
		if after.Routers[0].State != before.Routers[0].State || after.Routers[0].Since != before.Routers[0].Since || !s.node.Deadline().Equal(deadline) {
			t.Errorf("%+v, deadline %s; was %+v, %s", after.Routers[0], s.node.Deadline(), before.Routers[0], deadline)
		}
	}
}

func TestAnotherPriorityKeepsTheState(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Routers[0].VRRP.Priority = 90 })), "configure")
	s.state("web", vrrp.Active)
	if p := s.node.Router("web").Priority; p != 90 {
		t.Errorf("priority %d", p)
	}
}

// The kernel shows the address once more after it was given up for the reload.
func TestWhatARouterHeldBeforeAReloadIsNoStrangersAddress(t *testing.T) {
	s := holding(t, base())
	s.tell(changed(func(c *supervisor.Config) { c.Routers[0].VRRP.VRID = 51 }))
	s.wants(s.tell(link(vip)), "web disown")
	s.wants(s.tell(link()))
	s.wants(s.tell(link(vip)), "web note address-found", "web disown")
}

func TestARemovedRouterReleasesBeforeItsSocketsGo(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Routers = nil })),
		"web send priority 0", "web disown", "web ACTIVE -> INIT (reconfigured)", "configure")
	s.wants(s.pass(time.Hour))
}

func TestANewRouterStartsBesideTheOld(t *testing.T) {
	more := routerOf("more", 51, netip.MustParsePrefix("10.0.0.4/24"))
	s := holding(t, base())
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Routers = append([]supervisor.Router{more}, c.Routers...) })),
		"configure", "more INIT -> BACKUP (started)")
	s.state("web", vrrp.Active)
}

func TestAChangedRouterLeavesAndStartsAnew(t *testing.T) {
	for name, change := range map[string]func(*supervisor.Router){
		"another VRID":    func(r *supervisor.Router) { r.VRRP.VRID = 51 },
		"another version": func(r *supervisor.Router) { r.VRRP.Version = vrrp.V2 },
		"a virtual MAC":   func(r *supervisor.Router) { r.VirtualMAC.Name = "vr50" },
		"another address": func(r *supervisor.Router) {
			*r = routerOf("web", 50, netip.MustParsePrefix("10.0.0.4/24"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := holding(t, base())
			s.wants(s.tell(changed(func(c *supervisor.Config) { change(&c.Routers[0]) })),
				"web send priority 0", "web disown", "web ACTIVE -> INIT (reconfigured)", "configure", "web INIT -> BACKUP (started)")
		})
	}
}

// A pair that moves to auth_hmac, to another interval or to other announcements keeps its
// holder at each step.
func TestWhatOnlyTunesARouterKeepsItsState(t *testing.T) {
	for name, change := range map[string]func(*supervisor.Router){
		"another interval":              func(r *supervisor.Router) { r.VRRP.Interval = time.Second },
		"another priority and lifetime": func(r *supervisor.Router) { r.VRRP.Priority, r.VRRP.Lifetime = 200, 2*time.Second },
		"no preemption":                 func(r *supervisor.Router) { r.VRRP.Preempt = false },
		"reminders":                     func(r *supervisor.Router) { r.VRRP.AnnounceEvery = time.Second },
		"signatures":                    func(r *supervisor.Router) { r.Format.Auth = vrrp.Auth{Type: vrrp.AuthHMAC, Mode: vrrp.HMACReceiveOnly} },
		"a header":                      func(r *supervisor.Router) { r.Format.Auth.Type = vrrp.AuthAH },
		"peers":                         func(r *supervisor.Router) { r.Format.Peers = []vrrp.Peer{{Address: peer}} },
		"a gate":                        func(r *supervisor.Router) { r.VRRP.Gate = 400 * time.Millisecond },
		"burst":                         func(r *supervisor.Router) { r.Burst, r.Replies = 7, true },
		"the checksum":                  func(r *supervisor.Router) { r.Format.Checksum = vrrp.ChecksumPlain },
	} {
		t.Run(name, func(t *testing.T) {
			s := holding(t, base())
			s.wants(s.tell(changed(func(c *supervisor.Config) { change(&c.Routers[0]) })), "configure")
			s.state("web", vrrp.Active)
		})
	}
}

// The kernel is told when the new configuration is in force, and the holder stays.
func TestAGateThatIsSwitchedOnOrOffIsSettledUnderTheNewConfiguration(t *testing.T) {
	gated := base()
	gated.Routers[0].VRRP.Gate = 400 * time.Millisecond
	for _, s := range []*script{holding(t, base()), holding(t, gated)} {
		next := gated
		if s.node.Router("web").Config.VRRP.Gate > 0 {
			next = base()
		}
		s.wants(s.tell(supervisor.Reconfigured{Config: next}), "configure")
		if got := s.tell(supervisor.Tick{}); !slices.Contains(got, "web own") {
			t.Errorf("with a gate of %s: %q, want the addresses taken anew", next.Routers[0].VRRP.Gate, got)
		}
		s.state("web", vrrp.Active)
	}
}

func TestWhoBecomesOrCeasesToBeTheOwnerStartsAnew(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Routers[0].VRRP.Priority = vrrp.PriorityOwner })),
		"web send priority 0", "web disown", "web ACTIVE -> INIT (reconfigured)", "configure", "web INIT -> ACTIVE (owner)")
	s.wants(s.tell(link()), "web note address-vanished", "web own") // it was ours, and went with our last state
	s.tell(owned("web"), link(vip))
	s.wants(s.tell(changed(func(*supervisor.Config) {})),
		"web send priority 0", "web disown", "web ACTIVE -> INIT (reconfigured)", "configure", "web INIT -> BACKUP (started)")
}

func TestOtherProbesDoNotFailAGoodProxy(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Probes[0].Name, c.Probes[0].Fall = "other", 2 })), "configure")
	s.phase(supervisor.Good)
	s.wants(s.tell(deaf)) // of a probe that is gone
	s.wants(s.tell(supervisor.Looked{Probe: "other", Detail: "404"}))
	s.state("web", vrrp.Active)
	if got := s.tell(supervisor.Looked{Probe: "other", Detail: "404"}); !has(got, "note proxy-failed") {
		t.Errorf("it wants %q", got)
	}
}

func TestAnotherProxyIsLookedAtBeforeItCounts(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Proxy.Unit = "haproxy.service" })),
		"configure", "web send priority 0", "web disown", "web ACTIVE -> INIT (starting)")
	s.tell(unit(active), good)
	s.in()
}

func TestOtherSettingsOfTheLadderKeepItsBooks(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed), supervisor.TestDone{})
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Proxy.Budget = 1 })), "configure")
	s.wants(s.tell(unit(starts), unit(failed), supervisor.RestartDone{Problem: "exit 1"}),
		"note proxy-restart-failed", "note restart-budget", "note proxy-down",
		"web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-down)")
}

func TestWithoutItsProbesAWaitingProxyIsJudgedByItsUnit(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{}, link(), unit(active)) // the probe has not answered yet
	s.out(supervisor.ReasonStarting)
	s.wants(s.tell(changed(func(c *supervisor.Config) { c.Probes = nil })), "configure", "web INIT -> BACKUP (started)")
}

func TestReturningGoesOnWhenProbesComeOrGo(t *testing.T) {
	none := func(c *supervisor.Config) { c.Probes = nil }
	t.Run("gone", func(t *testing.T) {
		s := holding(t, base())
		s.tell(unit(stopped), unit(active), good)
		s.out(supervisor.ReasonProxyReturns)
		s.tell(changed(none))
		s.pass(2 * time.Second)
		s.in()
	})
	t.Run("come", func(t *testing.T) {
		cfg := base()
		none(&cfg)
		s := holding(t, cfg)
		s.tell(unit(stopped), unit(active))
		s.tell(changed(func(*supervisor.Config) {}))
		s.pass(2 * time.Second) // no look yet
		s.out(supervisor.ReasonProxyReturns)
		s.tell(good, good)
		s.in()
	})
}

// A link that nobody used was not watched meanwhile.
func TestALinkThatComesBackIntoUseIsNotTakenFromMemory(t *testing.T) {
	s := holding(t, base())
	s.tell(changed(func(c *supervisor.Config) { c.Routers = nil }))
	s.tell(changed(func(*supervisor.Config) {}))
	s.out(supervisor.ReasonStarting)
	s.tell(link())
	s.in()
}

// So a pair that has moved over from keepalived gets its heartbeat.
func TestAHeartbeatThatIsSwitchedOnOrOffKeepsTheState(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.Reconfigured{Config: linked(base())}), "configure")
	s.wantsNo(s.asks(10*time.Second), "disown") // the other node has none yet
	s.wantsNo(s.beats(newOther(fencing.Standby, 100), 2*time.Second), "disown")
	if v := s.node.Router("web").Arbiter; v.Rule == "" {
		t.Errorf("the arbiter says %+v: it is not asked", v)
	}
	s.wants(s.tell(supervisor.Reconfigured{Config: base()}), "configure")
	s.wantsNo(s.pass(10*time.Second), "disown")
	s.state("web", vrrp.Active)
}

// A holder that is to have a vote from now on, and gets none, leaves.
func TestAVoteThatIsSwitchedOnIsAskedFor(t *testing.T) {
	for verdict, want := range map[fencing.Verdict]vrrp.State{fencing.VerdictGranted: vrrp.Active, fencing.VerdictRefused: vrrp.Backup} {
		s := holding(t, base())
		s.voter = says(verdict, "lb02")
		s.tell(supervisor.Reconfigured{Config: electing(base(), fencing.Consistency)})
		s.asks(10 * time.Second)
		s.state("web", want)
	}
}
