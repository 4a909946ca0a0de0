// Package watch tells when the content of files and directories has changed and has been
// quiet for a while. What counts is the content: a touch, a chmod or the same written
// again is no change; a file that is replaced, or reached by another symbolic link, is
// one where its content differs.
package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Config is what to watch, and how patiently.
type Config struct {
	Paths   []string // absolute; a directory with all that is below it; what is missing may come
	Exclude []string // absolute paths that do not count
	// Named are further files and directories, which the text of a file below Paths
	// names; nil: none.
	Named func(path string, text []byte) []string

	// Zero stands for the default.
	Settle time.Duration // quiet for so long; 300ms
	Limit  time.Duration // but not waited for longer; 5s
	Audit  time.Duration // between two looks at what the kernel might not have told of; 30s
	Poll   time.Duration // between two looks where the kernel tells nothing; 2s

	// open is how to be told by the kernel; nil: inotify.
	open func() (*fsnotify.Watcher, error)
}

// Change is what a look found, told if it is another content than the look before, and
// at the first look.
type Change struct {
	Hash    string    // of everything
	Own     string    // of Paths alone, without the files that those name
	Paths   []string  // which differ, sorted; none: the first look
	Written time.Time // when the last of them was written, as well as it is known
	Problem string    // they cannot be looked at, for this reason; the rest is empty
}

// Run tells of changes, the first look at once, until ctx ends. warn is told, once, that
// the kernel gives no word of changes, and what to do.
func Run(ctx context.Context, cfg Config, tell func(Change), warn func(string)) {
	w := &watcher{cfg: cfg, tell: tell, warn: warn}
	w.cfg.defaults()
	defer func() { w.notify.close() }()
	for ctx.Err() == nil {
		w.look()
		if !w.wait(ctx) {
			return
		}
	}
}

func (c *Config) defaults() {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&c.Settle, 300*time.Millisecond)
	set(&c.Limit, 5*time.Second)
	set(&c.Audit, 30*time.Second)
	set(&c.Poll, 2*time.Second)
	if c.open == nil {
		c.open = fsnotify.NewWatcher
	}
}

// watcher is the state of one Run.
type watcher struct {
	cfg    Config
	tell   func(Change)
	warn   func(string)
	notify *notifier // nil: the kernel tells nothing
	warned bool

	tree    *tree // as last looked at
	told    *tree // as last told; nil: nothing was
	problem string
	event   time.Time // when the kernel last told of a change; zero: it did not
}

// rounds is how often a look begins anew where directories came while it was taken.
const rounds = 5

// look has the kernel tell of all that counts from now on, then looks at it. The notifier
// is a new one each time: nothing is left of directories that were replaced.
func (w *watcher) look() {
	old := w.notify
	var err error
	w.notify, err = newNotifier(w.cfg.open)
	for range rounds {
		w.tree = w.cfg.read()
		more := false
		if err == nil {
			more, err = w.notify.add(w.tree.directories())
		}
		if err != nil || !more {
			break
		}
	}
	old.close()
	if err != nil {
		w.notify.close()
		w.notify = nil
	}
	w.say(err)
	w.report()
}

// say warns once of a kernel that tells nothing.
func (w *watcher) say(err error) {
	if err != nil && !w.warned {
		w.warn(fmt.Sprintf("changes are noticed by looking every %s only: %s", w.cfg.Poll, remedy(err)))
	}
	w.warned = err != nil
}

// report tells what the look found, if it is news.
func (w *watcher) report() {
	t := w.tree
	if t.err != nil {
		if w.problem != t.err.Error() {
			w.problem = t.err.Error()
			w.tell(Change{Problem: w.problem})
		}
		return
	}
	if w.told != nil && w.told.hash() == t.hash() && w.problem == "" {
		return
	}
	c := Change{Hash: t.hash(), Own: t.own(), Written: t.modified}
	if w.told != nil {
		c.Paths, c.Written = t.differs(w.told), w.written()
	}
	w.told, w.problem = t, ""
	w.tell(c)
}

// clockSlack is how far a file's time may lie before the kernel's word of it.
const clockSlack = 30 * time.Second

// written is when the last change was made. Both the files' times and the kernel's word may
// be late, so the earlier one counts, unless a clock was set.
func (w *watcher) written() time.Time {
	at, event := w.tree.changed, w.event
	if event.IsZero() || at.Before(event) && event.Sub(at) < clockSlack {
		return at
	}
	return event
}

// wait ends when something may have changed and is quiet; false: ctx has ended.
func (w *watcher) wait(ctx context.Context) bool {
	w.event = time.Time{}
	every := w.cfg.Audit
	if w.notify == nil {
		every = w.cfg.Poll
	}
	audit := time.NewTicker(every)
	defer audit.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case ev := <-w.notify.events():
			if !w.counts(ev) {
				continue
			}
			return w.quiet(ctx)
		case err := <-w.notify.errors():
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				return w.quiet(ctx)
			}
		case <-audit.C:
			if w.glance() {
				return w.quiet(ctx)
			}
		}
	}
}

// counts tells whether an event is about something that counts.
func (w *watcher) counts(ev fsnotify.Event) bool {
	if !w.tree.counts(ev.Name) {
		return false
	}
	w.event = time.Now()
	return true
}

// glance tells, without reading any file, whether something changed since the last look.
func (w *watcher) glance() bool {
	t := w.cfg.glance(w.tree)
	if t.signature() == w.tree.signature() {
		return false
	}
	w.tree = t
	return true
}

// quiet waits until nothing has changed for a while, but not for ever.
func (w *watcher) quiet(ctx context.Context) bool {
	limit := time.NewTimer(w.cfg.Limit)
	defer limit.Stop()
	settle := time.NewTimer(w.cfg.Settle)
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-limit.C:
			return true
		case <-settle.C:
			if w.notify != nil || !w.glance() {
				return true
			}
			settle.Reset(w.cfg.Settle)
		case ev := <-w.notify.events():
			if w.counts(ev) {
				settle.Reset(w.cfg.Settle)
			}
		case <-w.notify.errors():
		}
	}
}
