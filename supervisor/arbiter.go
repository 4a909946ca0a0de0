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
	ended    bool      // it was told that the other node's daemon has ended
	released time.Time // when the addresses were last given up
	heardAt  time.Time // when the other node last advertised
	heldAt   time.Time // when the other node last said that it holds
	checkAt  time.Time // when something will have lasted for long enough; zero: nothing is waited for
	bothAt   time.Time // since when both hold; zero: not so
	deafAt   time.Time // since when the other node holds, too, and shows no sign that it hears us; zero: not so
	lateAt   time.Time // when its adverts were so late that it was asked who has the addresses
	worseAt  time.Time // since when this node is worse placed than the other
	asks     bool      // it would pre-empt, and asks the other node to give the addresses up first
	firstAt  time.Time // since when the other node, which comes first, might take and does not
	rival    rival     // who else announces the addresses
}

// worseFor is how long a way to the gateway has to be lost on one side only: the other side may
// be about to lose it as well.
const worseFor = 2500 * time.Millisecond

// deafFor is how long another holder has to show no sign that it hears this node.
func (n *Node) deafFor() time.Duration { return max(6*n.cfg.Heartbeat.Interval, time.Second) }

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

// gatewayNow is the same, but one that did not answer when it was doubted is lost at once.
func (n *Node) gatewayNow() fencing.Reach {
	reach := n.gateway()
	if reach != fencing.Reached {
		return reach
	}
	for i := range n.probes {
		if p := &n.probes[i]; p.cfg.OnFail.Act == probes.Arbitrate && p.counter.State() == probes.Good && !p.unanswered {
			return fencing.Reached
		}
	}
	return fencing.Lost
}

// class ranks this node.
func (n *Node) class() fencing.Class {
	sound := n.guard.fault() == ""
	for i := range n.probes {
		if out, _ := n.probes[i].out(); out {
			sound = false
		}
	}
	return fencing.ClassOf(sound, n.gatewayNow(), n.modes[Maintenance].on())
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

// hear keeps when the other node last advertised, and tells whether it did now.
func (a *arbitration) hear(now time.Time, heard vrrp.Heard) bool {
	switch {
	case !heard.At.Equal(now):
	case heard.Priority == vrrp.PriorityRelease:
		a.heardAt = time.Time{}
	default:
		a.heardAt = now
	}
	return heard.At.Equal(now)
}

// hears tells whether the other node's adverts come.
func (s *step) hears(r *router) bool {
	at, patience := r.arbitration.heardAt, r.cfg.VRRP.Silence(r.cfg.VRRP.Interval)
	if s.awaiting() {
		return !at.IsZero()
	}
	if s.pulse.Ended() {
		patience = r.cfg.VRRP.Overdue(r.cfg.VRRP.Interval)
	}
	return !at.IsZero() && s.now.Sub(at) < patience
}

// hearsWell tells the same, and that its adverts are not even late.
func (s *step) hearsWell(r *router) bool {
	return s.hears(r) && r.arbitration.lateAt.Before(r.arbitration.heardAt)
}

// rivalled tells that an Active router has just heard another one: for how long both hold
// counts.
func (s *step) rivalled(r *router) bool {
	return s.linked() && r.machine.State() == vrrp.Active && r.machine.Heard().At.Equal(s.now)
}

// doubt has the gateway asked at once: the other node is silent, and soon it matters which
// of the two has been cut off; at the first doubt the other node's proxy, too.
func (s *step) doubt(r *router) {
	if s.linked() && s.gateway() == fencing.Reached {
		s.doubtedAt = s.now
		s.do(LookNow{Gateway: true})
	}
	if s.linked() && !r.contested() && s.asksPeer() {
		s.do(LookNow{Peer: true})
	}
}

// doubtful tells that the gateway answers, but has not done so since the other node was last
// heard, nor since that was last doubted.
func (s *step) doubtful(r *router) bool {
	_, told := s.pulse.Peer()
	at := s.gatewayAt
	return s.gateway() == fencing.Reached && (at.Before(told) || at.Before(r.arbitration.heardAt) || at.Before(s.doubtedAt))
}

// evidence is what is known of a router. That nobody answers for its addresses any more the
// machine finds out by itself.
func (s *step) evidence(r *router) fencing.Evidence {
	a := &r.arbitration
	peer, told := s.pulse.Peer()
	claim, known := peer.Claim(fencing.RouterKey(r.cfg.Name), r.number)
	if !known {
		claim.Priority = r.peer // by the file
	}
	a.checkAt = time.Time{}
	class := s.class()
	if r.forced {
		class = fencing.Able
	}
	e := fencing.Evidence{
		Holding: r.machine.State() == vrrp.Active, Carrier: true, Class: class,
		Adverts: s.hears(r), Linked: true, Hearing: s.pulse.Hearing(), Gateway: s.gateway(), Answer: s.answer(r),
		Peer:         fencing.Peer{Role: claim.Role, Class: peer.Class, Hears: claim.Hears, Asks: claim.Asks && !claim.Favoured, Granted: s.granted(r, claim), Since: !s.pulse.Proven().Before(a.released)},
		StayIsolated: s.cfg.Arbitration.KeepIsolated, Paused: s.paused, Ended: s.pulse.Ended(),
		ContestForeign: s.cfg.Arbitration.OnForeign == ContestForeign, ReleaseForeign: s.cfg.Arbitration.OnForeign == ReleaseForeign,
		PeerProxy: s.peerProxy(), GateShut: s.letGo(r),
		Frozen: s.stuck(r), Fence: s.fence.shot.Fence(), MustFence: s.cfg.Fence.After,
	}
	if e.Hearing == fencing.BothWay && claim.Role != fencing.Holds && told.After(a.heardAt) {
		e.Adverts = false // it has left since
	}
	if e.Holding && !a.heardAt.After(r.since) {
		e.Adverts = false // it may have yielded: a keepalived does not say that it does
	}
	e.Silence = !e.Adverts && e.Hearing == fencing.Silent
	if s.awaiting() {
		a.checkAt = earlier(a.checkAt, s.awaited)
	}
	if s.doubtful(r) {
		e.Gateway = fencing.Doubtful
	}
	mine, theirs := s.rank(r), fencing.Rank{Class: peer.Class, Favoured: claim.Favoured, Priority: claim.Priority, Address: s.cfg.Heartbeat.Other}
	if e.Holding && (e.Adverts || claim.Role == fencing.Holds) { // a conflict is settled as the adverts settle it
		mine.Favoured, theirs.Favoured = false, false
	}
	e.Wins = mine.Before(theirs) || r.forced
	e.Conflict = a.lasts(s.now, &a.bothAt, e.Holding && (e.Adverts || e.Answer == fencing.ByPeer || claim.Role == fencing.Holds && e.Hearing != fencing.Silent), 2*s.cfg.Heartbeat.Interval)
	e.DeafFor = a.lasts(s.now, &a.deafAt, !a.bothAt.IsZero() && !s.pulse.Proven().After(a.bothAt), s.deafFor())
	long := worseFor
	if !claim.Hears { // it is this node that has been cut off
		long = 0
	}
	e.Worse = a.lasts(s.now, &a.worseAt, e.Hearing == fencing.BothWay && peer.Class < e.Class, long)
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
	return fencing.Rank{Class: s.class(), Favoured: r.favoured(), Priority: r.machine.Priority(), Address: s.cfg.Heartbeat.Self}
}

// arbitrate tells what is to be done about a router, and what an operator should know.
func (s *step) arbitrate(r *router) fencing.Decision {
	d := fencing.Decide(s.evidence(r))
	a := &r.arbitration
	if d != a.decision {
		a.noted = a.noted && d.Rule == a.decision.Rule
		a.decision, a.since = d, s.now
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
	if (a.decision.Act == fencing.Stay || a.decision.Act == fencing.Shoot) && s.now.Before(at) {
		a.checkAt = earlier(a.checkAt, at)
		s.schedule.plan(r)
		return
	}
	a.noted = true
	s.note(r.cfg.Name, vrrp.Reason(a.decision.Rule), "%s", s.says(r, a.decision.Rule))
}

// touchWilling has the routers settle that wait for something.
func (s *step) touchWilling() {
	for _, r := range s.routers {
		if r.machine.Willing() || r.contested() {
			s.touch(r)
		}
	}
}

// asked tells that it is for the arbiter to say what a router does.
func (r *router) asked() bool {
	m := r.machine
	return m.State() == vrrp.Active || r.contested() || m.Willing() && !m.Preempting()
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
		loses := s.loses(r, d)
		r.handedOver = d.Rule == fencing.RuleHanded
		s.routerStep(r, vrrp.Yield{Reason: vrrp.Reason(d.Rule), Drain: r.handedOver})
		if loses {
			s.lost(r, vrrp.Reason(d.Rule), d.Alarm)
		}
	}
}

// endedSettles has a Backup ask sooner who has the addresses: the other node's daemon has ended.
func (s *step) endedSettles(r *router) {
	told := r.arbitration.ended
	r.arbitration.ended = s.linked() && s.pulse.Ended() && !s.awaiting() && r.machine.State() == vrrp.Backup
	if r.arbitration.ended && !told {
		s.routerStep(r, vrrp.PeerEnded{})
	}
}

// mayTake tells whether the arbiter lets the willing routers of a group rise.
func (s *step) mayTake(members []*router) bool {
	if !s.linked() {
		return true
	}
	shoot := false
	for _, m := range members {
		if m.machine.State() == vrrp.Active || m.machine.Preempting() && s.mayPreempt(m) {
			continue
		}
		if m.machine.Preempting() {
			return false
		}
		switch s.arbitrate(m).Act {
		case fencing.Take:
		case fencing.Shoot:
			shoot = true
		default:
			return false
		}
	}
	if shoot {
		s.shootFor(members)
	}
	return !shoot
}

// mayPreempt tells whether a router may come before one that advertises: not before one
// that is better off, nor one that may not hear it; but before one that must not serve. Where
// consistency is preferred it asks.
func (s *step) mayPreempt(r *router) bool {
	if s.frozen() && !r.forced {
		return false
	}
	wins := s.pulse.Hearing() == fencing.BothWay && s.evidence(r).Wins
	if s.cfg.Arbitration.Prefer == fencing.Consistency { // an advert may get lost: the other one leaves first
		s.restless = s.restless || r.arbitration.asks != wins
		r.arbitration.asks = wins
		return false
	}
	if s.pulse.Hearing() == fencing.BothWay {
		return wins
	}
	return r.keeps() && r.machine.Heard().Priority == vrrp.PriorityLastResort
}
