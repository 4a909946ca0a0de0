// Package probesnet asks what package probes judges: it runs the configured probes
// and tells each result.
package probesnet

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// workers bounds the looks in flight, so that many probes of a hung proxy stay small.
const workers = 8

// Result is one look.
type Result struct {
	OK       bool
	Answered bool   // a whole answer came, wanted or not
	Detail   string // for the operator: what was asked and what came back
	Took     time.Duration
}

// Runner looks at every probe in its interval until it ends.
type Runner struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{}
	wake   []chan struct{}

	telling sync.Mutex
	tell    func(int, Result)
}

// Run starts the probes. It tells the results of probe cfg[i] with its index, one call
// at a time, never after ctx ended or Close returned.
func Run(ctx context.Context, cfg []probes.Config, tell func(i int, r Result)) *Runner {
	ctx, cancel := context.WithCancel(ctx)
	r := &Runner{cancel: cancel, slots: make(chan struct{}, workers), tell: tell}
	for i, c := range cfg {
		wake := make(chan struct{}, 1)
		r.wake = append(r.wake, wake)
		p := newHTTPProbe(c)
		r.wg.Go(func() { r.run(ctx, i, p, c.Interval, wake) })
	}
	return r
}

// Now makes every probe look at once, for instance after a restart. A look that is
// under way is finished and another one follows it.
func (r *Runner) Now() {
	for _, w := range r.wake {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Close ends the looks and waits for them.
func (r *Runner) Close() {
	r.cancel()
	r.wg.Wait()
}

// run looks at one probe. The first look comes at once; the second after a random part
// of the interval, so that several probes do not march in step.
func (r *Runner) run(ctx context.Context, i int, p *httpProbe, interval time.Duration, wake <-chan struct{}) {
	gap := interval/2 + rand.N(interval/2+1)
	for {
		start := time.Now()
		res, ok := r.look(ctx, p)
		if !ok {
			return
		}
		r.say(ctx, i, res)
		timer := time.NewTimer(gap - time.Since(start))
		gap = interval
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// look waits for a free worker and asks; false: ctx ended.
func (r *Runner) look(ctx context.Context, p *httpProbe) (Result, bool) {
	select {
	case <-ctx.Done():
		return Result{}, false
	case r.slots <- struct{}{}:
	}
	defer func() { <-r.slots }()
	res := p.look(ctx)
	return res, ctx.Err() == nil
}

func (r *Runner) say(ctx context.Context, i int, res Result) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if ctx.Err() == nil {
		r.tell(i, res)
	}
}
