package supervisor_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// keeping is a configuration with when_all_unhealthy: keep.
func keeping(cfg supervisor.Config) supervisor.Config {
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.LastResort, cfg.Routers[i].VRRP.PeerPriority = true, 100
	}
	return cfg
}

// breaks has the proxy die and every restart fail.
func (s *script) breaks() []string {
	s.Helper()
	got := s.tell(unit(failed))
	for range 2 {
		got = append(got, s.tell(supervisor.TestDone{}, unit(starts), unit(failed), supervisor.RestartDone{Problem: "job failed"})...)
	}
	s.phase(supervisor.GivenUp)
	return got
}

func (s *script) lastResort(want vrrp.Reason) {
	s.Helper()
	r := s.node.Router("web")
	if r.State.Out() || !r.LastResort || r.Reason != want || r.Priority != vrrp.PriorityLastResort {
		s.Fatalf("web is %s (%s: %s), priority %d, last resort %t; want a last resort for %s", r.State, r.Reason, r.Detail, r.Priority, r.LastResort, want)
	}
}

func TestABrokenProxyMakesTheNodeTheLastResort(t *testing.T) {
	s := holding(t, keeping(base()))
	got := s.breaks()
	s.wants(got[len(got)-4:], "web note last-resort", "web send priority 0", "web disown", "web ACTIVE -> BACKUP (outranked)")
	s.lastResort(supervisor.ReasonProxyDown)
	s.wants(s.pass(time.Second), "web own", "web BACKUP -> ACTIVE (unclaimed)")
	s.lastResort(supervisor.ReasonProxyDown)

	s.wants(s.tell(unit(active), good), "web note last-resort")
	s.lastResort(supervisor.ReasonProxyReturns)
	s.wants(s.tell(good, good), "note proxy-recovered", "web note priority")
	s.state("web", vrrp.Active)
	s.priority(150)
}

func TestALastResortYieldsToWhoeverIsBetter(t *testing.T) {
	cfg := keeping(base())
	s := holding(t, cfg)
	s.breaks()
	s.pass(time.Second)
	s.state("web", vrrp.Active)
	s.wants(s.tell(advertTo(cfg, "web", 2)), "web disown", "web ACTIVE -> BACKUP (higher-advert, peer 10.0.0.6)")
}

func TestReleasePolicyTakesAFailedNodeOut(t *testing.T) {
	s := holding(t, base())
	s.breaks()
	s.out(supervisor.ReasonProxyDown)
}

// What an operator wants, and what keeps the router from taking part, is no matter of health.
func TestOnlyAFailureMakesALastResort(t *testing.T) {
	after := func(evs ...supervisor.Event) []supervisor.Event {
		return append([]supervisor.Event{unit(active), good}, evs...)
	}
	fatal, reversed := probes.OnFail{Act: probes.Fatal}, probes.OnFail{Act: probes.Fatal, Reverse: true}
	value := probes.OnFail{Act: probes.Weigh, Weight: 1}
	for _, c := range []struct {
		name   string
		cfg    supervisor.Config
		events []supervisor.Event
		reason vrrp.Reason
		keeps  bool
	}{
		{"a fatal probe failed", depends(fatal, nil), after(gateway(false), gateway(false)), supervisor.ReasonProbe, true},
		{"a reversed probe is a switch", depends(reversed, nil), after(gateway(true)), supervisor.ReasonProbe, false},
		{"a value is a switch", depends(value, probes.File{Value: true}), after(supervisor.Looked{Probe: "gateway", OK: true, Value: -254}), supervisor.ReasonProbe, false},
		{"an interface to others", tracking(supervisor.Track{Need: supervisor.NeedCarrier}), after(uplink(true), uplink(false)), supervisor.ReasonTrack, true},
		{"a reversed interface is a switch", tracking(supervisor.Track{Need: supervisor.NeedCarrier, Reverse: true}), after(uplink(true)), supervisor.ReasonTrack, false},
		{"systemd never answered", base(), []supervisor.Event{unit(lost)}, supervisor.ReasonProxyUnknown, true},
		{"an operator stopped the proxy", base(), after(unit(stopped)), supervisor.ReasonProxyStopped, false},
		{"there is no proxy", base(), []supervisor.Event{unit(missing)}, supervisor.ReasonProxyMissing, false},
		{"its interface is down", base(), after(supervisor.LinkChanged{Interface: "eth0", Exists: true}), supervisor.ReasonLinkDown, false},
		{"the kernel refuses the address", base(), after(supervisor.OwnFailed{Router: "web", Problem: "no", Early: true}), supervisor.ReasonVIPFailed, false},
		{"another daemon runs it", base(), after(supervisor.Barred{Router: "web", Problem: "no"}), supervisor.ReasonBarred, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := play(t, keeping(c.cfg))
			s.tell(supervisor.Start{}, link())
			s.tell(c.events...)
			if c.keeps {
				s.lastResort(c.reason)
			} else {
				s.out(c.reason)
			}
		})
	}
}

// A failed node whose operator then stops the proxy leaves, as it would have.
func TestALastResortStillLeavesForAnOperator(t *testing.T) {
	s := holding(t, keeping(base()))
	s.breaks()
	s.pass(time.Second)
	s.wants(s.tell(unit(stopped)), "note proxy-stopped", "web send priority 0", "web disown", "web ACTIVE -> FAULT (proxy-stopped)")
	s.wants(s.tell(unit(active), good), "web note last-resort", "web FAULT -> BACKUP (started)")
	s.tell(good, good)
	s.priority(150)
}

func TestAnOwnerIsNoLastResort(t *testing.T) {
	cfg := keeping(base())
	cfg.Routers[0].VRRP.Priority = vrrp.PriorityOwner
	s := atWork(t, cfg)
	s.breaks()
	s.out(supervisor.ReasonProxyDown)
}

func TestAGroupIsALastResortTogether(t *testing.T) {
	cfg := keeping(tied())
	cfg.Routers[1].Track = []supervisor.Track{{Interface: "eth1", Need: supervisor.NeedCarrier}}
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active), good, uplink(true))
	s.pass(2 * time.Second)
	s.state("web", vrrp.Active)
	s.tell(uplink(false))
	s.lastResort(supervisor.ReasonTrack)
	s.state("mail", vrrp.Backup)
	s.pass(2 * time.Second)
	s.state("web", vrrp.Active)
	s.state("mail", vrrp.Active)
}

func TestWeightsLeaveTheLastResortsPriorityToIt(t *testing.T) {
	s := atWork(t, keeping(depends(probes.OnFail{Act: probes.Weigh, Weight: -253}, nil)))
	s.tell(gateway(false), gateway(false))
	s.priority(vrrp.PriorityLastResort + 1)
}

func TestThePolicyMayChangeUnderWay(t *testing.T) {
	s := holding(t, keeping(base()))
	s.breaks()
	s.pass(time.Second)
	s.lastResort(supervisor.ReasonProxyDown)
	s.tell(supervisor.Reconfigured{Config: base()})
	s.out(supervisor.ReasonProxyDown)
	s.tell(supervisor.Reconfigured{Config: keeping(base())})
	s.lastResort(supervisor.ReasonProxyDown)
}
