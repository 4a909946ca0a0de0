package supervisor

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The loser of a conflict: both nodes held the addresses, and this one gave them up. It is
// told, and may have to stay out for a while, so that somebody can look at it first.

// holdOff is why a router stays out after a conflict. The zero value: it does not.
type holdOff struct {
	cause vrrp.Reason
	since time.Time
	until time.Time // zero: until an operator clears it
}

// suspicion is that a router gave way to an advert of somebody who may have held for long:
// his next heartbeat says whether that was a conflict, or only then began.
type suspicion struct {
	reason vrrp.Reason
	at     time.Time // zero: none
}

// suspect keeps that a router gave way.
func (s *step) suspect(r *router, e vrrp.Enter) {
	r.suspicion = suspicion{}
	if s.linked() && e.From == vrrp.Active && (e.Reason == vrrp.ReasonHigherAdvert || e.Reason == vrrp.ReasonHigherAddress) {
		r.suspicion = suspicion{e.Reason, s.now}
	}
}

// convict settles a suspicion by what the other node says.
func (s *step) convict(r *router, c fencing.Claim) {
	was := r.suspicion
	if was.at.IsZero() || c.Role != fencing.Holds {
		return
	}
	r.suspicion = suspicion{}
	if c.Long && s.now.Sub(was.at) < r.cfg.VRRP.DownInterval(r.cfg.VRRP.Interval) {
		s.lost(r, was.reason, false)
	}
}

// loses tells that a holder that releases loses a conflict.
func (s *step) loses(r *router, d fencing.Decision) bool {
	switch d.Rule {
	case fencing.RuleDeaf, fencing.RuleRefused, fencing.RuleExpired:
		return true
	case fencing.RuleYields:
		peer, _ := s.pulse.Peer()
		claim, _ := peer.Claim(fencing.RouterKey(r.cfg.Name), r.number)
		return d.Alarm || claim.Long
	}
	return false
}

// lost is what follows for the loser of a conflict.
func (s *step) lost(r *router, cause vrrp.Reason, noted bool) {
	if !noted {
		s.note(r.cfg.Name, ReasonConflictLost, "both nodes held the addresses, and this one has given them up (%s)", cause)
	}
	a := &s.cfg.Arbitration
	if a.HoldOff == 0 && !a.UntilCleared {
		return
	}
	h := holdOff{cause: cause, since: s.now}
	if !a.UntilCleared {
		h.until = s.now.Add(a.HoldOff)
	}
	for _, m := range s.members(r) {
		m.heldOff = h
		s.schedule.plan(m)
	}
	s.touch(r)
	if a.StopProxy {
		s.out = append(s.out, s.guard.standDown(s.now, h.until)...)
		s.touchAll()
	}
}

// heldOffFault is why a router that lost a conflict stays out.
func (s *step) heldOffFault(r *router) (vrrp.Reason, string) {
	switch h := &r.heldOff; {
	case h.since.IsZero():
		return "", ""
	case h.until.IsZero():
		return ReasonHeldOff, "it lost a conflict (" + string(h.cause) + "), and stays out until `pairkeeper clear`"
	default:
		return ReasonHeldOff, "it lost a conflict (" + string(h.cause) + "), and stays out for " + s.cfg.Arbitration.HoldOff.String()
	}
}

// holdOffTick ends a hold-off whose time is over.
func (s *step) holdOffTick(r *router) {
	if due(s.now, r.heldOff.until) {
		r.heldOff = holdOff{}
		s.touch(r)
	}
}

// clear ends all hold-offs.
func (s *step) clear() {
	for _, r := range s.routers {
		if !r.heldOff.since.IsZero() {
			s.endHoldOff(r)
		}
	}
	s.out = append(s.out, s.guard.standUp(s.now)...)
	s.touchAll()
}

func (s *step) endHoldOff(r *router) {
	r.heldOff = holdOff{}
	s.schedule.plan(r)
	s.touch(r)
}

// HeldOff names the routers that stay out after a conflict.
func (n *Node) HeldOff() (list []string) {
	for _, r := range n.routers {
		if !r.heldOff.since.IsZero() {
			list = append(list, r.cfg.Name)
		}
	}
	return list
}

// notBoth ends a hold-off where both nodes have one: each may have taken the other for the
// winner. The one that comes first comes back.
func (s *step) notBoth(r *router, peer *fencing.Heartbeat, c fencing.Claim) {
	if r.heldOff.since.IsZero() || !c.HeldOff || s.pulse.Hearing() != fencing.BothWay || s.pulse.Proven().Before(r.heldOff.since) {
		return
	}
	if s.rank(r).Before(fencing.Rank{Class: peer.Class, Favoured: c.Favoured, Priority: c.Priority, Address: s.cfg.Heartbeat.Other}) {
		for _, m := range s.members(r) {
			s.endHoldOff(m)
		}
		s.out = append(s.out, s.guard.standUp(s.now)...)
	}
}
