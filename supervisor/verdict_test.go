package supervisor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// verdict compares the node's verdict, and its parts that are not healthy.
func (s *script) verdict(want supervisor.Verdict, parts ...string) {
	s.Helper()
	h := s.node.Health()
	var got []string
	for _, p := range h.Parts {
		if p.Verdict != supervisor.Healthy {
			got = append(got, p.Verdict.String()+" "+p.String())
		}
	}
	if h.Verdict != want || !slices.Equal(got, parts) {
		s.Fatalf("%s (%s) because of %q; want %s because of %q", h.Verdict, h.Why, got, want, parts)
	}
	if (h.Why == "") != (want == supervisor.Healthy) {
		s.Fatalf("%s because of %q", h.Verdict, h.Why)
	}
}

func TestAVerdictIsHealthyOnlyWhenAllIsKnown(t *testing.T) {
	s := play(t, depends(probes.OnFail{Act: probes.Fatal}, nil))
	s.tell(supervisor.Start{})
	s.verdict(supervisor.Unknown, "unknown proxy nginx.service: nothing is known of it yet", "unknown probe healthz: has not said anything yet",
		"unknown probe gateway: has not said anything yet", "unknown router web: waiting for the state of eth0")
	s.tell(link(), unit(active), good)
	s.verdict(supervisor.Unknown, "unknown probe gateway: has not said anything yet", "unknown router web: waiting for probe gateway")
	s.tell(gateway(true))
	s.verdict(supervisor.Healthy)
}

func TestAPenaltyMakesADegradedNode(t *testing.T) {
	for _, c := range []struct {
		name string
		o    probes.OnFail
		bad  bool // while the probe is failed, or good
		want string
	}{
		{"penalty", probes.OnFail{Act: probes.Weigh, Weight: -30}, false, "degraded probe gateway takes 30: no answer within 1s"},
		{"a bonus that is missing", probes.OnFail{Act: probes.Weigh, Weight: 20}, false, "degraded probe gateway takes 20: no answer within 1s"},
		{"reversed", probes.OnFail{Act: probes.Weigh, Weight: 20, Reverse: true}, true, "degraded probe gateway takes 20: answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := atWork(t, depends(c.o, nil))
			s.tell(gateway(!c.bad), gateway(!c.bad))
			s.verdict(supervisor.Healthy)
			s.tell(gateway(c.bad), gateway(c.bad))
			s.verdict(supervisor.Degraded, c.want)
		})
	}
}

func TestAValueBelowZeroIsAPenalty(t *testing.T) {
	s := atWork(t, depends(probes.OnFail{Act: probes.Weigh, Weight: 1}, probes.File{Value: true}))
	value := func(n int) supervisor.Event { return supervisor.Looked{Probe: "gateway", OK: true, Value: n} }
	s.tell(value(10))
	s.verdict(supervisor.Healthy)
	s.tell(value(-10))
	s.verdict(supervisor.Degraded, "degraded probe gateway takes 10: has the value -10")
	s.tell(value(-254))
	s.verdict(supervisor.Failed, "failed probe gateway: has the value -254")
}

func TestALadderDegradesAndFailsWhenItEnds(t *testing.T) {
	s := holding(t, base())
	s.tell(unit(failed))
	s.verdict(supervisor.Degraded, "degraded proxy nginx.service: testing: it is failed signal SIGKILL")
	s.tell(supervisor.TestDone{Problem: "nginx -t: exit 1"})
	s.verdict(supervisor.Failed, "failed proxy nginx.service: nginx -t: exit 1")
	s.tell(unit(active), good)
	s.verdict(supervisor.Failed, "failed proxy nginx.service: good again, but not yet for long enough")
	s.tell(good, good)
	s.verdict(supervisor.Healthy)
}

func TestABadProbeOfTheProxyIsNamedBesideIt(t *testing.T) {
	s := atWork(t, base())
	s.tell(wrong)
	s.verdict(supervisor.Degraded, "degraded proxy nginx.service: testing: it runs, but its probe fails: 503, want 200", "degraded probe healthz: 503, want 200")
	if since := s.node.Health().Parts[1].Since; !since.Equal(s.now) {
		t.Errorf("since %s", since)
	}
}

// What takes out one of two routers leaves the node of use to the other one's clients.
func TestTheVerdictOfANodeIsThatOfItsRouters(t *testing.T) {
	cfg := base()
	cfg.Routers = append(cfg.Routers, routerOf("mail", 51, second))
	cfg.Routers[1].Track = []supervisor.Track{{Interface: "eth1", Need: supervisor.NeedCarrier}}
	s := atWork(t, base())
	s.tell(supervisor.Reconfigured{Config: cfg}, uplink(true))
	s.verdict(supervisor.Healthy)
	s.tell(uplink(false))
	s.verdict(supervisor.Degraded, "failed track eth1: interface eth1 has no carrier")
	s.tell(supervisor.LinkChanged{Interface: "eth0", Exists: true})
	s.verdict(supervisor.Failed, "failed track eth1: interface eth1 has no carrier",
		"failed router web: interface eth0 is down or has no carrier", "failed router mail: interface eth0 is down or has no carrier")
}

func TestATracksWeightIsAPenalty(t *testing.T) {
	s := atWork(t, tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -60}))
	s.tell(uplink(false))
	s.verdict(supervisor.Degraded, "degraded track eth1 takes 60: interface eth1 has no carrier")
}

func TestALastResortIsFailedAndHolds(t *testing.T) {
	s := holding(t, keeping(base()))
	s.breaks()
	s.pass(time.Second)
	s.verdict(supervisor.Failed, "failed proxy nginx.service: job failed")
}

// What lies on the disk takes nothing from a proxy that runs.
func TestABadConfigurationOnTheDiskLeavesTheNodeHealthy(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.tell(onDisk("b", 20*time.Second), testBad)
	s.conf("bad", "unknown directive", nginxConf)
	s.verdict(supervisor.Healthy)
}

func TestEachRungOfTheLadderDegrades(t *testing.T) {
	cfg := base()
	cfg.Proxy.GiveUpStops, cfg.Proxy.Attempts = true, 1
	s := holding(t, cfg)
	const probe = "degraded probe healthz: 503, want 200"
	s.tell(wrong, supervisor.TestDone{})
	s.verdict(supervisor.Degraded, "degraded proxy nginx.service: reloading: it runs, but its probe fails: 503, want 200", probe)
	s.tell(supervisor.ReloadDone{Problem: "job failed"})
	s.verdict(supervisor.Degraded, "degraded proxy nginx.service: restarting: job failed", probe)
	s.tell(supervisor.RestartDone{})
	s.verdict(supervisor.Degraded, "degraded proxy nginx.service: settling: job failed", probe)
	s.wants(s.pass(4 * time.Second)[:3], "note proxy-down", "note proxy-halted", "halt")
	s.verdict(supervisor.Failed, "failed proxy nginx.service: not good within 3s: 503, want 200", probe)
	s.tell(unit(failed), supervisor.HaltDone{})
	s.verdict(supervisor.Failed, "failed proxy nginx.service: not good within 3s: 503, want 200", probe)
}

func TestAVetoFailsItsRouter(t *testing.T) {
	s := atWork(t, gated(base()))
	s.pass(time.Second)
	s.verdict(supervisor.Healthy)
	s.tell(answer(1, "move-eip: exit 1: no quota"))
	s.verdict(supervisor.Failed, "failed router web: move-eip: exit 1: no quota")
}

func TestAGatewayThatIsLostDegrades(t *testing.T) {
	s := play(t, linked(base()))
	s.tell(supervisor.Start{}, link(), unit(active), good)
	s.verdict(supervisor.Healthy) // nobody waits for it
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	s.beats(newOther(fencing.Standby, 100), time.Second)
	for range 3 {
		s.tell(supervisor.Looked{Probe: "gateway", Detail: "10.0.0.1: no answer"})
	}
	s.verdict(supervisor.Degraded, "degraded probe gateway: 10.0.0.1: no answer")
	s.pass(time.Second) // the heartbeat is silent
	s.verdict(supervisor.Failed, "degraded probe gateway: 10.0.0.1: no answer", "failed router web: neither lb02 nor the gateway answers")
}

func TestOneOfTwoGatewaysIsEnough(t *testing.T) {
	cfg := linked(base())
	two := cfg.Probes[1]
	two.Name = "gateway 2"
	cfg.Probes = append(cfg.Probes, two)
	s := atWork(t, cfg)
	for range 3 {
		s.tell(supervisor.Looked{Probe: "gateway", Detail: "10.0.0.1: no answer"})
	}
	s.verdict(supervisor.Healthy)
}
