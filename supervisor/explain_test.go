package supervisor_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scene is a situation that is explained for the router web.
type scene struct {
	name string
	play func(t *testing.T) *script
}

// named is a configuration in which the other node is known.
func named(cfg supervisor.Config) supervisor.Config {
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		r.Peer, r.VRRP.PeerPriority, r.VRRP.PreemptDelay = peer, 100, 30*time.Second
	}
	return cfg
}

// soon is named without a delay before it pre-empts.
func soon(cfg supervisor.Config) supervisor.Config {
	return routersOf(named(cfg), func(r *supervisor.Router) { r.VRRP.PreemptDelay = 0 })
}

func better(cfg supervisor.Config) supervisor.Config {
	cfg = named(cfg)
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.Priority, cfg.Routers[i].VRRP.PeerPriority = 100, 150
	}
	return cfg
}

// depending is a node whose gateway must answer.
func depending() supervisor.Config {
	cfg := depends(fatal, nil)
	cfg.Probes[1].Interval, cfg.Probes[1].Rise = time.Second, 3
	return cfg
}

// hears is a node at work that hears the other one.
func hears(t *testing.T, cfg supervisor.Config, priority uint8) *script {
	s := atWork(t, cfg)
	s.pass(300 * time.Millisecond)
	s.tell(advertTo(cfg, "web", priority))
	s.pass(130 * time.Millisecond)
	return s
}

// meets is a node that hears the adverts and the heartbeats of a lower one, and each time
// something else.
func meets(t *testing.T, cfg supervisor.Config, o *other, evs ...supervisor.Event) *script {
	s := atWork(t, cfg)
	for range 10 {
		s.tell(advertTo(cfg, "web", 100))
		s.tell(evs...)
		s.beats(o, 200*time.Millisecond)
	}
	return s
}

// begun is a node that has been told some things.
func begun(t *testing.T, cfg supervisor.Config, evs ...supervisor.Event) *script {
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active), good)
	s.tell(evs...)
	s.pass(2500 * time.Millisecond)
	return s
}

func routersOf(cfg supervisor.Config, change func(*supervisor.Router)) supervisor.Config {
	for i := range cfg.Routers {
		change(&cfg.Routers[i])
	}
	return cfg
}

const strangersMAC = "02:00:00:00:00:99"

var (
	fatal     = probes.OnFail{Act: probes.Fatal}
	needsEth1 = supervisor.Track{Need: supervisor.NeedCarrier}
)

// faults are the scenes of INIT and FAULT: one at least for each reason that keeps a
// router out.
var faults = map[vrrp.Reason]func(t *testing.T) *script{
	supervisor.ReasonStarting: func(t *testing.T) *script {
		s := play(t, named(base()))
		s.tell(supervisor.Start{}, link())
		return s
	},
	supervisor.ReasonStopping: func(t *testing.T) *script { return begun(t, named(base()), supervisor.Stop{}) },
	supervisor.ReasonLinkMissing: func(t *testing.T) *script {
		return begun(t, named(base()), supervisor.LinkChanged{Interface: "eth0"})
	},
	supervisor.ReasonLinkDown: func(t *testing.T) *script {
		return begun(t, named(base()), supervisor.LinkChanged{Interface: "eth0", Exists: true, Enabled: true})
	},
	supervisor.ReasonLinkUnusable: func(t *testing.T) *script {
		l := link()
		l.Problem = "opening a socket on eth0: operation not permitted"
		return begun(t, named(base()), l)
	},
	supervisor.ReasonBarred: func(t *testing.T) *script {
		return begun(t, named(base()), supervisor.Barred{Router: "web", Problem: "another pairkeeper runs VRID 50 on eth0 (process 4711)"})
	},
	supervisor.ReasonNoAddress: func(t *testing.T) *script {
		return begun(t, named(base()), supervisor.LinkChanged{Interface: "eth0", Exists: true, Enabled: true, Up: true})
	},
	supervisor.ReasonVIPFailed: func(t *testing.T) *script {
		return begun(t, named(base()), supervisor.OwnFailed{Router: "web", Problem: "putting 10.0.0.3/24 on eth0: no buffer space available", Early: true})
	},
	supervisor.ReasonTrack: func(t *testing.T) *script { return begun(t, named(tracking(needsEth1)), uplink(false)) },
	supervisor.ReasonProbe: func(t *testing.T) *script {
		return begun(t, named(depending()), gateway(false), gateway(false))
	},
	supervisor.ReasonMaintenance: func(t *testing.T) *script {
		s, _ := standing(t)
		s.tell(supervisor.SetMode{Mode: supervisor.Maintenance, On: true, Reason: "disks"})
		return s
	},
	supervisor.ReasonHeldOff: func(t *testing.T) *script {
		cfg := linked(named(base()))
		cfg.Arbitration.HoldOff = 30 * time.Second
		s, o := holding(t, cfg), newOther(fencing.Holds, 200)
		o.say.Claims[0].Long = true
		s.beats(o, 5*time.Second)
		return s
	},
	supervisor.ReasonIsolated: func(t *testing.T) *script {
		cfg := linked(named(base()))
		s := holding(t, cfg)
		for range 3 {
			s.tell(supervisor.Looked{Probe: "gateway", Detail: "10.0.0.1: neither ping nor ARP was answered within 500ms"})
		}
		return s
	},
	supervisor.ReasonGroup: func(t *testing.T) *script {
		cfg := named(tied())
		cfg.Routers[1].Interface = "eth2"
		return begun(t, cfg, supervisor.LinkChanged{Interface: "eth2", Exists: true})
	},
	supervisor.ReasonProxyDown: func(t *testing.T) *script {
		s := holding(t, named(base()))
		s.breaks()
		s.pass(12 * time.Second)
		return s
	},
	supervisor.ReasonProxyStopped: func(t *testing.T) *script { return begun(t, named(base()), unit(stopped)) },
	supervisor.ReasonProxyMissing: func(t *testing.T) *script {
		s := play(t, named(base()))
		s.tell(supervisor.Start{}, link(), unit(missing))
		return s
	},
	supervisor.ReasonProxyReturns: func(t *testing.T) *script {
		return begun(t, named(base()), unit(stopped), unit(active), good)
	},
	supervisor.ReasonHookVetoed: func(t *testing.T) *script {
		s := atWork(t, gated(named(base())))
		s.pass(time.Second)
		s.tell(answer(1, "/usr/local/bin/move-eip: exit 1: no quota"))
		return s
	},
	supervisor.ReasonProxyUnknown: func(t *testing.T) *script {
		s := play(t, named(base()))
		s.tell(supervisor.Start{}, link(), unit(lost))
		return s
	},
}

// working are the scenes of BACKUP and ACTIVE.
var working = []scene{
	{"backup-listens", func(t *testing.T) *script { return atWork(t, named(base())) }},
	{"backup-hears-the-better", func(t *testing.T) *script { return hears(t, better(base()), 150) }},
	{"backup-hears-a-stranger", func(t *testing.T) *script {
		return hears(t, routersOf(better(base()), func(r *supervisor.Router) { r.Peer = netip.MustParseAddr("10.0.0.7") }), 150)
	}},
	{"backup-hears-an-equal", func(t *testing.T) *script { return hears(t, named(base()), 150) }},
	{"backup-with-a-penalty", func(t *testing.T) *script {
		cfg := named(tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -60}))
		s := atWork(t, cfg)
		s.tell(uplink(false), advertTo(cfg, "web", 100))
		return s
	}},
	{"backup-waits-for-preempt-delay", func(t *testing.T) *script {
		cfg := named(base())
		s := hears(t, cfg, 100)
		for range 60 {
			s.tell(advertTo(cfg, "web", 100))
			s.pass(200 * time.Millisecond)
		}
		return s
	}},
	{"backup-does-not-preempt", func(t *testing.T) *script {
		return hears(t, routersOf(named(base()), func(r *supervisor.Router) { r.VRRP.Preempt, r.VRRP.PreemptDelay = false, 0 }), 100)
	}},
	{"backup-hears-a-release", func(t *testing.T) *script {
		cfg := better(base())
		s := hears(t, cfg, 150)
		s.tell(advertTo(cfg, "web", 0))
		return s
	}},
	{"backup-finds-the-address-answered", func(t *testing.T) *script {
		s := hears(t, better(base()), 150)
		for range 5 {
			s.now = later(s.now, s.node.Deadline())
			s.tell(supervisor.Tick{}, supervisor.RouterEvent{Router: "web", Event: vrrp.Answered{Holder: "52:54:00:12:34:56"}})
		}
		return s
	}},
	{"backup-has-given-the-addresses-up", func(t *testing.T) *script {
		s := holding(t, named(tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -60})))
		s.tell(uplink(false))
		return s
	}},
	{"backup-waits-for-its-group", func(t *testing.T) *script {
		cfg := better(tied())
		s := atWork(t, cfg)
		for range 10 {
			s.tell(advertTo(cfg, "mail", 150))
			s.pass(200 * time.Millisecond)
		}
		return s
	}},
	{"backup-waits-for-its-hook", func(t *testing.T) *script {
		s := atWork(t, gated(named(base())))
		s.pass(time.Second)
		return s
	}},
	{"backup-hears-the-holder-by-heartbeat-only", func(t *testing.T) *script {
		s := atWork(t, linked(better(base())))
		s.beats(newOther(fencing.Holds, 150), 3*time.Second)
		return s
	}},
	{"backup-hears-a-holder-that-is-worse-off", func(t *testing.T) *script {
		s := atWork(t, linked(better(base())))
		o := newOther(fencing.Holds, 150)
		o.say.Class = fencing.Ill
		s.beats(o, 3*time.Second)
		return s
	}},
	{"backup-waits-for-its-gateway", func(t *testing.T) *script {
		s := atWork(t, linked(better(base())))
		s.beats(newOther(fencing.Holds, 150), 3*time.Second)
		s.pass(2 * time.Second)
		return s
	}},
	{"backup-leaves-it-to-the-first", func(t *testing.T) *script {
		s := atWork(t, linked(better(base())))
		s.beats(newOther(fencing.Standby, 150), 900*time.Millisecond)
		return s
	}},
	{"backup-that-is-cut-off-and-stays", func(t *testing.T) *script {
		cfg := linked(better(base()))
		cfg.Arbitration.KeepIsolated = true
		s := atWork(t, cfg)
		for range 3 {
			s.tell(supervisor.Looked{Probe: "gateway"})
		}
		s.pass(2 * time.Second)
		return s
	}},
	{"backup-that-is-not-heard-does-not-preempt", func(t *testing.T) *script {
		o := newOther(fencing.Holds, 100)
		o.deaf = true
		return meets(t, linked(soon(base())), o)
	}},
	{"backup-that-is-worse-off-does-not-preempt", func(t *testing.T) *script {
		return meets(t, linked(soon(base())), newOther(fencing.Holds, 100), supervisor.Looked{Probe: "gateway"})
	}},
	{"backup-with-a-heartbeat-finds-the-address-answered", func(t *testing.T) *script {
		s := hears(t, linked(better(base())), 150)
		for range 8 {
			s.now = later(s.now, s.node.Deadline())
			s.tell(supervisor.Tick{}, supervisor.RouterEvent{Router: "web", Event: vrrp.Answered{Holder: "52:54:00:12:34:56"}})
		}
		return s
	}},
	{"backup-waits-longer-as-it-flaps", func(t *testing.T) *script {
		cfg := flapping()
		s := holding(t, cfg)
		s.fails(cfg)
		s.fails(cfg)
		s.tell(gateway(false), gateway(true))
		for range 20 {
			s.tell(advertTo(cfg, "web", 100))
			s.pass(100 * time.Millisecond)
		}
		return s
	}},
	{"backup-finds-a-stranger", func(t *testing.T) *script {
		s := hears(t, linked(better(base())), 150)
		o := newOther(fencing.Holds, 150)
		o.say.MACs = []fencing.MAC{{2, 0, 0, 0, 0, 6}}
		s.beats(o, time.Second)
		for end := s.now.Add(3 * time.Second); s.now.Before(end); {
			s.now = later(s.now, s.node.Deadline())
			s.tell(supervisor.Tick{}, gateway(true), supervisor.RouterEvent{Router: "web", Event: vrrp.Answered{Holder: strangersMAC}})
		}
		return s
	}},
	{"active-beside-a-stranger", func(t *testing.T) *script {
		s := holding(t, linked(named(base())))
		o := newOther(fencing.Standby, 100)
		o.say.MACs = []fencing.MAC{{2, 0, 0, 0, 0, 6}}
		for range 2 {
			s.beats(o, 2*time.Second)
			s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Claimed{By: strangersMAC}})
		}
		return s
	}},
	{"active-with-a-heartbeat", func(t *testing.T) *script {
		s := holding(t, linked(named(base())))
		s.beats(newOther(fencing.Standby, 100), 3*time.Second)
		return s
	}},
	{"active-and-the-heartbeat-is-silent", func(t *testing.T) *script { return holding(t, linked(named(base()))) }},
	{"active-beside-another-by-heartbeat", func(t *testing.T) *script {
		s := holding(t, linked(named(base())))
		s.beats(newOther(fencing.Holds, 100), time.Second)
		return s
	}},
	{"active-while-the-proxy-is-reloaded", func(t *testing.T) *script {
		s := holding(t, named(base()))
		s.tell(wrong, supervisor.TestDone{})
		return s
	}},
	{"active-over-a-bad-configuration", func(t *testing.T) *script {
		s := watching(t, supervisor.ReloadManual)
		s.tell(onDisk("b", 20*time.Second), testBad)
		return s
	}},
	{"active-over-a-pending-configuration", func(t *testing.T) *script {
		s := watching(t, supervisor.ReloadManual)
		s.tell(onDisk("b", 20*time.Second), testGood)
		return s
	}},
	{"fault-while-the-proxy-is-stopped", func(t *testing.T) *script {
		cfg := named(base())
		cfg.Proxy.GiveUpStops, cfg.Proxy.Attempts = true, 1
		s := holding(t, cfg)
		s.tell(wrong, supervisor.TestDone{}, supervisor.ReloadDone{Problem: "exit 1"}, supervisor.RestartDone{})
		s.pass(4 * time.Second)
		return s
	}},
	{"fault-with-a-longer-pause", func(t *testing.T) *script {
		cfg := named(base())
		cfg.Proxy.RetryMax = time.Hour
		s := holding(t, cfg)
		s.breaks()
		s.pass(time.Minute)
		s.breaks()
		return s
	}},
	{"backup-is-the-last-resort", func(t *testing.T) *script {
		cfg := keeping(named(base()))
		s := holding(t, cfg)
		s.breaks()
		s.tell(advertTo(cfg, "web", 100))
		s.pass(130 * time.Millisecond)
		return s
	}},
	{"active-alone", func(t *testing.T) *script {
		s := holding(t, named(depending()))
		s.pass(10 * time.Minute)
		return s
	}},
	{"active-after-silence", func(t *testing.T) *script {
		s := hears(t, better(base()), 150)
		s.pass(time.Second)
		return s
	}},
	{"active-beside-another", func(t *testing.T) *script {
		cfg := named(base())
		s := holding(t, cfg)
		s.pass(time.Second)
		s.tell(advertTo(cfg, "web", 100))
		return s
	}},
	{"active-though-outranked", func(t *testing.T) *script {
		s := holding(t, named(tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -60})))
		s.tell(uplink(false))
		s.pass(time.Second)
		return s
	}},
	{"active-as-the-owner", func(t *testing.T) *script {
		return atWork(t, routersOf(named(base()), func(r *supervisor.Router) { r.VRRP.Priority = vrrp.PriorityOwner }))
	}},
	{"active-as-the-last-resort", func(t *testing.T) *script {
		s := holding(t, keeping(named(base())))
		s.breaks()
		s.pass(5 * time.Second)
		return s
	}},
}

// TestExplanations compares every scene with its golden text.
func TestExplanations(t *testing.T) {
	scenes := slices.Concat(working, fenceScenes, operatorScenes)
	for reason, play := range faults {
		scenes = append(scenes, scene{"out-" + string(reason), play})
	}
	for _, c := range scenes {
		t.Run(c.name, func(t *testing.T) {
			s := c.play(t)
			e, ok := s.node.Explain(s.now, "web")
			if !ok || e.State != s.node.Router("web").State {
				t.Fatalf("%t, %+v", ok, e)
			}
			if reason, out := strings.CutPrefix(c.name, "out-"); out && (string(e.Reason) != reason || !e.State.Out()) {
				t.Errorf("it is %s (%s)", e.State, e.Reason)
			}
			golden(t, "testdata/explain/"+c.name+".txt", inWords(e))
		})
	}
}

func inWords(e supervisor.Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n%s\n", e.State, e.Reason, e.Text)
	for _, part := range []struct {
		head  string
		lines []string
	}{{"numbers", e.Facts}, {"it would change if", e.Changes}, {"the other node", e.Peer}, {"what you can do", e.Remedy}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "%s:\n  %s\n", part.head, strings.Join(part.lines, "\n  "))
		}
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// notGathered are the rules for evidence that a node does not gather yet.
var notGathered = []fencing.Rule{
	fencing.RuleMaintenance,
	fencing.RuleNotAsked, fencing.RuleStranger, fencing.RulePeerAlive, fencing.RulePeerSick,
}

// TestEveryReasonHasAMeaning reads the constants of type Reason in the sources, so that a
// new one is explained.
func TestEveryReasonHasAMeaning(t *testing.T) {
	all := reasonsIn(t, ".", "../vrrp", "../fencing")
	if len(all) < 50 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	for reason, name := range all {
		if supervisor.Meaning(reason) == "" && !slices.Contains(notGathered, fencing.Rule(reason)) {
			t.Errorf("%s (%q) has no meaning: add it to meanings in supervisor/meaning.go: what it is; of one that keeps a router out also what ends it and what to do", name, reason)
		}
		if supervisor.KeepsOut(reason) && faults[reason] == nil {
			t.Errorf("%s (%q) keeps a router out, but no scene shows how that is explained: add one to faults in supervisor/explain_test.go, then go test ./supervisor -run TestExplanations -update", name, reason)
		}
	}
	for reason := range faults {
		if !supervisor.KeepsOut(reason) {
			t.Errorf("%q has a scene in faults, but meanings does not say what ends it", reason)
		}
	}
}

// reasonsIn are the constants of type Reason or Rule of some packages, with their names.
func reasonsIn(t *testing.T, dirs ...string) map[vrrp.Reason]string {
	t.Helper()
	all := map[vrrp.Reason]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(err, "no files in", dir)
		}
		for _, path := range files {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.ValueSpec)
				if !ok || !isReason(spec.Type) || len(spec.Values) != 1 {
					return true
				}
				if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					all[vrrp.Reason(text)] = spec.Names[0].Name
				}
				return true
			})
		}
	}
	return all
}

// isReason tells whether a type is Reason, vrrp.Reason or Rule.
func isReason(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Reason" || e.Name == "Rule"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Reason"
	}
	return false
}

func TestWhatIsNotThereIsNotExplained(t *testing.T) {
	s := atWork(t, base())
	if e, ok := s.node.Explain(s.now, "mail"); ok {
		t.Errorf("%+v", e)
	}
}
