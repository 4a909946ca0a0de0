package notifynet

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// maxWaiting is how many transitions of one router or group wait for a hook before them;
// of more only the last counts.
const maxWaiting = 8

// How long hooks may hold up the daemon's end: the one that is under way, all, and what a
// kernel that does not end them may add.
const (
	underWay   = 500 * time.Millisecond
	altogether = 2400 * time.Millisecond
	atMost     = 3 * time.Second
)

// Hooks runs the hooks of a node, those of transitions one after the other in the order
// of the transitions. One that is asked before a router becomes Active waits for nobody.
type Hooks struct {
	log    *slog.Logger
	wake   chan struct{} // has capacity 1
	done   chan struct{} // closed when the queue has ended
	asking *asking

	mu      sync.Mutex
	ctx     context.Context // of what is run next
	cancel  context.CancelFunc
	waiting []entry
	atStop  []entry // wait for Close
	closed  bool
}

// entry is what the queue runs without a pause: what one transition, or one reassert, has
// run.
type entry struct {
	calls    []call
	of       subject
	reassert bool
}

// NewHooks starts with an empty queue.
func NewHooks(log *slog.Logger) *Hooks {
	h := &Hooks{log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.asking = newAsking(log)
	go h.run()
	return h
}

// Moved runs what a transition has run: the hook of the state, then notify.
func (h *Hooks) Moved(t Transition, hooks supervisor.Hooks) {
	e := entry{of: &t}
	if on := hooks.On(t.To); on.Set() {
		e.calls = append(e.calls, call{name: stateKey(t), hook: *on, of: &t})
	}
	if hooks.Notify.Set() {
		e.calls = append(e.calls, call{name: "notify", hook: hooks.Notify, args: t.arguments(), of: &t})
	}
	if len(e.calls) > 0 {
		h.put(e)
	}
}

// stateKey is the configuration's word for the hook of a state.
func stateKey(t Transition) string {
	if word := KeepalivedWord(t.To); word != "MASTER" {
		return strings.ToLower(word)
	}
	return "active"
}

// Reassert runs a reassert hook in its turn, unless it waits for that already.
func (h *Hooks) Reassert(t Transition, hook supervisor.Hook) {
	h.put(entry{of: &t, reassert: true, calls: []call{{name: "reassert", hook: hook, of: &t}}})
}

func (h *Hooks) put(e entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return
	case e.of.stops():
		h.atStop = append(h.atStop, e)
		return
	case e.reassert && slices.ContainsFunc(h.waiting, e.repeats):
		return
	}
	h.makeRoom(e)
	h.waiting = append(h.waiting, e)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (e *entry) repeats(o entry) bool { return o.reassert && o.of.key() == e.of.key() }

// makeRoom takes out what a hook that takes too long has let pile up.
func (h *Hooks) makeRoom(e entry) {
	same := func(o entry) bool { return o.of.key() == e.of.key() }
	var old []entry
	for _, o := range h.waiting {
		if same(o) {
			old = append(old, o)
		}
	}
	if len(old) < maxWaiting {
		return
	}
	h.waiting = slices.DeleteFunc(h.waiting, same)
	h.skip(old, "the hooks before them take too long")
}

// skip says which transitions no hook is told of.
func (h *Hooks) skip(list []entry, why string) {
	var words []string
	for _, e := range list {
		if !e.reassert {
			words = append(words, e.of.word())
		}
	}
	if len(words) > 0 {
		of := list[0].of
		of.logger(h.log).Warn(fmt.Sprintf("%s: its hooks are not told of %s: %s", of.name(), strings.Join(words, ", "), why), logbook.As(logbook.HookSkipped))
	}
}

func (h *Hooks) run() {
	defer close(h.done)
	for {
		e, ctx, ok := h.next()
		switch {
		case !ok:
			return
		case len(e.calls) == 0:
			<-h.wake
		case ctx.Err() != nil:
			h.skip([]entry{e}, "the daemon ends, and there is no time left")
		}
		for _, c := range e.calls {
			if ctx.Err() == nil {
				c.run(ctx, h.log)
			}
		}
	}
}

// next is the next entry, an empty one if there is none now; false: there will be none.
func (h *Hooks) next() (entry, context.Context, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		return entry{}, nil, !h.closed
	}
	e := h.waiting[0]
	h.waiting = slices.Delete(h.waiting, 0, 1)
	return e, h.ctx, true
}

// Close runs what the daemon's end has run, now that the addresses are gone, and ends
// everything else.
func (h *Hooks) Close() {
	h.asking.close()
	h.mu.Lock()
	cancel := h.cancel
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.closed = true
	last := func(o entry) bool { // the stop comes after it
		return slices.ContainsFunc(h.atStop, func(e entry) bool { return e.of.key() == o.of.key() })
	}
	for _, o := range h.waiting {
		if last(o) {
			h.skip([]entry{o}, "the daemon ends")
		}
	}
	h.waiting = append(slices.DeleteFunc(h.waiting, last), h.atStop...)
	h.mu.Unlock()

	defer time.AfterFunc(underWay, cancel).Stop()
	defer time.AfterFunc(altogether, h.cancel).Stop()
	defer cancel()
	defer h.cancel()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	select {
	case <-h.done:
	case <-time.After(atMost):
		h.log.Error("a hook cannot be ended: is it on a disk or a network that does not answer?", logbook.As(logbook.HookFailed))
	}
}
