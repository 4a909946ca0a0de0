package supervisor

import (
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// favour is that an operator wants a router to hold here. The zero value: he does not.
type favour struct {
	since time.Time
	until time.Time // zero: until the router lets go
	held  bool      // it has been Active since
}

// favours has a router come first here.
func (s *step) favours(r *router, lasts time.Duration) {
	r.favour = favour{since: s.now, held: r.machine.State() == vrrp.Active}
	if lasts > 0 {
		r.favour.until = s.now.Add(lasts)
	}
	s.handover.favours, s.restless = true, true
	s.touch(r)
}

func (s *step) disfavour(r *router) {
	r.favour = favour{}
	s.restless = true
	s.touch(r)
}

// favoured tells that an operator wants a router to hold here.
func (r *router) favoured() bool { return !r.favour.since.IsZero() }

// receives tells that a group is about to be given to this node.
func (n *Node) receives(members []*router) bool {
	return members[0].favoured() && members[0].machine.State() == vrrp.Backup
}

// favourSettles ends what an operator wanted: when its time is over, and when the router has
// let go of the addresses since.
func (s *step) favourSettles(r *router) {
	f, active := &r.favour, r.machine.State() == vrrp.Active
	switch {
	case f.since.IsZero():
	case due(s.now, f.until):
		s.note(r.cfg.Name, ReasonHandoverOver, "the time of the handover is over: the priorities decide again")
		s.disfavour(r)
	case s.linked() && s.peerHeartbeat().Maintenance.On && !r.forced: // it comes back by the priorities
		s.disfavour(r)
	case active:
		f.held = true
	case f.held, s.now.Sub(f.since) >= s.handover.patience()+orderFor && s.handover.theirs.Serial == 0 && s.handover.order.Serial == 0:
		s.disfavour(r)
	}
}
