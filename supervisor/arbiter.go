package supervisor

import (
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The arbiter: with a heartbeat, a router that would become Active asks it first, and one
// that is Active leaves when it says so. It gathers the evidence, fencing.Decide weighs it.

// arbitration is what the arbiter last said of a router.
type arbitration struct {
	decision fencing.Decision
	since    time.Time
	noted    bool      // an operator was told of it
	released time.Time // when the addresses were last given up
	heardAt  time.Time // when the other node last advertised
	heldAt   time.Time // when the other node last said that it holds
	checkAt  time.Time // when something will have lasted for long enough; zero: nothing is waited for
	bothAt   time.Time // since when both hold; zero: not so
	deafAt   time.Time // since when the other node holds, too, and does not hear us; zero: not so
	worseAt  time.Time // since when this node is worse placed than the other
	firstAt  time.Time // since when the other node, which comes first, might take and does not
}

// How long what may pass by itself has to last: a peer that seems deaf, a way to the
// gateway that is lost on one side only.
const (
	deafFor  = 2500 * time.Millisecond
	worseFor = 2500 * time.Millisecond
)

// linked tells that there is a heartbeat.
func (n *Node) linked() bool { return len(n.cfg.Heartbeat.Links) > 0 }

// gateway is whether the gateway answers: one target of several is enough.
func (n *Node) gateway() fencing.Reach {
	reach := fencing.Unasked
	for i := range n.probes {
		p := &n.probes[i]
		if p.cfg.OnFail.Act != probes.Arbitrate {
			continue
		}
		switch p.counter.State() {
		case probes.Good:
			return fencing.Reached
		case probes.Failed:
			reach = fencing.Lost
		}
	}
	return reach
}

// class ranks this node.
func (n *Node) class() fencing.Class {
	sound := n.guard.fault() == ""
	for i := range n.probes {
		if out, _ := n.probes[i].out(); out {
			sound = false
		}
	}
	return fencing.ClassOf(sound, n.gateway(), false)
}

// isolated is why a node must hold nothing: nobody is heard, and not even the gateway
// answers, so that it is this node that has been cut off.
func (s *step) isolated(r *router) (vrrp.Reason, string) {
	switch {
	case !s.linked() || s.cfg.Arbitration.KeepIsolated || s.gateway() != fencing.Lost:
	case s.pulse.Hearing() != fencing.Silent || s.hears(r):
	default:
		return ReasonIsolated, "neither " + s.cfg.Peer + " nor the gateway answers"
	}
	return "", ""
}

// hear keeps when the other node last advertised.
func (a *arbitration) hear(now time.Time, heard vrrp.Heard) {
	switch {
	case !heard.At.Equal(now):
	case heard.Priority == vrrp.PriorityRelease:
		a.heardAt = time.Time{}
	default:
		a.heardAt = now
	}
}

// hears tells whether the other node's adverts come.
func (s *step) hears(r *router) bool {
	at := r.arbitration.heardAt
	return !at.IsZero() && s.now.Sub(at) < r.cfg.VRRP.Silence(r.cfg.VRRP.Interval)
}

// doubt has the gateway asked at once: the other node is silent, and soon it matters which
// of the two has been cut off.
func (s *step) doubt() {
	if s.linked() && s.gateway() == fencing.Reached {
		s.doubtedAt = s.now
		s.do(LookNow{Gateway: true})
	}
}

// evidence is what is known of a router. Who answers for its addresses the machine finds
// out by itself.
func (s *step) evidence(r *router) fencing.Evidence {
	a := &r.arbitration
	peer, told := s.pulse.Peer()
	claim, _ := peer.Claim(fencing.RouterKey(r.cfg.Name), r.number)
	a.checkAt = time.Time{}
	e := fencing.Evidence{
		Holding: r.machine.State() == vrrp.Active, Carrier: true, Class: s.class(),
		Adverts: s.hears(r), Linked: true, Hearing: s.pulse.Hearing(), Gateway: s.gateway(), Answer: fencing.Nobody,
		Peer:         fencing.Peer{Role: claim.Role, Class: peer.Class, Hears: claim.Hears, Since: !s.pulse.Proven().Before(a.released)},
		StayIsolated: s.cfg.Arbitration.KeepIsolated,
	}
	if e.Hearing == fencing.BothWay && claim.Role != fencing.Holds && told.After(a.heardAt) {
		e.Adverts = false // it has left since
	}
	e.Silence = !e.Adverts && e.Hearing == fencing.Silent
	if e.Gateway == fencing.Reached && (s.gatewayAt.Before(told) || s.gatewayAt.Before(a.heardAt) || s.gatewayAt.Before(s.doubtedAt)) {
		e.Gateway = fencing.Doubtful
	}
	e.Wins = s.rank(r).Before(fencing.Rank{Class: peer.Class, Priority: claim.Priority, Address: s.cfg.Heartbeat.Other})
	e.Conflict = a.lasts(s.now, &a.bothAt, e.Holding && (e.Adverts || claim.Role == fencing.Holds && e.Hearing != fencing.Silent), 2*s.cfg.Heartbeat.Interval)
	e.DeafFor = a.lasts(s.now, &a.deafAt, e.Adverts && e.Holding && e.Hearing == fencing.OneWay, deafFor)
	e.Worse = a.lasts(s.now, &a.worseAt, e.Hearing == fencing.BothWay && peer.Class < e.Class, worseFor)
	e.Peer.Missed = a.lasts(s.now, &a.firstAt, !e.Holding && e.Hearing != fencing.Silent && claim.Role == fencing.Standby && (!e.Wins || e.Hearing == fencing.OneWay), r.cfg.VRRP.DownInterval(r.cfg.VRRP.Interval))
	s.poll(r, &e)
	s.schedule.plan(r)
	return e
}

// lasts keeps when a condition began, and tells whether it has lasted; if not, when it
// will have.
func (a *arbitration) lasts(now time.Time, since *time.Time, holds bool, long time.Duration) bool {
	switch {
	case !holds:
		*since = time.Time{}
		return false
	case since.IsZero():
		*since = now
	}
	if now.Sub(*since) >= long {
		return true
	}
	a.checkAt = earlier(a.checkAt, since.Add(long))
	return false
}

// rank is this node's place for a router.
func (s *step) rank(r *router) fencing.Rank {
	return fencing.Rank{Class: s.class(), Priority: r.machine.Priority(), Address: s.cfg.Heartbeat.Self}
}

// arbitrate tells what is to be done about a router, and what an operator should know.
func (s *step) arbitrate(r *router) fencing.Decision {
	d := fencing.Decide(s.evidence(r))
	a := &r.arbitration
	if d != a.decision {
		a.decision, a.since, a.noted = d, s.now, false
	}
	if d.Alarm && !a.noted {
		s.alarm(r)
	}
	return d
}

// alarm notes what the arbiter decided. That a Backup has to stay is told when it has
// lasted: the heartbeats of a node that dies may end a little later than its adverts.
func (s *step) alarm(r *router) {
	a := &r.arbitration
	at := a.since.Add(s.cfg.Heartbeat.Patience)
	if a.decision.Rule == fencing.RuleRefused {
		at = a.since.Add(s.cfg.Arbitration.Lease) // a dead node's
	}
	if a.decision.Act == fencing.Stay && s.now.Before(at) {
		a.checkAt = earlier(a.checkAt, at)
		s.schedule.plan(r)
		return
	}
	a.noted = true
	s.note(r.cfg.Name, vrrp.Reason(a.decision.Rule), "%s", s.ruling(a.decision.Rule))
}

// touchWilling has the routers settle that wait for something.
func (s *step) touchWilling() {
	for _, r := range s.routers {
		if r.machine.Willing() {
			s.touch(r)
		}
	}
}

// asked tells that it is for the arbiter to say what a router does.
func (r *router) asked() bool {
	m := r.machine
	return m.State() == vrrp.Active || m.Willing() && !m.Preempting()
}

// forget drops what the arbiter said of a router for which it is not asked any more: when
// it says the same again, that is news.
func (r *router) forget() {
	if !r.asked() {
		r.arbitration.decision, r.arbitration.since = fencing.Decision{}, time.Time{}
	}
}

// ruling says what a rule of the arbiter is about, by the other node's name.
func (n *Node) ruling(r fencing.Rule) string { return n.naming(rulings[r].is) }

// naming puts the other node's name into a text.
func (n *Node) naming(text string) string {
	if n.cfg.Peer == "" {
		return text
	}
	return strings.ReplaceAll(text, "the other node", n.cfg.Peer)
}

// holderSettles has an Active router leave when the arbiter says so.
func (s *step) holderSettles(r *router) {
	if !s.linked() || r.machine.State() != vrrp.Active {
		return
	}
	if d := s.arbitrate(r); d.Act == fencing.Release {
		s.routerStep(r, vrrp.Yield{Reason: vrrp.Reason(d.Rule)})
	}
}

// mayTake tells whether the arbiter lets the willing routers of a group rise.
func (s *step) mayTake(members []*router) bool {
	if !s.linked() {
		return true
	}
	for _, m := range members {
		if m.machine.State() != vrrp.Active && !s.mayTakeOne(m) {
			return false
		}
	}
	return true
}

func (s *step) mayTakeOne(r *router) bool {
	if r.machine.Preempting() {
		return s.mayPreempt(r)
	}
	return s.arbitrate(r).Act == fencing.Take
}

// mayPreempt tells whether a router may come before one that advertises: not before one
// that is better off, nor one that would not hear it; with prefer: consistency only before
// one that says that it does.
func (s *step) mayPreempt(r *router) bool {
	switch s.pulse.Hearing() {
	case fencing.BothWay:
		return s.evidence(r).Wins
	case fencing.OneWay:
		return false
	}
	return s.cfg.Arbitration.Prefer == fencing.Availability
}
