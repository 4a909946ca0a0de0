package supervisor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// beside is a node that holds, and hears another one that stands by.
func beside(t *testing.T) (*script, *other) {
	s, o := holding(t, named(linked(base()))), newOther(fencing.Standby, 100)
	s.beats(o, time.Second)
	return s, o
}

// standing is a node that stands by beside another one that holds.
func standing(t *testing.T) (*script, *other) {
	s, o := atWork(t, named(linked(base()))), newOther(fencing.Holds, 200)
	s.beats(o, time.Second)
	return s, o
}

// among tells that each of some actions is wanted.
func (s *script) among(got []string, want ...string) {
	s.Helper()
	for _, w := range want {
		if !has(got, w) {
			s.Fatalf("it wants %q, without %q", got, w)
		}
	}
}

// order is what the other node was last asked for.
func (s *script) order(o *other) fencing.Order {
	h, _ := o.pulse.Peer()
	return h.Order
}

func TestTheHolderLetsGoWhenTheOtherNodeHasAgreed(t *testing.T) {
	s, o := beside(t)
	s.wantsNo(append(wordsOf(s.node.Step(s.now, supervisor.HandOver{})), s.beats(o, 400*time.Millisecond)...), "web send priority 0")
	o.say.Consent = fencing.Consent{Serial: s.order(o).Serial}
	s.wantsNo(s.beats(o, 400*time.Millisecond), "web send priority 0") // it does not ask for them yet
	o.say.Claims[0].Asks, o.say.Claims[0].Favoured = true, true
	s.among(s.beats(o, 300*time.Millisecond), "web send priority 0", "web ACTIVE -> BACKUP (handed-over)")
	if v := s.node.Handover(); v.Over {
		t.Errorf("over before the other node holds: %+v", v)
	}
	o.say.Claims[0].Role = fencing.Holds
	s.beats(o, 100*time.Millisecond)
	if v := s.node.Handover(); !v.Over || v.Problem != "" || v.To != "lb02" {
		t.Errorf("%+v", v)
	}
}

func TestARefusalMovesNothing(t *testing.T) {
	s, o := beside(t)
	s.tell(supervisor.HandOver{})
	s.beats(o, 400*time.Millisecond)
	o.say.Consent = fencing.Consent{Serial: s.order(o).Serial, Refusal: "web: its gateway does not answer"}
	s.among(s.beats(o, 300*time.Millisecond), "web note handover-refused")
	s.state("web", vrrp.Active)
	if v := s.node.Handover(); !v.Over || v.Problem != "lb02 refuses: web: its gateway does not answer" {
		t.Errorf("%+v", v)
	}
}

func TestAnOrderWithoutAnAnswerRunsOut(t *testing.T) {
	s, o := beside(t)
	s.tell(supervisor.HandOver{})
	o.say.Consent = fencing.Consent{Serial: 1} // of an earlier order
	o.say.Claims[0].Asks, o.say.Claims[0].Favoured = true, true
	s.beats(o, 4*time.Second)
	s.state("web", vrrp.Active)
	if v := s.node.Handover(); !v.Over || !strings.Contains(v.Problem, "has not answered") {
		t.Errorf("%+v", v)
	}
	if h, _ := o.pulse.Peer(); h.Order.Serial != 0 || h.Claims[0].Moves {
		t.Errorf("the order is still told: %+v", h)
	}
}

func TestAnOrderIsAnsweredByWhatTheNodeIsLike(t *testing.T) {
	for name, c := range map[string]struct {
		before  func(*script)
		refusal string
	}{
		"well": {func(*script) {}, ""},
		"proxy stopped": {func(s *script) {
			s.tell(supervisor.UnitChanged{State: supervisor.UnitState{Active: "inactive", StopAsked: true}})
		}, "FAULT (proxy-stopped)"},
		"gateway lost":   {func(s *script) { s.gatewayFails() }, "its gateway does not answer"},
		"in maintenance": {func(s *script) { s.tell(supervisor.SetMode{Mode: supervisor.Maintenance, On: true}) }, "FAULT (maintenance)"},
		"frozen":         {func(s *script) { s.tell(supervisor.SetMode{Mode: supervisor.Freeze, On: true, Reason: "a show"}) }, "frozen on lb01 (a show)"},
		"also ordering":  {func(s *script) { s.tell(supervisor.HandOver{}) }, "an operator there has given an order, too"},
	} {
		t.Run(name, func(t *testing.T) {
			s, o := standing(t)
			c.before(s)
			o.say.Order, o.say.Claims[0].Moves = fencing.Order{Serial: 77, Kind: fencing.Give}, true
			s.beats(o, 400*time.Millisecond)
			h, _ := o.pulse.Peer()
			if h.Consent.Serial != 77 || !strings.Contains(h.Consent.Refusal, c.refusal) || (c.refusal == "") != (h.Consent.Refusal == "") {
				t.Errorf("%+v, want %q", h.Consent, c.refusal)
			}
			if asks := h.Claims[0].Asks && h.Claims[0].Favoured; asks != (c.refusal == "") && name != "also ordering" {
				t.Errorf("it asks: %t", asks)
			}
		})
	}
}

// gatewayFails lets the gateway be lost.
func (s *script) gatewayFails() {
	for range 4 {
		s.tell(supervisor.Looked{Probe: "gateway", Detail: "no answer"})
	}
}

// Whoever holds by a handover keeps the addresses from a node of a higher priority, while both
// are well.
func TestWhoWasHandedTheAddressesIsNotPreempted(t *testing.T) {
	for _, favoured := range []bool{true, false} {
		cfg := routersOf(linked(better(base())), func(r *supervisor.Router) { r.VRRP.PreemptDelay = time.Second })
		s, o := atWork(t, cfg), newOther(fencing.Holds, 50)
		o.say.Claims[0].Favoured = favoured
		for range 40 {
			s.beats(o, 300*time.Millisecond)
			s.tell(advertTo(cfg, "web", 50))
		}
		if active := s.node.Active("web"); active == favoured {
			t.Errorf("favoured %t, and this node pre-empts: %t", favoured, active)
		}
	}
}

func TestMaintenanceTakesNoPart(t *testing.T) {
	s, o := standing(t)
	s.among(wordsOf(s.node.Step(s.now, supervisor.SetMode{Mode: supervisor.Maintenance, On: true, Lasts: time.Minute, Reason: "disks"})), "web BACKUP -> FAULT (maintenance)")
	s.beats(o, 400*time.Millisecond)
	if h, _ := o.pulse.Peer(); h.Class != fencing.Resigned || !h.Maintenance.On || h.Maintenance.Why != "disks" || h.Maintenance.Left <= 0 || h.Maintenance.Left > time.Minute {
		t.Errorf("%+v", h)
	}
	s.pass(30 * time.Second) // the other node is dead
	s.state("web", vrrp.Fault)
	s.pass(31 * time.Second)
	s.tell(supervisor.Looked{Probe: "gateway", OK: true})
	s.pass(3 * time.Second)
	s.state("web", vrrp.Active)
	if list := s.node.Modes(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestAFreezeKeepsWhatHealthWouldMove(t *testing.T) {
	s, o := beside(t)
	s.among(wordsOf(s.node.Step(s.now, supervisor.SetMode{Mode: supervisor.Freeze, On: true})), "note freeze-begins")
	s.among(wordsOf(s.node.Step(s.now, supervisor.UnitChanged{State: supervisor.UnitState{Active: "inactive", StopAsked: true}})), "web note endured")
	s.beats(o, 3*time.Second)
	s.state("web", vrrp.Active)
	s.among(wordsOf(s.node.Step(s.now, supervisor.SetMode{Mode: supervisor.Freeze})), "web ACTIVE -> FAULT (proxy-stopped)")
}

func TestForceSaysWhatItOverridesAndTakes(t *testing.T) {
	s, o := standing(t)
	s.tell(supervisor.SetMode{Mode: supervisor.Maintenance, On: true, Reason: "disks"})
	v := s.node.Force("")
	if len(v.Routers) != 1 || v.Problem != "" || len(v.Overrides) != 2 ||
		!strings.HasPrefix(v.Overrides[0], "web: maintenance: ") || !strings.HasPrefix(v.Overrides[1], "web: peer-holds: lb02 ") {
		t.Errorf("%+v", v)
	}
	s.tell(supervisor.TakeForced{})
	s.beats(o, 300*time.Millisecond)
	s.state("web", vrrp.Backup)
	if got := s.order(o); got.Kind != fencing.Demand || got.Serial == 0 {
		t.Errorf("%+v", got)
	}
	o.say.Claims[0].Role = fencing.Standby
	s.among(s.beats(o, 300*time.Millisecond), "web own", "web BACKUP -> ACTIVE (forced)")
	s.tell(uplinkless)
	if v := s.node.Force(""); len(v.Routers) != 1 || !strings.Contains(v.Problem, "link-down") {
		t.Errorf("%+v", v)
	}
}

// uplinkless is an interface without carrier.
var uplinkless = supervisor.LinkChanged{Interface: "eth0", Exists: true, Enabled: true}

// operatorScenes are explained, too.
var operatorScenes = []scene{
	{"backup-after-a-handover", func(t *testing.T) *script {
		cfg := routersOf(linked(better(base())), func(r *supervisor.Router) { r.VRRP.PreemptDelay = time.Second })
		s, o := atWork(t, cfg), newOther(fencing.Holds, 50)
		o.say.Claims[0].Favoured = true
		for range 20 {
			s.beats(o, 300*time.Millisecond)
			s.tell(advertTo(cfg, "web", 50))
		}
		return s
	}},
	{"backup-frozen", func(t *testing.T) *script {
		cfg := routersOf(linked(better(base())), func(r *supervisor.Router) { r.VRRP.PreemptDelay = time.Second })
		s, o := atWork(t, cfg), newOther(fencing.Holds, 50)
		o.say.Freeze = fencing.Notice{On: true, Why: "a show"}
		for range 20 {
			s.beats(o, 300*time.Millisecond)
			s.tell(advertTo(cfg, "web", 50))
		}
		return s
	}},
	{"active-frozen", func(t *testing.T) *script {
		s, o := beside(t)
		s.tell(supervisor.SetMode{Mode: supervisor.Freeze, On: true, Reason: "a show"})
		s.tell(supervisor.UnitChanged{State: supervisor.UnitState{Active: "inactive", StopAsked: true}})
		s.beats(o, time.Second)
		return s
	}},
	{"active-forced", func(t *testing.T) *script {
		s, o := standing(t)
		s.tell(supervisor.TakeForced{})
		s.beats(o, 300*time.Millisecond)
		o.say.Claims[0].Role = fencing.Standby
		s.beats(o, time.Second)
		return s
	}},
	{"maintenance-for-a-time", func(t *testing.T) *script {
		s, _ := standing(t)
		s.tell(supervisor.SetMode{Mode: supervisor.Maintenance, On: true, Lasts: time.Hour, Reason: "disks"})
		return s
	}},
}
