package demo

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"time"
)

// logbook keeps what a daemon logs, with the time it came.
type logbook struct {
	mu    sync.Mutex
	part  []byte // of a line that is not complete
	lines []entry
}

type entry struct {
	at   time.Duration
	text string
}

// Write takes a piece of the log.
func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		line, rest, whole := bytes.Cut(l.part, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.lines = append(l.lines, entry{now(), string(line)})
		l.part = rest
	}
}

// since returns what came since then.
func (l *logbook) since(t time.Duration) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []entry
	for _, e := range l.lines {
		if e.at >= t {
			list = append(list, e)
		}
	}
	return list
}

// has tells that a text came since then.
func (l *logbook) has(text string, t time.Duration) bool {
	for _, e := range l.since(t) {
		if strings.Contains(e.text, text) {
			return true
		}
	}
	return false
}

// stamped is the time and the level before a line's text.
var stamped = regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d+ [A-Z]+ +`)

// told are the lines that tell the story: transitions, the ladder, and waiting for a
// silent peer's address.
var told = regexp.MustCompile(` -> |\((proxy|address)-[a-z-]+\)`)

// repeated begins what a transition repeats of the line before.
const repeated = " [FAULT]: "

// story picks the lines that tell what happened, without their stamps.
func story(entries []entry) []entry {
	var list []entry
	for _, e := range entries {
		if told.MatchString(e.text) {
			text := stamped.ReplaceAllString(e.text, "")
			text, _, _ = strings.Cut(text, repeated)
			list = append(list, entry{e.at, text})
		}
	}
	return list
}
