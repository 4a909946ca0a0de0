package probesnet

import (
	"container/heap"
	"time"
)

// agenda has the jobs in the order in which they are due: what one of them costs grows with
// the logarithm of their number.
type agenda struct {
	jobs     []*job // a heap
	compared int    // how often two jobs were compared
}

func newAgenda(jobs []*job) *agenda {
	a := &agenda{jobs: make([]*job, 0, len(jobs))}
	for _, j := range jobs {
		heap.Push(a, j)
	}
	return a
}

// moved puts a job into its place whose due has changed.
func (a *agenda) moved(j *job) { heap.Fix(a, j.place) }

// first is the job that is due next; nil: there is none.
func (a *agenda) first() *job {
	if len(a.jobs) == 0 {
		return nil
	}
	return a.jobs[0]
}

// next is when it is due.
func (a *agenda) next() time.Time {
	if j := a.first(); j != nil {
		return j.due
	}
	return time.Now().Add(time.Hour)
}

// Len, Less, Swap, Push and Pop are for package heap.

// Len is how many jobs there are.
func (a *agenda) Len() int { return len(a.jobs) }

// Less tells which of two is due before.
func (a *agenda) Less(i, k int) bool {
	a.compared++
	return a.jobs[i].due.Before(a.jobs[k].due)
}

// Swap swaps two.
func (a *agenda) Swap(i, k int) {
	a.jobs[i], a.jobs[k] = a.jobs[k], a.jobs[i]
	a.jobs[i].place, a.jobs[k].place = i, k
}

// Push adds a job.
func (a *agenda) Push(j any) {
	j.(*job).place = len(a.jobs)
	a.jobs = append(a.jobs, j.(*job))
}

// Pop removes the last one.
func (a *agenda) Pop() any {
	last := a.jobs[len(a.jobs)-1]
	a.jobs = a.jobs[:len(a.jobs)-1]
	return last
}
