package notifynet

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// asksAtOnce is how many before_active hooks run at the same time.
const asksAtOnce = 16

// patience is how much longer than its time a hook may take to end.
const patience = grace + time.Second

// asking runs the hooks that may veto: none waits for the hooks of transitions, nor for
// that of another router.
type asking struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	room   chan struct{} // asksAtOnce

	mu   sync.Mutex
	last map[string]*question // by subject.key
}

// question is one run of a before_active hook.
type question struct {
	cancel context.CancelFunc
	over   chan struct{} // closed when the hook has ended
}

func newAsking(log *slog.Logger) *asking {
	a := &asking{log: log, room: make(chan struct{}, asksAtOnce), last: map[string]*question{}}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// Ask runs a before_active hook, and tells its problem; empty: it agrees. The one before
// of the same router is void, and is ended first.
func (h *Hooks) Ask(t Transition, hook supervisor.Hook, answer func(problem string)) {
	h.asking.ask(call{name: "before_active", hook: hook, of: &t}, answer)
}

func (a *asking) ask(c call, answer func(problem string)) {
	ctx, cancel := context.WithCancel(a.ctx)
	q := &question{cancel: cancel, over: make(chan struct{})}
	a.mu.Lock()
	before := a.last[c.of.key()]
	a.last[c.of.key()] = q
	a.mu.Unlock()
	go func() {
		defer cancel()
		if before != nil {
			before.cancel()
			select {
			case <-before.over:
			case <-time.After(patience): // it cannot be ended
			}
		}
		select {
		case a.room <- struct{}{}:
			answer(a.run(ctx, q, c))
			<-a.room
		case <-ctx.Done():
			close(q.over)
		}
	}()
}

// run waits for the hook as long as its time allows, even where the kernel cannot end it.
func (a *asking) run(ctx context.Context, q *question, c call) string {
	began := time.Now()
	problem := make(chan string, 1)
	go func() {
		defer close(q.over)
		problem <- c.run(ctx, a.log)
	}()
	select {
	case p := <-problem:
		if p == "" {
			c.logger(a.log).Info(fmt.Sprintf("%s agrees after %s", c.who(), time.Since(began).Round(time.Millisecond)), logbook.As(logbook.HookAgreed))
		}
		return p
	case <-time.After(c.hook.Timeout + patience):
		return c.hook.Command[0] + ": hangs in the kernel, and cannot be ended: is it on a disk or a network that does not answer?"
	}
}

// close ends the hooks that are under way, as soon as they let themselves be ended.
func (a *asking) close() { a.cancel() }
