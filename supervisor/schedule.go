package supervisor

import (
	"container/heap"
	"time"
)

// schedule orders routers by their deadlines: a node may have a thousand of them.
type schedule []*router

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	if s[i].deadline.Equal(s[j].deadline) {
		return s[i].number < s[j].number
	}
	return s[i].deadline.Before(s[j].deadline)
}
func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push and Pop serve package heap.
func (s *schedule) Push(x any) {
	r := x.(*router)
	r.place = len(*s)
	*s = append(*s, r)
}

// Pop removes the last one.
func (s *schedule) Pop() any {
	old := *s
	r := old[len(old)-1]
	*s = old[:len(old)-1]
	r.place = -1
	return r
}

// plan puts a router where its deadline belongs, or nowhere if it has none.
func (s *schedule) plan(r *router) {
	at := earlier(earlier(r.machine.Deadline(), r.retryAt), earlier(earlier(r.vetoUntil, r.reasserting.deadline()), earlier(r.arbitration.checkAt, r.heldOff.until)))
	at = earlier(earlier(at, r.voting.deadline()), earlier(r.drained, r.bridged.Until))
	switch {
	case r.place >= 0 && at.IsZero():
		heap.Remove(s, r.place)
	case r.place >= 0 && !at.Equal(r.deadline):
		r.deadline = at
		heap.Fix(s, r.place)
	case r.place < 0 && !at.IsZero():
		r.deadline = at
		heap.Push(s, r)
	}
	r.deadline = at
}

// first is the earliest deadline; zero: none.
func (s schedule) first() time.Time {
	if len(s) == 0 {
		return time.Time{}
	}
	return s[0].deadline
}

// due takes out the routers whose deadline has come, in order.
func (s *schedule) due(now time.Time) []*router {
	var list []*router
	for len(*s) > 0 && !now.Before((*s)[0].deadline) {
		list = append(list, heap.Pop(s).(*router))
	}
	return list
}
