package supervisor_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func TestEffectivePriorityIsKeepalivedsArithmetic(t *testing.T) {
	for _, c := range []struct {
		base    uint8
		offsets []int
		want    uint8
	}{
		{100, nil, 100},
		{100, []int{-20}, 80},
		{100, []int{20, -50}, 70},
		{100, []int{-253}, 1},
		{200, []int{253}, 254},
		{200, []int{253, -253}, 200}, // the sum counts, not the steps
		{1, []int{-1}, 1},
		{254, []int{1}, 254},
		{255, []int{-253}, 255}, // an owner's is fixed
	} {
		if got := supervisor.Effective(c.base, c.offsets...); got != c.want {
			t.Errorf("%d %v: %d, want %d", c.base, c.offsets, got, c.want)
		}
	}
}

// uplink is eth1 as tracked.
func uplink(up bool) supervisor.LinkChanged {
	return supervisor.LinkChanged{Interface: "eth1", Exists: true, Enabled: true, Up: up}
}

// tracking is base with one tracked interface.
func tracking(tr supervisor.Track) supervisor.Config {
	cfg := base()
	tr.Interface = "eth1"
	cfg.Routers[0].Track = []supervisor.Track{tr}
	return cfg
}

func TestWeightsActAsKeepaliveds(t *testing.T) {
	for _, c := range []struct {
		name     string
		track    supervisor.Track
		up, down uint8 // from 150
	}{
		{"positive", supervisor.Track{Weight: 30}, 180, 150},
		{"negative", supervisor.Track{Weight: -30}, 150, 120},
		{"positive reverse", supervisor.Track{Weight: 30, Reverse: true}, 120, 150},
		{"negative reverse", supervisor.Track{Weight: -30, Reverse: true}, 150, 180},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.track.Need = supervisor.NeedCarrier
			s := play(t, tracking(c.track))
			s.tell(supervisor.Start{}, link(), unit(active), good)
			for _, now := range []struct {
				up   bool
				want uint8
			}{{true, c.up}, {false, c.down}, {true, c.up}} {
				s.tell(uplink(now.up))
				s.state("web", vrrp.Backup)
				if got := s.node.Router("web").Priority; got != now.want {
					t.Errorf("up %v: priority %d, want %d", now.up, got, now.want)
				}
			}
		})
	}
}

func TestAnUnmetNeedWithoutWeightTakesTheRouterOut(t *testing.T) {
	s := play(t, tracking(supervisor.Track{Need: supervisor.NeedCarrier}))
	s.tell(supervisor.Start{}, link(), unit(active), good)
	s.out(supervisor.ReasonStarting) // nothing known of eth1
	s.tell(uplink(false))
	s.out(supervisor.ReasonTrack)
	s.tell(uplink(true))
	s.in()
	s.pass(time.Second)
	s.wants(s.tell(uplink(false)), "web send priority 0", "web disown", "web ACTIVE -> FAULT (track)")
	if d := s.node.Router("web").Detail; d != "interface eth1 has no carrier" {
		t.Errorf("detail %q", d)
	}
}

func TestReversedWithoutWeightTheInterfaceMustBeDown(t *testing.T) {
	s := play(t, tracking(supervisor.Track{Need: supervisor.NeedCarrier, Reverse: true}))
	s.tell(supervisor.Start{}, link(), unit(active), good, uplink(true))
	s.out(supervisor.ReasonTrack)
	s.tell(uplink(false))
	s.in()
}

func TestEachNeedIsMetByItsOwn(t *testing.T) {
	gone := supervisor.LinkChanged{Interface: "eth1"}
	off := supervisor.LinkChanged{Interface: "eth1", Exists: true}
	with := func(p string) supervisor.LinkChanged {
		l := uplink(true)
		l.Addresses = []netip.Prefix{netip.MustParsePrefix(p)}
		return l
	}
	that := netip.MustParseAddr("10.1.0.5")
	for _, c := range []struct {
		name   string
		track  supervisor.Track
		levels []supervisor.LinkChanged
		met    []bool
	}{
		{"admin", supervisor.Track{Need: supervisor.NeedAdmin}, []supervisor.LinkChanged{gone, off, uplink(false), uplink(true)}, []bool{false, false, true, true}},
		{"carrier", supervisor.Track{Need: supervisor.NeedCarrier}, []supervisor.LinkChanged{gone, off, uplink(false), uplink(true)}, []bool{false, false, false, true}},
		{"address", supervisor.Track{Need: supervisor.NeedAddress}, []supervisor.LinkChanged{uplink(true), with("fe80::1/64"), with("10.1.0.5/24"), with("10.1.0.7/24")}, []bool{false, false, true, true}},
		{"that address", supervisor.Track{Need: supervisor.NeedAddress, Address: that}, []supervisor.LinkChanged{uplink(true), with("10.1.0.7/24"), with("10.1.0.5/24")}, []bool{false, false, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := play(t, tracking(c.track))
			s.tell(supervisor.Start{}, link(), unit(active), good)
			for i, l := range c.levels {
				s.tell(l)
				if met := s.node.Router("web").Reason == ""; met != c.met[i] {
					t.Errorf("%s, %v: met %v (%s)", l, l.Enabled, met, s.node.Router("web").Detail)
				}
			}
		})
	}
}

// What keepalived's users wait for the other node's timer for happens at once.
func TestAWeightThatDropsBelowThePeerMovesTheAddressAtOnce(t *testing.T) {
	cfg := tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -60})
	cfg.Routers[0].VRRP.PeerPriority = 100
	s := holding(t, cfg)
	s.tell(uplink(true))
	s.wants(s.tell(uplink(false)), "web note priority", "web send priority 0", "web disown", "web ACTIVE -> BACKUP (outranked)")
}

func TestWhatIsTrackedMayChangeWithoutARestart(t *testing.T) {
	cfg := tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -20})
	s := holding(t, cfg)
	s.tell(uplink(false))
	next := tracking(supervisor.Track{Need: supervisor.NeedCarrier, Weight: -30})
	got := s.tell(supervisor.Reconfigured{Config: next})
	s.wants(got, "configure", "web note priority")
	s.state("web", vrrp.Active)
	if p := s.node.Router("web").Priority; p != 120 {
		t.Errorf("priority %d", p)
	}
}

// What a reload adds to the tracked is not known for a moment: that is no reason to leave.
func TestAReloadThatTracksOneMoreInterfaceKeepsTheState(t *testing.T) {
	s := holding(t, base())
	cfg := tracking(supervisor.Track{Need: supervisor.NeedCarrier})
	s.wants(s.tell(supervisor.Reconfigured{Config: cfg}), "configure")
	s.state("web", vrrp.Active)
	s.wants(s.tell(uplink(true)))
	s.state("web", vrrp.Active)
	s.wants(s.tell(uplink(false)), "web send priority 0", "web disown", "web ACTIVE -> FAULT (track)")
}
