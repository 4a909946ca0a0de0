package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	sdjournal "github.com/coreos/go-systemd/v22/journal"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// LogFormat is where the log goes, and in which form. It is the value of a flag.
type LogFormat string

// The formats of the log.
const (
	LogAuto    LogFormat = "auto"    // LogJournal where standard error is the journal, else text to standard error
	LogJournal LogFormat = "journal" // to journald, with fields
	LogText    LogFormat = "text"    // to standard output, a line a record
	LogJSON    LogFormat = "json"    // to standard output, a JSON object a line
)

// String and Type complete a flag's value.
func (f *LogFormat) String() string { return string(*f) }

// Type names the value in the usage.
func (f *LogFormat) Type() string { return "format" }

// Set takes one of the formats.
func (f *LogFormat) Set(word string) error {
	if !slices.Contains([]LogFormat{LogAuto, LogJournal, LogText, LogJSON}, LogFormat(word)) {
		return errors.New("not one of auto, journal, text, json")
	}
	*f = LogFormat(word)
	return nil
}

// NewLogger makes a log of a format. Writing never blocks. The function it returns waits
// a moment for what is still to be written.
func NewLogger(f LogFormat) (*slog.Logger, func()) { return newLogger(writerOf(f)) }

func writerOf(f LogFormat) func(record) error {
	switch f {
	case LogJournal:
		return writeJournal
	case LogText:
		return writeTo(os.Stdout, textLine)
	case LogJSON:
		return writeTo(os.Stdout, jsonLine)
	}
	if ours, err := sdjournal.StderrIsJournalStream(); err == nil && ours {
		return writeJournal
	}
	return writeTo(os.Stderr, textLine)
}

func newLogger(write func(record) error) (*slog.Logger, func()) {
	q := newQueue(write)
	go q.run()
	return slog.New(&handler{queue: q}), q.flushOnce()
}

// record is what is written: a text and its fields, in the order given.
type record struct {
	at     time.Time
	level  slog.Level
	text   string
	fields []slog.Attr // each key once
	id     string      // of its kind; empty: it has none
}

// add gives a record a field, in place of one of the same name.
func (r *record) add(a slog.Attr) {
	if i := slices.IndexFunc(r.fields, func(b slog.Attr) bool { return a.Key == b.Key }); i >= 0 {
		r.fields[i] = a
		return
	}
	r.fields = append(r.fields, a)
}

// identify gives a record the id of its kind, if it is of one.
func (r *record) identify() {
	var state, reason, refusal string
	for _, a := range r.fields {
		switch a.Key {
		case logbook.State:
			state = a.Value.String()
		case logbook.Reason:
			reason = a.Value.String()
		case logbook.Refusal:
			refusal = a.Value.String()
		}
	}
	if r.id = logbook.IDOf(state, vrrp.Reason(reason), vrrp.Refusal(refusal)); r.id != "" {
		r.add(slog.String(logbook.MessageID, r.id))
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
	out := record{at: r.Time, level: r.Level, text: r.Message, fields: make([]slog.Attr, 0, len(h.attrs)+r.NumAttrs())}
	for _, a := range h.attrs {
		out.add(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		out.add(a)
		return true
	})
	out.identify()
	h.queue.put(out)
	return nil
}

// WithAttrs and WithGroup complete slog.Handler; groups are not used.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(slices.Clone(h.attrs), attrs...)
	return &c
}

// WithGroup ignores groups: journald's fields are flat.
func (h *handler) WithGroup(string) slog.Handler { return h }

// own tells a field of pairkeeper's vocabulary from one that some part of it adds.
func own(key string) bool { return strings.HasPrefix(key, logbook.Prefix) || key == logbook.MessageID }

// others are the fields that have no place of their own in a line or in the journal.
func (r *record) others() string {
	var b strings.Builder
	for _, a := range r.fields {
		if !own(a.Key) {
			fmt.Fprintf(&b, " %s=%s", a.Key, a.Value)
		}
	}
	return b.String()
}
