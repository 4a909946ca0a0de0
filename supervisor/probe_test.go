package supervisor_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// depends is base with one more probe, gateway.
func depends(o probes.OnFail, check probes.Check) supervisor.Config {
	cfg := base()
	cfg.Probes = append(cfg.Probes, probes.Config{Name: "gateway", Check: check, Rise: 1, Fall: 2, OnFail: o})
	return cfg
}

func gateway(ok bool) supervisor.Event {
	return supervisor.Looked{Probe: "gateway", OK: ok, Detail: map[bool]string{true: "answered", false: "no answer within 1s"}[ok]}
}

func TestAFatalProbeTakesTheNodeOutAndNotTheProxyDown(t *testing.T) {
	s := play(t, depends(probes.OnFail{Act: probes.Fatal}, nil))
	s.tell(supervisor.Start{}, link(), unit(active), good)
	s.out(supervisor.ReasonStarting) // nothing known of the gateway
	s.tell(gateway(true))
	s.in()
	s.pass(time.Second)
	s.state("web", vrrp.Active)
	s.wants(s.tell(gateway(false)))
	s.wants(s.tell(gateway(false)), "web send priority 0", "web disown", "web ACTIVE -> FAULT (probe)")
	if d := s.node.Router("web").Detail; d != "probe gateway: no answer within 1s" {
		t.Errorf("detail %q", d)
	}
	s.wants(s.pass(time.Hour)) // nothing restarts
	s.phase(supervisor.Good)
	s.tell(gateway(true))
	s.in()
}

func TestReversedAFatalProbeMustNotBeGood(t *testing.T) {
	s := play(t, depends(probes.OnFail{Act: probes.Fatal, Reverse: true}, nil))
	s.tell(supervisor.Start{}, link(), unit(active), good, gateway(true))
	s.out(supervisor.ReasonProbe)
	s.tell(gateway(false), gateway(false))
	s.in()
}

func TestAProbesWeightChangesThePriority(t *testing.T) {
	for _, c := range []struct {
		name         string
		o            probes.OnFail
		good, failed uint8 // from 150
	}{
		{"positive", probes.OnFail{Act: probes.Weigh, Weight: 30}, 180, 150},
		{"negative", probes.OnFail{Act: probes.Weigh, Weight: -30}, 150, 120},
		{"positive reverse", probes.OnFail{Act: probes.Weigh, Weight: 30, Reverse: true}, 120, 150},
		{"negative reverse", probes.OnFail{Act: probes.Weigh, Weight: -30, Reverse: true}, 150, 180},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := play(t, depends(c.o, nil))
			s.tell(supervisor.Start{}, link(), unit(active), good)
			s.in() // it waits for no probe that only weighs
			s.priority(150)
			s.tell(gateway(true))
			s.priority(c.good)
			s.tell(gateway(false), gateway(false))
			s.priority(c.failed)
			s.state("web", vrrp.Backup)
			s.tell(gateway(true))
			s.priority(c.good)
		})
	}
}

func (s *script) priority(want uint8) {
	s.Helper()
	if got := s.node.Router("web"); got.Priority != want {
		s.Fatalf("priority %d %q, want %d", got.Priority, got.Offsets, want)
	}
}

func TestAFilesValueIsWeighed(t *testing.T) {
	s := play(t, depends(probes.OnFail{Act: probes.Weigh, Weight: 2}, probes.File{Value: true}))
	value := func(n int) supervisor.Event { return supervisor.Looked{Probe: "gateway", OK: true, Value: n} }
	s.tell(supervisor.Start{}, link(), unit(active), good, value(10))
	s.priority(170)
	s.tell(value(-25))
	s.priority(100)
	if got := s.node.Router("web").Offsets; len(got) != 1 || got[0] != "-50, probe gateway has the value -25" {
		t.Errorf("%q", got)
	}
	s.tell(value(-127))
	s.out(supervisor.ReasonProbe)
	s.tell(value(0))
	s.in()
	s.priority(150)
	s.tell(value(-10), gateway(false), gateway(false))
	s.priority(150) // no value is 0
}

func TestOnlyProbesOfTheProxyAreItsOpinion(t *testing.T) {
	for _, o := range []probes.OnFail{{Act: probes.Fatal, Reverse: true}, {Act: probes.Weigh, Weight: -1}} {
		s := atWork(t, base())
		s.tell(supervisor.Reconfigured{Config: depends(o, nil)})
		s.wantsNo(s.tell(gateway(false), gateway(false)), "restart")
		s.phase(supervisor.Good)
	}
	s := atWork(t, depends(probes.OnFail{}, nil))
	s.tell(gateway(false), gateway(false))
	if p := s.node.View(s.now).Proxy.Phase; p == supervisor.Good {
		t.Errorf("the proxy is %s though its probe failed", p)
	}
}

func TestANewFatalProbeDoesNotEndWhatWorks(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.Reconfigured{Config: depends(probes.OnFail{Act: probes.Fatal}, nil)}), "configure")
	s.state("web", vrrp.Active)
	s.tell(gateway(false), gateway(false))
	s.out(supervisor.ReasonProbe)
}

func TestAnUnchangedProbeKeepsItsStateOverAReload(t *testing.T) {
	s := atWork(t, depends(probes.OnFail{Act: probes.Weigh, Weight: -30}, nil))
	s.tell(gateway(false), gateway(false))
	s.priority(120)
	cfg := depends(probes.OnFail{Act: probes.Weigh, Weight: -30}, nil)
	cfg.Probes[0].Interval = time.Minute
	s.tell(supervisor.Reconfigured{Config: cfg})
	s.priority(120)
	if got := s.node.View(s.now).Probes[1].State; got != probes.Failed {
		t.Errorf("the probe is %s", got)
	}
}

func TestBadLooksWithinTheGraceDoNotStartTheLadder(t *testing.T) {
	cfg := base()
	cfg.Probes[0].Grace = 10 * time.Second
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active))
	for range 9 {
		s.wantsNo(s.tell(deaf), "restart")
		s.pass(time.Second)
	}
	s.out(supervisor.ReasonStarting)
	s.tell(good)
	s.in()
}
