package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// The third vote: a lease at witnesses or on a disk, one for each group of routers. Who
// holds the addresses renews it, who would take them from a node that nobody hears claims it
// first, and who gave them up returns it.

// Voter is a third party that grants the lease to one node at a time: a witness, or a disk.
type Voter struct {
	Witness string // host:port, or
	Disk    string // a path
}

// String names it for people.
func (v Voter) String() string {
	if v.Disk != "" {
		return "disk " + v.Disk
	}
	return "witness " + v.Witness
}

// voting is the vote of a group, at its first router, or of a router alone.
type voting struct {
	ballot  *fencing.Ballot // nil: there are no voters
	refused refusal
}

// refusal is the first one since the other node said last that it stands by.
type refusal struct {
	asked time.Time // when the claim was sent
	at    time.Time // when the answer came; zero: there is none
}

// voter is what is known of a voter, whichever lease it was asked for.
type voter struct {
	asked   time.Time // since when it has not answered; zero: it has
	problem string    // why; empty: not known
	mute    bool      // that was told
}

func (v *voting) deadline() time.Time {
	if v.ballot == nil {
		return time.Time{}
	}
	return v.ballot.Deadline()
}

// newBallots gives the first router of each group a ballot, unless it has one that fits.
func (n *Node) newBallots(anew bool) {
	a := &n.cfg.Arbitration
	for _, r := range n.routers {
		switch {
		case len(a.Voters) == 0 || !n.linked() || n.lead(r) != r:
			r.voting = voting{}
		case anew || r.voting.ballot == nil:
			r.voting = voting{ballot: fencing.NewBallot(len(a.Voters), a.Lease)}
		}
		n.schedule.plan(r)
	}
	if anew {
		n.voters = make([]voter, len(a.Voters))
	}
}

// lead is the first router of a group, or a router alone.
func (n *Node) lead(r *router) *router { return n.members(r)[0] }

// leaseName is what a group's lease, or a router's, is called at the voters.
func leaseName(r *router) string {
	if r.cfg.Group != "" {
		return "group " + r.cfg.Group
	}
	return r.cfg.Name
}

// wishes tells that nothing but the vote, or a fence, keeps a Backup from taking.
func (a *arbitration) wishes() bool {
	switch a.decision.Act {
	case fencing.Take:
		return true
	case fencing.Stay, fencing.Shoot:
		switch a.decision.Rule {
		case fencing.RuleAwaits, fencing.RuleNoVote, fencing.RuleRefused, fencing.RuleFence:
			return true
		}
	}
	return false
}

// vote asks the voters of a group for what it wants now.
func (s *step) vote(members []*router) {
	lead := members[0]
	b := lead.voting.ballot
	if b == nil {
		return
	}
	holds := func(r *router) bool { return r.role() == fencing.Holds }
	wishes := func(r *router) bool { return r.arbitration.wishes() }
	want := slices.ContainsFunc(members, holds) || s.ready(lead) && slices.ContainsFunc(members, wishes)
	if want != b.Wanted() {
		b.Want(s.now, want)
		lead.voting.refused = refusal{}
		s.touch(lead)
	}
	for _, c := range b.Calls(s.now) {
		s.askVoter(c)
		s.do(AskVote{Router: lead.cfg.Name, Lease: leaseName(lead), Call: c})
	}
	s.schedule.plan(lead)
}

// voteTick asks again, and settles what a lease that has run out changes.
func (s *step) voteTick(r *router) {
	if due(s.now, r.voting.deadline()) {
		s.vote(s.members(r))
		s.touch(r)
	}
}

// voteCast takes the answer of a voter.
func (s *step) voteCast(ev VoteCast) {
	r := s.router(ev.Router)
	if r == nil || r.voting.ballot == nil {
		return
	}
	v := &r.voting
	before := v.ballot.Vote(s.now)
	asked, counts := v.ballot.Heard(s.now, ev.Cast)
	if !counts {
		return
	}
	s.voterHeard(ev.Cast)
	after := v.ballot.Vote(s.now)
	switch {
	case after != fencing.Refused:
		v.refused = refusal{}
	case v.refused.at.IsZero() || s.promised(r).After(v.refused.asked):
		v.refused = refusal{asked: asked, at: s.now}
	}
	if after != before || after == fencing.Refused {
		s.touch(r)
	}
	s.schedule.plan(r)
}

// promised is when the other node last said that it does not hold; zero: it said last that
// it does, or has said nothing.
func (s *step) promised(r *router) time.Time {
	peer, told := s.pulse.Peer()
	if c, ok := peer.Claim(fencing.RouterKey(r.cfg.Name), r.number); ok && c.Role == fencing.Holds {
		return time.Time{}
	}
	return told
}

// poll adds what the third party says to the evidence about a router.
func (s *step) poll(r *router, e *fencing.Evidence) {
	e.Prefer, e.Tiebreak = s.cfg.Arbitration.Prefer, s.cfg.Arbitration.Tiebreak
	v := &s.lead(r).voting
	if v.ballot != nil {
		e.Vote = v.ballot.Vote(s.now)
	}
	e.Stale = !r.arbitration.lasting(s.now, s.pulse.Proven().Add(s.cfg.Heartbeat.Patience))
	leave := e.Vote == fencing.Granted || e.Tiebreak
	switch {
	case e.Vote == fencing.Refused && !s.believes(r, v.refused):
		e.Vote = fencing.Awaited
	case leave && !e.Holding && e.Prefer == fencing.Consistency && !s.counted(r):
		e.Vote = fencing.Awaited
	}
}

// believes tells whether a refusal counts. At a hand-over the other node may not have
// returned its lease yet: then its heartbeats say that it stands by, and go on coming. Those
// that came before the claim was sent say nothing: perhaps this node was frozen since.
func (s *step) believes(r *router, f refusal) bool {
	if s.promised(r).After(f.asked) {
		return false
	}
	return r.arbitration.passed(s.now, f.at.Add(s.cfg.Heartbeat.Interval*3/2))
}

// counted tells that the other node does not count any more on what this one said last: that
// it stands by. A node without a vote holds for as long as the heartbeat's patience after it
// sent what that names: the newest such thing has come here, and may have been sent just before.
// The clocks may differ by a tenth.
func (s *step) counted(r *router) bool {
	var heard time.Time
	for i := range s.cfg.Heartbeat.Links {
		if at := s.pulse.Link(i).Heard; at.After(heard) {
			heard = at
		}
	}
	return heard.IsZero() || r.arbitration.passed(s.now, heard.Add(s.cfg.Heartbeat.Patience*11/10))
}

// lasting tells that a moment has not come; the arbiter is asked again when it has.
func (a *arbitration) lasting(now, end time.Time) bool { return !a.passed(now, end) }

// passed tells whether a moment has come; if not, the arbiter is asked again when it has.
func (a *arbitration) passed(now, at time.Time) bool {
	if !now.Before(at) {
		return true
	}
	a.checkAt = earlier(a.checkAt, at)
	return false
}

// askVoter keeps book of a call to a voter, and tells of one that does not answer.
func (s *step) askVoter(c fencing.Call) {
	switch v := &s.voters[c.Voter]; {
	case v.asked.IsZero():
		v.asked = s.now
	case !v.mute && s.now.Sub(v.asked) >= s.cfg.Arbitration.Lease/2:
		v.mute = true
		why := v.problem
		if why == "" {
			why = "no answer"
		}
		s.note("", ReasonVoterMute, "%s: %s", s.cfg.Arbitration.Voters[c.Voter], why)
	}
}

func (s *step) voterHeard(c fencing.Cast) {
	v := &s.voters[c.Voter]
	if c.Verdict == fencing.VerdictFailed {
		v.problem = c.Problem
		return
	}
	if v.mute {
		s.note("", ReasonVoterBack, "%s answers again", s.cfg.Arbitration.Voters[c.Voter])
	}
	*v = voter{}
}
