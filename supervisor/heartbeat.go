package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func pulseConfig(c *Config) fencing.PulseConfig {
	return fencing.PulseConfig{Node: c.Node, Peer: c.Peer, Links: len(c.Heartbeat.Links), Interval: c.Heartbeat.Interval, Patience: c.Heartbeat.Patience}
}

func (s *step) beginPulse(session uint64) {
	s.pulse = fencing.NewPulse(pulseConfig(&s.cfg), session)
	s.pulse.Begin(s.now)
}

// retunePulse goes on with another configuration.
func (s *step) retunePulse(old, cfg *Config) {
	if s.pulse == nil {
		return
	}
	s.pulse.Retuned(pulseConfig(cfg), !slices.Equal(old.Heartbeat.Links, cfg.Heartbeat.Links))
	s.pulse.Begin(s.now)
}

// heartbeat takes a message of the other node; what it changes concerns every router.
func (s *step) heartbeat(ev HeartbeatHeard) {
	if s.pulse == nil {
		return
	}
	before, _ := s.pulse.Peer()
	claims := append(s.claimed[:0], before.Claims...)
	class, freeze := before.Class, before.Freeze.On
	if r := s.pulse.Heard(s.now, ev.Link, ev.Heartbeat); r != "" {
		if ev.Heartbeat.EchoSequence == 0 && r == fencing.RefusalReplay {
			return // a daemon that has just begun, and has heard nobody yet: it is heard when it has
		}
		s.note("", vrrp.Reason(r), "a heartbeat of %s on link %d is refused: %s", ev.Heartbeat.Node, ev.Link, r.Remedy())
		return
	}
	after, at := s.pulse.Peer()
	counts := at.Equal(s.now)
	if counts {
		s.awaits(after.Restarts)
		s.compare(after, &ev)
	}
	s.claimed = claims
	s.stood(s.pulse.Stood())
	for i, r := range s.routers {
		c, ok := after.Claim(fencing.RouterKey(r.cfg.Name), i)
		if ok && c.Role == fencing.Holds {
			r.arbitration.heldAt = s.now
		}
		if ok && !c.Hears && r.machine.State() == vrrp.Active && heard(claims, c.Router) {
			s.doubt(r) // my adverts do not come there any more
		}
		if counts {
			s.convict(r, c)
			s.notBoth(r, after, c)
		}
	}
	if counts {
		s.ordersHeard(after)
	}
	if after.Class != class || after.Freeze.On != freeze || !slices.Equal(after.Claims, claims) {
		s.touchAll()
	}
}

// heard tells whether a router's adverts came, by what the other node said.
func heard(claims []fencing.Claim, router uint32) bool {
	i := slices.IndexFunc(claims, func(c fencing.Claim) bool { return c.Router == router })
	return i >= 0 && claims[i].Hears
}

// heartbeatGone tells that the other node's daemon has ended.
func (s *step) heartbeatGone(link int) {
	if s.pulse != nil {
		s.pulse.Refused(s.now, link)
	}
}

// stood has everything that is held released: this node's clocks have stood still, so that its
// gates are open for longer than the other node waits, and what it heard is old.
func (s *step) stood(d time.Duration) {
	if d == 0 {
		return
	}
	s.stoodFor += d
	s.paused = true
	s.touchAll()
}

// beat settles what the links tell now, and sends what is due.
func (s *step) beat() {
	if s.pulse == nil || !s.linked() {
		return
	}
	changed := s.pulse.Settle(s.now)
	if h := s.pulse.Hearing(); h != fencing.Silent {
		s.fenceHears(h == fencing.BothWay)
	}
	if changed {
		s.touchAll()
		s.settle()
	}
	if s.restless {
		s.restless = false
		if roles := s.roles(); roles != s.said {
			s.said = roles
			s.pulse.Hasten(s.now)
		}
	}
	if at := s.pulse.Due(); s.now.Before(at) {
		return
	}
	if s.stoodFor > 0 { // what came at once has been read by now
		s.note("", vrrp.ReasonPaused, "this host stood still for %s, with all its clocks, as %s tells", s.stoodFor.Round(time.Millisecond), s.cfg.Peer)
		s.stoodFor = 0
	}
	s.parting.told(s.now)
	for _, b := range s.pulse.Beats(s.now, s.saying()) {
		s.do(Beat{Link: b.Link, Heartbeat: b.Heartbeat})
	}
}

// roles is a number that changes with what this node claims.
func (s *step) roles() uint64 {
	h := uint64(s.class()) + 1
	if s.modes[Freeze].on() {
		h += 4
	}
	if s.restarts(s.now) > 0 {
		h += 8
	}
	if s.awaiting() {
		h += 16
	}
	for _, r := range s.routers {
		h = h*31 + uint64(r.role())
		if s.hearsWell(r) {
			h += 16
		}
		if r.asks() {
			h += 8
		}
		if r.favoured() {
			h += 4
		}
	}
	return (h*31+s.handover.shown().Serial)*31 + s.handover.consent.Serial
}

// saying is what this node tells of itself.
func (s *step) saying() fencing.Heartbeat {
	h := fencing.Heartbeat{Uptime: s.now.Sub(time.Unix(0, 0)), Version: s.cfg.Heartbeat.Version, Class: s.class(), Gateway: s.gateway(), Config: s.cfg.Heartbeat.Digest}
	h.MACs, h.Restarts = s.mine, s.restarts(s.now)
	h.Maintenance, h.Freeze = s.modes[Maintenance].notice(s.now), s.modes[Freeze].notice(s.now)
	h.Order, h.Consent = s.handover.shown(), s.handover.consent
	h.Claims = make([]fencing.Claim, len(s.routers))
	for i, r := range s.routers {
		h.Claims[i] = fencing.Claim{Router: fencing.RouterKey(r.cfg.Name), Role: r.role(), Priority: r.machine.Priority(), Hears: s.hearsWell(r), Long: s.heldLong(r), HeldOff: !r.heldOff.since.IsZero(), Asks: r.asks(), Favoured: r.favoured(), Moves: s.handover.moves(r)}
	}
	return h
}

// asks tells that a router asks the other node for its addresses.
func (r *router) asks() bool {
	return r.arbitration.asks && r.machine.Preempting() || r.favoured() && r.machine.State() == vrrp.Backup
}

// heldLong tells that a router has been Active for so long that the other node, if it heard
// this one, would have left long ago.
func (s *step) heldLong(r *router) bool {
	return r.machine.State() == vrrp.Active && s.now.Sub(r.since) > r.cfg.VRRP.DownInterval(r.cfg.VRRP.Interval)
}

// role is what this node does for a router.
func (r *router) role() fencing.Role {
	if r.leftOpen() {
		return fencing.Holds
	}
	switch r.machine.State() {
	case vrrp.Active:
		return fencing.Holds
	case vrrp.Backup:
		return fencing.Standby
	}
	return fencing.Out
}
