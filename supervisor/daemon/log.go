package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sdjournal "github.com/coreos/go-systemd/v22/journal"
)

// recordsWaiting is how many records wait for a log that does not take them: a few of
// each of a thousand routers. More are dropped and counted.
const recordsWaiting = 4096

// NewLogger writes to journald with fields where standard error is the journal, else
// as text to standard error. Writing never blocks. The function it returns waits a
// moment for what is still to be written.
func NewLogger() (*slog.Logger, func()) {
	write := writeText
	if ours, err := sdjournal.StderrIsJournalStream(); err == nil && ours {
		write = writeJournal
	}
	return newLogger(write)
}

func newLogger(write func(record) error) (*slog.Logger, func()) {
	q := &queue{records: make(chan record, recordsWaiting), end: make(chan struct{}), done: make(chan struct{}), write: write}
	go q.run()
	return slog.New(&handler{queue: q}), sync.OnceFunc(q.flush)
}

// record is what is written: a text and its fields.
type record struct {
	at     time.Time
	level  slog.Level
	text   string
	fields map[string]string
}

// queue is what waits for the one goroutine that writes.
type queue struct {
	records chan record
	dropped atomic.Uint64
	end     chan struct{} // closed when no more need be waited for
	done    chan struct{} // closed when all is written
	write   func(record) error
}

// put drops what the log does not take: going on matters more.
func (q *queue) put(r record) {
	select {
	case q.records <- r:
	default:
		q.dropped.Add(1)
	}
}

func (q *queue) run() {
	defer close(q.done)
	for {
		select {
		case r := <-q.records:
			q.say(r)
			continue
		default:
		}
		select {
		case r := <-q.records:
			q.say(r)
			q.rest()
		case <-q.end:
			return
		}
	}
}

// restTime lets records gather: waking up for each of many costs the loop more than
// handing them over.
const restTime = time.Millisecond

func (q *queue) rest() {
	select {
	case <-time.After(restTime):
	case <-q.end:
	}
}

func (q *queue) say(r record) {
	if n := q.dropped.Swap(0); n > 0 {
		r.text += fmt.Sprintf(" (%d records before it were lost: the log did not take them)", n)
	}
	_ = q.write(r) // there is nowhere to tell it
}

// flushTime is how long the end waits for a log that does not take its records.
const flushTime = 2 * time.Second

func (q *queue) flush() {
	close(q.end)
	select {
	case <-q.done:
	case <-time.After(flushTime):
	}
}

// handler is a slog.Handler that hands its records to the queue.
type handler struct {
	queue *queue
	attrs []slog.Attr
}

// Enabled leaves out what is below Info.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle queues a record.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	out := record{at: r.Time, level: r.Level, text: r.Message, fields: map[string]string{}}
	add := func(a slog.Attr) bool {
		out.fields[a.Key] = a.Value.String()
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	h.queue.put(out)
	return nil
}

// WithAttrs and WithGroup complete slog.Handler; groups are not used.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr(nil), h.attrs...), attrs...)
	return &c
}

// WithGroup ignores groups: journald's fields are flat.
func (h *handler) WithGroup(string) slog.Handler { return h }

func priority(level slog.Level) sdjournal.Priority {
	switch {
	case level >= slog.LevelError:
		return sdjournal.PriErr
	case level >= slog.LevelWarn:
		return sdjournal.PriWarning
	}
	return sdjournal.PriInfo
}

// writeJournal keeps the fields that journald accepts as names: ours.
func writeJournal(r record) error {
	fields := map[string]string{"SYSLOG_IDENTIFIER": "pairkeeper"}
	for k, v := range r.fields {
		if strings.HasPrefix(k, "PAIRKEEPER_") {
			fields[k] = v
		} else {
			r.text += fmt.Sprintf(" %s=%s", k, v)
		}
	}
	return sdjournal.Send(r.text, priority(r.level), fields)
}

// writeText writes a line as a person reads it.
func writeText(r record) error {
	text := r.text
	for k, v := range r.fields {
		if !strings.HasPrefix(k, "PAIRKEEPER_") {
			text += fmt.Sprintf(" %s=%s", k, v)
		}
	}
	_, err := fmt.Fprintf(os.Stderr, "%s %-5s %s\n", r.at.Format("15:04:05.000"), r.level, text)
	return err
}
