package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	sdjournal "github.com/coreos/go-systemd/v22/journal"
)

// recordsWaiting is how many records wait for a log that does not take them; more are
// dropped and counted.
const recordsWaiting = 1024

// NewLogger writes to journald with fields where standard error is the journal, else
// as text to standard error. Writing never blocks. The function it returns waits for
// what is still to be written.
func NewLogger() (*slog.Logger, func()) {
	h := &handler{records: make(chan record, recordsWaiting), done: make(chan struct{})}
	h.write = writeText
	if ours, err := sdjournal.StderrIsJournalStream(); err == nil && ours {
		h.write = writeJournal
	}
	go h.run()
	var once sync.Once
	return slog.New(h), func() { once.Do(func() { close(h.records); <-h.done }) }
}

// record is what is written: a text and its fields.
type record struct {
	at     time.Time
	level  slog.Level
	text   string
	fields map[string]string
}

// handler is a slog.Handler that hands its records to one goroutine.
type handler struct {
	records chan record
	done    chan struct{}
	write   func(record) error
	attrs   []slog.Attr
}

func (h *handler) run() {
	defer close(h.done)
	for r := range h.records {
		_ = h.write(r) // there is nowhere to tell it
	}
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
	select {
	case h.records <- out:
	default: // the log does not take it: going on matters more
	}
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
