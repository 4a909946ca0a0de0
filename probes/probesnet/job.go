package probesnet

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

const (
	// atWork is how long a look may have its worker to itself: what is not over by then
	// waits for somebody else, which costs next to nothing.
	atWork = 100 * time.Millisecond
	// patience is how much longer than its timeout a look may take to give up.
	patience = time.Second
)

// phase is where a job is with its look.
type phase uint8

const (
	idle    phase = iota
	queued        // for a worker
	working       // has a worker
	waiting       // has none any more, and needs none
	stuck         // is long over time: only the kernel can end it
)

// job is a probe and its look under way, of which there is one at the most.
type job struct {
	looker
	index int
	cfg   probes.Config
	lane  *lane
	phase phase
	place int       // in the agenda
	due   time.Time // when the phase is to end
	start time.Time // of the last look, or of the wait for a worker
	pace  probes.Pace
	again bool // another look is to follow at once
}

// newJob returns the job of one of several probes that begin now.
func newJob(i int, c probes.Config, l looker, in *lane) *job {
	j := &job{looker: l, index: i, cfg: c, lane: in}
	j.pace, j.due = probes.NewPace(c, i, time.Now())
	return j
}

// tick goes on with what is due. A result is that of a look that cannot be made or ended.
func (j *job) tick(now time.Time) (Result, bool) {
	if now.Before(j.due) {
		return Result{}, false
	}
	switch j.phase {
	case idle:
		j.phase, j.start = queued, now
		j.lane.queue = append(j.lane.queue, j)
		j.due = now.Add(j.cfg.Interval + j.cfg.Timeout)
	case queued:
		j.due = now.Add(j.cfg.Interval + j.cfg.Timeout)
		return Result{Detail: fmt.Sprintf("not looked at for %s: too many probes of this kind take long", now.Sub(j.start).Round(time.Millisecond))}, true
	case working:
		j.phase = waiting
		j.lane.busy--
		j.due = j.start.Add(j.cfg.Timeout + patience)
	case waiting, stuck:
		j.phase = stuck
		j.due = now.Add(j.cfg.Interval)
		return Result{Detail: fmt.Sprintf("hangs in the kernel for %s, and cannot be ended: is it on a disk or a network that does not answer?", now.Sub(j.start).Round(time.Millisecond))}, true
	}
	return Result{}, false
}

// begin starts a look; the job's lane has a worker for it.
func (j *job) begin(now time.Time) {
	j.phase, j.start = working, now
	j.due = now.Add(atWork)
}

// end notes that the look is over; it tells whether its result counts.
func (j *job) end() bool {
	late := j.phase == stuck
	if j.phase == working {
		j.lane.busy--
	}
	j.lane.underway--
	j.phase, j.due = idle, j.pace.Next(j.start)
	if j.again {
		j.due = j.start
	}
	j.again = false
	return !late
}

// hurry has the next look come at once.
func (j *job) hurry(now time.Time) {
	switch j.phase {
	case idle:
		j.due = now
	case queued:
	default:
		j.again = true
	}
}
