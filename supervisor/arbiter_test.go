package supervisor_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// linked is a node with a heartbeat and a gateway.
func linked(cfg supervisor.Config) supervisor.Config {
	link := func(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 1) }
	cfg.Heartbeat = supervisor.Heartbeat{
		Links:    []supervisor.HeartbeatLink{{Local: link(own.Addr()), Peer: link(peer)}},
		Interval: 200 * time.Millisecond, Patience: 625 * time.Millisecond, Self: own.Addr(), Other: peer,
	}
	cfg.Probes = append(cfg.Probes, probes.Config{
		Name: "gateway", Interval: 500 * time.Millisecond, Timeout: 500 * time.Millisecond, Rise: 2, Fall: 3,
		OnFail: probes.OnFail{Act: probes.Arbitrate},
	})
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.Grouped, cfg.Routers[i].VRRP.Patient = true, true
	}
	return cfg
}

// other is the other node as the heartbeat shows it.
type other struct {
	pulse *fencing.Pulse
	say   fencing.Heartbeat
	deaf  bool          // it does not hear the node
	ahead time.Duration // its clock
	files uint64        // identifies the files of the node's own proxy
}

func newOther(role fencing.Role, priority uint8) *other {
	return &other{
		pulse: fencing.NewPulse(fencing.PulseConfig{Node: "lb02", Peer: "lb01", Links: 1, Interval: 200 * time.Millisecond, Patience: 625 * time.Millisecond}, 2),
		say:   fencing.Heartbeat{Claims: []fencing.Claim{{Router: fencing.RouterKey("web"), Role: role, Priority: priority}}},
	}
}

// beats lets both exchange heartbeats for a while.
func (s *script) beats(o *other, d time.Duration) (out []string) {
	o.pulse.Begin(s.now)
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(50 * time.Millisecond) {
		done := s.node.Step(s.now, supervisor.Tick{})
		out = append(out, s.voted(done)...)
		for _, a := range done {
			if b, ok := a.(supervisor.Beat); ok {
				if !o.deaf {
					o.pulse.Heard(s.now, 0, &b.Heartbeat)
				}
				continue
			}
			out = append(out, wordsOf([]supervisor.Action{a})...)
		}
		for _, b := range o.pulse.Beats(s.now, o.say) {
			done := s.node.Step(s.now, supervisor.HeartbeatHeard{Heartbeat: &b.Heartbeat, Ahead: o.ahead, Proxy: o.files})
			out = append(append(out, wordsOf(done)...), s.voted(done)...)
		}
	}
	return out
}

func TestBlockedAdvertsAreNoReasonToTake(t *testing.T) {
	s := atWork(t, linked(base()))
	s.beats(newOther(fencing.Holds, 200), 3*time.Second)
	s.state("web", vrrp.Backup)
}

func TestASilentNodeIsTakenFrom(t *testing.T) {
	s := atWork(t, linked(base()))
	s.beats(newOther(fencing.Holds, 200), 3*time.Second)
	s.pass(300 * time.Millisecond)
	s.state("web", vrrp.Backup)
	s.pass(time.Second)
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	s.pass(time.Second)
	s.state("web", vrrp.Active)
}

func TestNobodyTakesBeforeItsGatewayAnswered(t *testing.T) {
	s := atWork(t, linked(base()))
	s.beats(newOther(fencing.Holds, 200), 3*time.Second)
	s.mute = true
	s.pass(3 * time.Second) // the last look was while the other node was heard
	s.state("web", vrrp.Backup)
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	s.pass(time.Second)
	s.state("web", vrrp.Active)
}

// A host that stood still with all its clocks opens its gate for longer than the other node
// waits: it gives up what it holds, and listens.
func TestAHolderThatStoodStillReleases(t *testing.T) {
	s, o := holding(t, linked(base())), newOther(fencing.Standby, 100)
	for range 8 {
		o.say.Uptime = s.now.Sub(time.Unix(0, 0))
		s.wantsNo(s.beats(o, 200*time.Millisecond), "web disown")
	}
	o.say.Uptime = s.now.Sub(time.Unix(0, 0)) + 30*time.Second
	s.wants(s.beats(o, 200*time.Millisecond), "web send priority 0", "web disown", "web ACTIVE -> BACKUP (paused)", "note paused")
	o.say.Uptime += 200 * time.Millisecond
	s.wantsNo(s.beats(o, 200*time.Millisecond), "note paused")
}

func TestOfTwoHoldersTheSecondYields(t *testing.T) {
	s := holding(t, linked(base()))
	s.wants(s.beats(newOther(fencing.Holds, 200), 500*time.Millisecond), "web send priority 0", "web disown", "web ACTIVE -> BACKUP (conflict-yields)")
	first := holding(t, linked(base()))
	first.wantsNo(first.beats(newOther(fencing.Holds, 100), time.Second), "web disown")
	first.state("web", vrrp.Active)
}

func TestAHolderThatLostItsGatewayHandsOver(t *testing.T) {
	s := holding(t, linked(base()))
	o := newOther(fencing.Standby, 100)
	o.say.Claims[0].Hears = true
	s.beats(o, time.Second)
	for range 3 {
		s.tell(supervisor.Looked{Probe: "gateway"})
	}
	s.wants(s.beats(o, 2*time.Second))
	s.wants(s.beats(o, time.Second), "web send priority 0", "web disown", "web ACTIVE -> BACKUP (gateway-lost)")
}

// Its adverts do not arrive, and its gateway does not answer when it is asked: it has been cut
// off, and waits for nothing more.
func TestAHolderThatIsCutOffHandsOverAtOnce(t *testing.T) {
	s := holding(t, linked(base()))
	o := newOther(fencing.Standby, 100)
	o.say.Claims[0].Hears = true
	s.beats(o, time.Second)
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	s.pass(time.Millisecond)
	o.say.Claims[0].Hears, s.mute = false, true
	s.wants(s.beats(o, 300*time.Millisecond))
	s.wants(s.tell(supervisor.Looked{Probe: "gateway"}), "web send priority 0", "web disown", "web ACTIVE -> BACKUP (gateway-lost)")

	answered := holding(t, linked(base()))
	o = newOther(fencing.Standby, 100)
	o.say.Claims[0].Hears = true
	answered.beats(o, time.Second)
	o.say.Claims[0].Hears = false
	answered.beats(o, 300*time.Millisecond)
	answered.tell(supervisor.Looked{Probe: "gateway", OK: true})
	answered.wantsNo(answered.beats(o, 5*time.Second), "web disown") // a firewall, then
}

func TestAGatewayThatIsLostToBothMovesNobody(t *testing.T) {
	s := holding(t, linked(base()))
	o := newOther(fencing.Standby, 100)
	o.say.Class, o.say.Gateway = fencing.Cut, fencing.Lost
	s.beats(o, time.Second)
	for range 3 {
		s.tell(supervisor.Looked{Probe: "gateway"})
	}
	s.wantsNo(s.beats(o, 10*time.Second), "web disown")
}

func TestAReloadKeepsTheSequenceOfTheHeartbeat(t *testing.T) {
	s := holding(t, linked(base()))
	o := newOther(fencing.Standby, 100)
	s.beats(o, time.Second)
	cfg := linked(base())
	cfg.Heartbeat.Interval = 100 * time.Millisecond
	s.tell(supervisor.Reconfigured{Config: cfg})
	s.beats(o, time.Second)
	if o.pulse.Settle(s.now); o.pulse.Hearing() != fencing.BothWay {
		t.Errorf("the other node hears %s", o.pulse.Hearing())
	}
}

// blocked notes that the other node's adverts do not come.
const blocked = "web note vrrp-blocked"

func TestAdvertsThatAreBlockedAgainAreNotedAgain(t *testing.T) {
	cfg := linked(base())
	s, o := atWork(t, cfg), newOther(fencing.Holds, 200)
	for range 2 {
		s.wants(s.beats(o, 3*time.Second), blocked)
		s.tell(advertTo(cfg, "web", 200))
		if v := s.node.Router("web"); v.Arbiter != (supervisor.ArbiterView{}) {
			t.Errorf("the arbiter is not asked, and says %+v", v.Arbiter)
		}
	}
}

// Its last heartbeat may come after its last advert.
func TestANodeThatDiesIsNotSaidToBeBlocked(t *testing.T) {
	cfg := linked(base())
	s, o := atWork(t, cfg), newOther(fencing.Holds, 200)
	for range 5 {
		s.tell(advertTo(cfg, "web", 200))
		s.beats(o, 200*time.Millisecond)
	}
	s.wantsNo(s.beats(o, 150*time.Millisecond), blocked)
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	got := s.pass(500 * time.Millisecond)
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	s.wantsNo(append(got, s.pass(5*time.Second)...), blocked)
}

// announced has a MAC address announce the addresses twice.
func (s *script) announced(o *other, mac string) (out []string) {
	for range 2 {
		out = append(out, s.beats(o, 1500*time.Millisecond)...)
		out = append(out, s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Claimed{By: mac}})...)
	}
	return out
}

func TestAStrangerIsWhoTheOtherNodeIsNot(t *testing.T) {
	theirs := fencing.MAC{2, 0, 0, 0, 0, 6}
	for name, c := range map[string]struct {
		macs   []fencing.MAC
		mac    string
		policy supervisor.OnForeign
		keeps  bool
	}{
		"a stranger is told of":                   {[]fencing.MAC{theirs}, strangersMAC, supervisor.AlertForeign, true},
		"or released to":                          {[]fencing.MAC{theirs}, strangersMAC, supervisor.ReleaseForeign, false},
		"the other node is none":                  {[]fencing.MAC{theirs}, theirs.String(), supervisor.ReleaseForeign, true},
		"nor is anybody before that one has said": {nil, strangersMAC, supervisor.ReleaseForeign, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := linked(named(base()))
			cfg.Arbitration.OnForeign = c.policy
			s, o := holding(t, cfg), newOther(fencing.Standby, 100)
			o.say.MACs = c.macs
			s.announced(o, c.mac)
			if s.node.Active("web") != c.keeps {
				t.Errorf("Active: %t", !c.keeps)
			}
		})
	}
}

// What was announced before this node gave the addresses up says nothing of later.
func TestAStrangerThatHasGoneIsForgotten(t *testing.T) {
	cfg := linked(named(base()))
	cfg.Arbitration.OnForeign = supervisor.ReleaseForeign
	s, o := holding(t, cfg), newOther(fencing.Standby, 100)
	o.say.MACs = []fencing.MAC{{2, 0, 0, 0, 0, 6}}
	s.announced(o, strangersMAC)
	s.state("web", vrrp.Backup)
	o.say.Claims[0].Role = fencing.Out
	s.beats(o, 3*time.Second)
	s.state("web", vrrp.Active)
}

func TestWhatIsAnnouncedOnceOrByOurselvesIsNoRival(t *testing.T) {
	cfg := linked(named(base()))
	cfg.Arbitration.OnForeign = supervisor.ReleaseForeign
	ours := link(vip)
	ours.MAC = fencing.MAC{2, 0, 0, 0, 0, 5}
	s, o := holding(t, cfg), newOther(fencing.Standby, 200)
	o.say.MACs = []fencing.MAC{{2, 0, 0, 0, 0, 6}}
	s.tell(ours)
	s.announced(o, ours.MAC.String())
	s.beats(o, 2*time.Second)
	s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Claimed{By: strangersMAC}})
	s.beats(o, 2*time.Minute)
	s.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Claimed{By: strangersMAC}})
	s.beats(o, 2*time.Second)
	s.state("web", vrrp.Active)
}

// asking is a node that asks the other one's proxy.
func asking(cfg supervisor.Config) supervisor.Config {
	cfg = linked(cfg)
	cfg.Probes = append(cfg.Probes, probes.Config{
		Name: "peer", Interval: 2 * time.Second, Timeout: time.Second, Rise: 1, Fall: 2, OnFail: probes.OnFail{Act: probes.AskPeer},
	})
	return cfg
}

// peerProxy is what the other node's proxy answers.
func peerProxy(ok bool) supervisor.Event {
	return supervisor.Looked{Probe: "peer", OK: ok, Answered: ok, Refused: !ok}
}

// A firewall that eats everything but ARP eats the question, too.
func TestAPeerCheckThatGetsNoAnswerAtAllProvesNothing(t *testing.T) {
	s := atWork(t, asking(better(base())))
	s.beats(newOther(fencing.Holds, 150), time.Second)
	s.wantsNo(s.answeredFor(20*time.Second, true), "web own")
	for range 20 {
		s.tell(supervisor.Looked{Probe: "peer"})
		s.wantsNo(s.asksFor(time.Second), "web own")
	}
	s.state("web", vrrp.Backup)
}

// asksFor is answeredFor without anything of the other node's proxy.
func (s *script) asksFor(d time.Duration) (out []string) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = later(s.now, s.node.Deadline())
		out = append(out, s.tell(supervisor.Tick{}, gateway(true), supervisor.RouterEvent{Router: "web", Event: vrrp.Answered{Holder: "02:00:00:00:00:06"}})...)
	}
	return out
}

func TestThePeerCheckAloneMovesNobody(t *testing.T) {
	for _, role := range []fencing.Role{fencing.Standby, fencing.Holds} {
		s, o := holding(t, asking(named(base()))), newOther(fencing.Standby, 100)
		if role == fencing.Holds {
			s, o = atWork(t, asking(better(base()))), newOther(role, 150)
		}
		s.beats(o, time.Second)
		was := s.node.Router("web").State
		for i := range 20 {
			s.tell(peerProxy(i/4%2 == 0))
			s.wantsNo(s.beats(o, time.Second), "web disown")
		}
		s.state("web", was)
		if v := s.node.Health(); v.Verdict != supervisor.Healthy {
			t.Errorf("%s: %s", v.Verdict, v.Why)
		}
	}
}

// answeredFor lets time pass while nothing comes from the other node but its kernel's answers
// for the address, and its proxy's.
func (s *script) answeredFor(d time.Duration, proxy bool) (out []string) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = later(s.now, s.node.Deadline())
		out = append(out, s.tell(supervisor.Tick{}, gateway(true), peerProxy(proxy), supervisor.RouterEvent{Router: "web", Event: vrrp.Answered{Holder: "02:00:00:00:00:06"}})...)
	}
	return out
}

func TestASickNodeIsTakenFromWhenItsKernelShouldHaveLetGo(t *testing.T) {
	s := atWork(t, asking(better(base())))
	s.beats(newOther(fencing.Holds, 150), time.Second)
	s.wantsNo(s.answeredFor(20*time.Second, true), "web own")
	s.tell(peerProxy(false))
	got := s.answeredFor(time.Second, false)
	for _, want := range []string{"web note peer-sick", "web note address-contest", "web own"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	s = atWork(t, asking(better(base())))
	s.beats(newOther(fencing.Holds, 150), time.Second)
	s.wantsNo(s.answeredFor(2*time.Second, false), "web own") // its kernel may be about to let go
}

func TestAPeerCheckThatNeverWorkedProvesNothing(t *testing.T) {
	s := play(t, asking(better(base())))
	s.tell(supervisor.Start{}, link(), unit(active), good, gateway(true))
	s.in()
	s.beats(newOther(fencing.Holds, 150), time.Second)
	s.wantsNo(s.answeredFor(20*time.Second, false), "web own")
}

// What a keepalived sent before it yielded is no sign that it holds, too: it has no heartbeat, and
// says nothing when it yields.
func TestAnAdvertFromBeforeTheTakeOverIsNoSecondHolder(t *testing.T) {
	cfg := linked(base())
	cfg.Routers[0].VRRP.Interval = time.Second
	s := atWork(t, cfg)
	s.tell(advertTo(cfg, "web", 200))
	s.tell(supervisor.TakeForced{}, supervisor.RouterEvent{Router: "web", Event: vrrp.Owned{}}, link(vip))
	s.state("web", vrrp.Active)
	s.wantsNo(s.asks(10*time.Second), "disown")
	s.state("web", vrrp.Active)

	s.tell(advertTo(cfg, "web", 100)) // now it is one
	if v := s.node.Router("web").Arbiter; v.Rule != fencing.RuleWins {
		t.Errorf("the arbiter says %+v", v)
	}
}
