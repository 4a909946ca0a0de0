package logbook

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Event is what an entry of the journal tells.
type Event string

// The events of a history.
const (
	Transition Event = "transition"
	Began      Event = "daemon-begins"
	Ended      Event = "daemon-ends"
	BrokeOff   Event = "daemon-breaks-off"
	Died       Event = "daemon-died" // systemd says so, or the next one's begin does
	CleanedUp  Event = "addresses-removed"
)

// Entry is an entry of the journal, as far as a history needs it.
type Entry struct {
	Event    Event
	At       time.Time     // by the clock of the time
	Up       time.Duration // since Boot, whatever the clock was set to
	Boot     string
	Router   string
	State    string
	OldState string
	Reason   string
	Peer     string
	Priority int // 0: unknown
	Message  string
}

// exitID is systemd's own record that a process of a unit ended badly.
const exitID = "98e322203f7a4ed290d09fe03c09fe15"

// mainExited begins what that record says of the main process.
const mainExited = "Main process exited, "

// Matches are journalctl's arguments for what a history is made of; an empty router is
// all of them.
func Matches(router, unit string) []string {
	var of []string
	if router != "" {
		of = []string{Router + "=" + router}
	}
	matches := append([]string(nil), of...)
	for _, s := range []vrrp.State{vrrp.Initialize, vrrp.Backup, vrrp.Active, vrrp.Fault} {
		matches = append(matches, State+"="+s.String())
	}
	matches = append(append(matches, "+"), of...)
	matches = append(matches, MessageID+"="+IDOf("", Cleaned, ""), "+")
	for _, r := range []vrrp.Reason{Begins, Ends, BreaksOff} {
		matches = append(matches, MessageID+"="+IDOf("", r, ""))
	}
	return append(matches, "+", "_PID=1", "UNIT="+unit, MessageID+"="+exitID)
}

// sourceTime is when journald was sent an entry; its other times are of when it looked.
const sourceTime = "_SOURCE_REALTIME_TIMESTAMP"

// Fields are those that Parse looks at, beside the journal's own.
func Fields() []string {
	return []string{"MESSAGE", sourceTime, MessageID, Router, State, OldState, Reason, Peer, Priority, Late}
}

var errNoEntry = errors.New("not an entry of a history")

// Parse reads a line of journalctl -o json. Anybody may write to the journal, so nothing
// is taken for granted: a field may be missing, too large, several, or bytes.
func Parse(line []byte) (Entry, error) {
	var raw fields
	if err := json.Unmarshal(line, &raw); err != nil {
		return Entry{}, err
	}
	at, up := raw.micros("__REALTIME_TIMESTAMP"), raw.micros("__MONOTONIC_TIMESTAMP")
	late := raw.micros(Late)
	if sent := raw.micros(sourceTime); sent > 0 && sent < at { // it lay in journald's socket
		late += at - sent
	}
	if late > up || late > at {
		late = 0
	}
	e := Entry{
		At: time.UnixMicro(at - late), Up: time.Duration(up-late) * time.Microsecond, Boot: raw.text("_BOOT_ID"),
		Router: raw.text(Router), State: raw.text(State), OldState: raw.text(OldState),
		Reason: raw.text(Reason), Peer: raw.text(Peer), Message: raw.text("MESSAGE"),
	}
	e.Priority, _ = strconv.Atoi(raw.text(Priority)) // 0: unknown
	switch id := raw.text(MessageID); {
	case at == 0 || e.Boot == "":
		return Entry{}, errNoEntry
	case e.State != "" && e.Router != "":
		e.Event = Transition
	case id == IDOf("", Begins, ""):
		e.Event = Began
	case id == IDOf("", Ends, ""):
		e.Event = Ended
	case id == IDOf("", BreaksOff, ""):
		e.Event = BrokeOff
	case id == IDOf("", Cleaned, "") && e.Router != "":
		e.Event = CleanedUp
	case id == exitID && strings.Contains(e.Message, mainExited):
		e.Event = Died
		_, e.Message, _ = strings.Cut(e.Message, mainExited)
	default:
		return Entry{}, errNoEntry
	}
	return e, nil
}

// fields are a JSON object of the journal.
type fields map[string]json.RawMessage

// text is a field as text that can be printed; empty: it is missing, or is none.
func (f fields) text(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, value(f[name]))
}

// value is a string, bytes as an array of numbers, or the first of several.
func value(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var numbers []uint8
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return ""
	}
	for _, n := range list {
		var b uint8
		if json.Unmarshal(n, &b) != nil {
			if json.Unmarshal(list[0], &s) == nil {
				return s
			}
			return ""
		}
		numbers = append(numbers, b)
	}
	return strings.ToValidUTF8(string(numbers), "\ufffd")
}

// maxMicros keeps times within what time.Duration holds.
const maxMicros = int64(1) << 52

// micros is a number of microseconds; 0: none, or none that can be.
func (f fields) micros(name string) int64 {
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil || n < 0 || n > maxMicros {
		return 0
	}
	return n
}
