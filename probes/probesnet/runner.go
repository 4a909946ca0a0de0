// Package probesnet asks what package probes judges: it runs the configured probes
// and tells each result.
package probesnet

import (
	"context"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/words"
	"github.com/pairkeeper/pairkeeper/probes"
)

// Result is one look.
type Result struct {
	OK       bool
	Answered bool   // a whole answer came, wanted or not
	Refused  bool   // the host answered that nobody listens there
	Value    int    // of a file that has one
	Detail   string // for the operator: what was asked and what came back
	Took     time.Duration
}

// looker asks one thing. The context ends with the look's timeout; whoever cannot heed
// it is given up after some patience.
type looker interface {
	look(ctx context.Context) Result
}

// Runner looks at every probe in its interval until it ends. A goroutine of its own
// keeps the times, every look has another one: no more than there are probes.
type Runner struct {
	cancel context.CancelFunc
	ended  chan struct{}
	wake   chan func(probes.Config) bool // has capacity 1
	over   chan outcome                  // has room for every job
	agenda *agenda
	tell   func(int, Result)
}

// outcome is how a job's look ended.
type outcome struct {
	*job
	result Result
}

// Run starts the probes. It tells the results of probe cfg[i] with its index, one call
// at a time, never after ctx ended or Close returned.
func Run(ctx context.Context, cfg []probes.Config, tell func(i int, r Result)) *Runner {
	return runWith(ctx, newKit(), cfg, tell)
}

func runWith(ctx context.Context, k *kit, cfg []probes.Config, tell func(i int, r Result)) *Runner {
	lanes := newLanes()
	var jobs []*job
	for i, c := range cfg {
		in := lanes.of(c.Check)
		in.expect(c)
		jobs = append(jobs, newJob(i, c, k.looker(c), in))
	}
	return start(ctx, jobs, lanes, k.close, tell)
}

func start(ctx context.Context, jobs []*job, lanes lanes, leave func(), tell func(i int, r Result)) *Runner {
	ctx, cancel := context.WithCancel(ctx)
	r := &Runner{
		cancel: cancel, ended: make(chan struct{}), wake: make(chan func(probes.Config) bool, 1),
		over: make(chan outcome, len(jobs)), agenda: newAgenda(jobs), tell: tell,
	}
	go func() {
		defer close(r.ended)
		defer leave()
		r.run(ctx, lanes)
	}()
	return r
}

// Now makes some probes look at once, for instance all after a restart. A look that is
// under way is finished and another one follows it.
func (r *Runner) Now(which func(probes.Config) bool) {
	for {
		select {
		case r.wake <- which:
			return
		case before := <-r.wake:
			also := which
			which = func(c probes.Config) bool { return before(c) || also(c) }
		}
	}
}

// Close ends the looks and waits for them, but not for those that nothing can end.
func (r *Runner) Close() {
	r.cancel()
	<-r.ended
}

func (r *Runner) run(ctx context.Context, lanes lanes) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		r.finish(ctx)
		now := time.Now()
		for j := r.agenda.first(); j != nil && !now.Before(j.due); j = r.agenda.first() {
			res, ok := j.tick(now)
			r.agenda.moved(j)
			if ok {
				r.say(ctx, j, res)
			}
		}
		for _, l := range lanes {
			for j := l.next(); j != nil; j = l.next() {
				r.begin(ctx, j, now)
			}
		}
		timer.Reset(time.Until(r.agenda.next()))
		select {
		case <-ctx.Done():
		case o := <-r.over:
			r.end(ctx, o)
		case which := <-r.wake:
			r.hurry(which)
		case <-timer.C:
		}
	}
	r.await()
}

// finish takes note of what is over, before anything is concluded from silence.
func (r *Runner) finish(ctx context.Context) {
	for {
		select {
		case o := <-r.over:
			r.end(ctx, o)
		default:
			return
		}
	}
}

func (r *Runner) begin(ctx context.Context, j *job, now time.Time) {
	j.begin(now)
	r.agenda.moved(j)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
		defer cancel()
		start := time.Now()
		res := j.look(ctx)
		res.Took = time.Since(start)
		res.Detail = words.Visible(res.Detail)
		r.over <- outcome{j, res}
	}()
}

func (r *Runner) end(ctx context.Context, o outcome) {
	counts := o.end()
	r.agenda.moved(o.job)
	if counts {
		r.say(ctx, o.job, o.result)
	}
}

func (r *Runner) hurry(which func(probes.Config) bool) {
	now := time.Now()
	for _, j := range slices.Clone(r.agenda.jobs) { // which changes its order
		if which(j.cfg) {
			j.hurry(now)
			r.agenda.moved(j)
		}
	}
}

// say tells a result, unless the look was broken off.
func (r *Runner) say(ctx context.Context, j *job, res Result) {
	if ctx.Err() == nil {
		r.tell(j.index, res)
	}
}

// await waits for the looks that are under way, whose context has ended.
func (r *Runner) await() {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	looking := 0
	for _, j := range r.agenda.jobs {
		if j.phase == working || j.phase == waiting {
			looking++
		}
	}
	for looking > 0 {
		select {
		case o := <-r.over:
			if o.end() {
				looking--
			}
		case <-timer.C:
			return
		}
	}
}
