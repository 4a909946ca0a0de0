package supervisor_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var (
	own     = netip.MustParsePrefix("10.0.0.5/24")
	peer    = netip.MustParseAddr("10.0.0.6")
	vip     = netip.MustParsePrefix("10.0.0.3/24")
	epoch   = time.Unix(0, 0).UTC()
	active  = supervisor.UnitState{Load: "loaded", Active: "active", Sub: "running", MainPID: 7}
	failed  = supervisor.UnitState{Load: "loaded", Active: "failed", Sub: "failed", Result: "signal", Exit: "SIGKILL"}
	starts  = supervisor.UnitState{Load: "loaded", Active: "activating", Sub: "start"}
	stopped = supervisor.UnitState{Load: "loaded", Active: "inactive", Sub: "dead", Result: "success", StopAsked: true}
	missing = supervisor.UnitState{Load: "not-found", Active: "inactive"}
	lost    = supervisor.UnitState{Lost: "no D-Bus"}

	good  = supervisor.Looked{Probe: "healthz", OK: true, Answered: true, Detail: "200"}
	deaf  = supervisor.Looked{Probe: "healthz", Detail: "connection refused"}
	wrong = supervisor.Looked{Probe: "healthz", Answered: true, Detail: "503, want 200"}
)

// base is a node with one proxy, one probe and one virtual router.
func base() supervisor.Config {
	return supervisor.Config{
		Node: "lb01", Peer: "lb02",
		Proxy: supervisor.Proxy{
			Unit: "nginx.service", Test: []string{"nginx", "-t"},
			TestTimeout: 5 * time.Second, RestartTimeout: 10 * time.Second, Wait: 3 * time.Second,
			Attempts: 2, Budget: 5, Window: 10 * time.Minute, Retry: time.Minute, Rise: 2, Look: 500 * time.Millisecond,
		},
		Probes:  []probes.Config{{Name: "healthz", Interval: 500 * time.Millisecond, Timeout: time.Second, Rise: 1, Fall: 1}},
		Routers: []supervisor.Router{routerOf("web", 50, vip)},
	}
}

func routerOf(name string, vrid uint8, addresses ...netip.Prefix) supervisor.Router {
	r := supervisor.Router{
		Name: name, Interface: "eth0", Source: own.Addr(), Burst: 1,
		VRRP: vrrp.Config{
			VRID: vrid, Version: vrrp.V3, Priority: 150, Interval: 200 * time.Millisecond,
			Preempt: true, Pair: true, Lifetime: time.Second,
		},
	}
	for _, p := range addresses {
		r.Addresses = append(r.Addresses, supervisor.Address{Prefix: p})
		r.VRRP.Addresses = append(r.VRRP.Addresses, p.Addr())
	}
	return r
}

// link is eth0 as it should be, with these addresses besides the node's own.
func link(more ...netip.Prefix) supervisor.LinkChanged {
	return supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true, Addresses: append([]netip.Prefix{own}, more...)}
}

// script drives a node through virtual time.
type script struct {
	testing.TB
	node *supervisor.Node
	now  time.Time
	mute bool // the gateway does not answer when it is asked

	voter func(supervisor.AskVote) *fencing.Cast // answers at once; nil: not at all
}

func play(t testing.TB, cfg supervisor.Config) *script {
	return &script{TB: t, node: supervisor.NewNode(cfg), now: epoch.Add(time.Hour)}
}

// atWork is a node whose proxy is good and whose router is Backup.
func atWork(t testing.TB, cfg supervisor.Config) *script {
	t.Helper()
	s := play(t, cfg)
	s.tell(supervisor.Start{}, link(), unit(active))
	for _, p := range cfg.Probes {
		s.tell(supervisor.Looked{Probe: p.Name, OK: true})
	}
	s.in()
	return s
}

// holding is a node at work whose router is Active and has its address.
func holding(t testing.TB, cfg supervisor.Config) *script {
	t.Helper()
	s := atWork(t, cfg)
	s.pass(time.Second)
	s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Owned{}}, link(vip))
	s.state("web", vrrp.Active)
	return s
}

func unit(u supervisor.UnitState) supervisor.Event { return supervisor.UnitChanged{State: u} }

// withJob is a state while somebody else's job is pending.
func withJob(u supervisor.UnitState, job string) supervisor.UnitState {
	u.Job = job
	return u
}

// tell gives events and returns what the node wants, in words.
func (s *script) tell(evs ...supervisor.Event) []string {
	s.Helper()
	var out []string
	for _, ev := range evs {
		done := s.node.Step(s.now, ev)
		out = append(out, wordsOf(done)...)
		if !s.mute && slices.Contains(done, supervisor.Action(supervisor.LookNow{Gateway: true})) {
			out = append(out, s.tell(supervisor.Looked{Probe: "gateway", OK: true, Answered: true})...)
		}
		out = append(out, s.voted(done)...)
	}
	return out
}

// pass lets time pass; every deadline on the way gets its tick.
func (s *script) pass(d time.Duration) []string {
	s.Helper()
	var out []string
	for end := s.now.Add(d); ; {
		at := s.node.Deadline()
		if at.IsZero() || at.After(end) {
			s.now = end
			return out
		}
		s.now = later(s.now, at)
		out = append(out, s.tell(supervisor.Tick{})...)
		if next := s.node.Deadline(); !next.IsZero() && !next.After(s.now) {
			s.Fatalf("the tick at the deadline left it at %s, %s ago", next, s.now.Sub(next))
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wordsOf is the actions as they matter here: of a note only its reason, and nothing
// periodic.
func wordsOf(actions []supervisor.Action) []string {
	var out []string
	for _, a := range actions {
		switch a := a.(type) {
		case supervisor.Beat, supervisor.AskVote:
			continue
		case supervisor.LookNow:
			if a.Gateway {
				continue
			}
		case supervisor.Note:
			out = append(out, strings.TrimSpace(a.Router+" note "+string(a.Reason)))
			continue
		case supervisor.RouterAction:
			switch act := a.Action.(type) {
			case vrrp.Refresh, vrrp.Announce, vrrp.Probe:
				continue
			case vrrp.Send:
				if act.Priority != vrrp.PriorityRelease {
					continue
				}
			case vrrp.Note:
				out = append(out, a.Router+" note "+string(act.Reason))
				continue
			}
		}
		out = append(out, a.String())
	}
	return out
}

// wants compares what the node wanted; none: nothing.
func (s *script) wants(got []string, want ...string) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Fatalf("it wants\n  %s\nnot\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// wantsNo fails if any action has the word.
func (s *script) wantsNo(got []string, word string) {
	s.Helper()
	if has(got, word) {
		s.Fatalf("it wants %q, but nothing of the kind %q is due", got, word)
	}
}

func has(got []string, word string) bool {
	return slices.ContainsFunc(got, func(w string) bool { return strings.Contains(w, word) })
}

func (s *script) phase(want supervisor.Phase) {
	s.Helper()
	if got := s.node.View(s.now).Proxy; got.Phase != want {
		s.Fatalf("the proxy is %s (%s), want %s", got.Phase, got.Why, want)
	}
}

func (s *script) state(router string, want vrrp.State) {
	s.Helper()
	if got := s.node.Router(router); got.State != want {
		s.Fatalf("%s is %s (%s: %s), want %s", router, got.State, got.Reason, got.Detail, want)
	}
}

// out is why the routers do not take part.
func (s *script) out(want vrrp.Reason) {
	s.Helper()
	for _, r := range s.node.View(s.now).Routers {
		if r.Reason != want || !r.State.Out() {
			s.Fatalf("%s is %s (%s: %s), want it out for %s", r.Config.Name, r.State, r.Reason, r.Detail, want)
		}
	}
}

func (s *script) in() {
	s.Helper()
	for _, r := range s.node.View(s.now).Routers {
		if r.Reason != "" || r.State.Out() {
			s.Fatalf("%s is %s (%s: %s), want it to take part", r.Config.Name, r.State, r.Reason, r.Detail)
		}
	}
}
