package supervisor_test

import (
	"net/netip"
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
	deaf  bool // it does not hear the node
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
			done := s.node.Step(s.now, supervisor.HeartbeatHeard{Heartbeat: &b.Heartbeat})
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
	s.beats(o, time.Second)
	for range 3 {
		s.tell(supervisor.Looked{Probe: "gateway"})
	}
	s.wants(s.beats(o, 2*time.Second))
	s.wants(s.beats(o, time.Second), "web send priority 0", "web disown", "web ACTIVE -> BACKUP (gateway-lost)")
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
