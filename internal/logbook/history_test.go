package logbook

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// in is an entry at a second since a boot; the clock is that of the boot.
func in(boot string, second int, event Event, words ...string) Entry {
	e := Entry{Event: event, Boot: boot, Up: time.Duration(second) * time.Second, At: noon.Add(time.Duration(second) * time.Second)}
	if boot == "next" {
		e.At = e.At.Add(time.Hour)
	}
	for i, field := range []*string{&e.Router, &e.OldState, &e.State, &e.Reason} {
		if i < len(words) {
			*field = words[i]
		}
	}
	return e
}

// told is a history in words, oldest first.
func told(entries []Entry, now Now) string {
	entries = slices.Clone(entries)
	slices.Reverse(entries)
	rows := History(entries, now)
	slices.Reverse(rows)
	var lines []string
	for _, r := range rows {
		words := strings.Join(strings.Fields(fmt.Sprint(r.Event, " ", r.Router, " ", r.State)), " ")
		if r.Length != Unknown {
			words += fmt.Sprint(" ", r.Lasted, " ", r.Length)
		}
		lines = append(lines, words)
	}
	return strings.Join(lines, "\n")
}

func TestAHistorySaysHowLongEachStateLasted(t *testing.T) {
	began := in("this", 0, Began)
	backup := in("this", 1, Transition, "web", "INIT", "BACKUP", "started")
	active := in("this", 5, Transition, "web", "BACKUP", "ACTIVE", "alone")
	jumped := active
	jumped.At = active.At.AddDate(-20, 0, 0)
	now := Now{Boot: "this", Up: 100 * time.Second}
	for name, c := range map[string]struct {
		entries []Entry
		now     Now
		want    string
	}{
		"one after the other": {[]Entry{began, backup, active}, now,
			"daemon-begins\ntransition web BACKUP 4s exact\ntransition web ACTIVE 1m35s so-far"},
		"a clock that jumped by years": {[]Entry{jumped, began, backup}, now, // as the journal sorts it
			"daemon-begins\ntransition web BACKUP 4s exact\ntransition web ACTIVE 1m35s so-far"},
		"each router by itself": {[]Entry{backup, in("this", 2, Transition, "mail", "INIT", "BACKUP"), active}, now,
			"transition web BACKUP 4s exact\ntransition mail BACKUP 1m38s so-far\ntransition web ACTIVE 1m35s so-far"},
		"an orderly end": {[]Entry{active, in("this", 8, Transition, "web", "ACTIVE", "INIT"), in("this", 9, Ended), in("this", 20, Began)}, now,
			"transition web ACTIVE 3s exact\ntransition web INIT 1s exact\ndaemon-ends\ndaemon-begins"},
		"an end with an error": {[]Entry{active, in("this", 9, BrokeOff), in("this", 9, Died), in("this", 20, Began)}, now,
			"transition web ACTIVE 4s exact\ndaemon-breaks-off\ndaemon-begins"},
		"killed, and systemd says so": {[]Entry{active, in("this", 9, Died), in("this", 10, CleanedUp, "web"), in("this", 20, Began)}, now,
			"transition web ACTIVE 4s exact\ndaemon-died\naddresses-removed web\ndaemon-begins"},
		"killed, and nobody says so": {[]Entry{active, in("this", 20, Began)}, now,
			"transition web ACTIVE 15s at-most\ndaemon-died\ndaemon-begins"},
		"killed, and only the clean-up says so": {[]Entry{active, in("this", 10, CleanedUp, "web"), in("this", 20, Began)}, now,
			"transition web ACTIVE 5s at-most\ndaemon-died\naddresses-removed web\ndaemon-begins"},
		"refused to start": {[]Entry{in("this", 8, Ended), in("this", 9, Died)}, now,
			"daemon-ends\ndaemon-died"},
		"a power cut": {[]Entry{active, in("next", 20, Began)}, Now{Boot: "next", Up: time.Minute},
			"transition web ACTIVE 1h0m15s by-clock\ndaemon-died\ndaemon-begins"},
		"a power cut, and the clock was set back": {[]Entry{in("next", 5, Transition, "web", "BACKUP", "ACTIVE"), in("this", 20, Began)}, now,
			"transition web ACTIVE\ndaemon-died\ndaemon-begins"},
		"nothing since a reboot": {[]Entry{active}, Now{Boot: "next", Up: time.Minute},
			"transition web ACTIVE"},
		"another cause of a fault": {[]Entry{in("this", 5, Transition, "web", "BACKUP", "FAULT", "link-down"), in("this", 8, Transition, "web", "FAULT", "FAULT", "proxy-down"), in("this", 9, Transition, "web", "FAULT", "BACKUP")}, now,
			"transition web FAULT 3s exact\ntransition web FAULT 1s exact\ntransition web BACKUP 1m31s so-far"},
		"a time from the future": {[]Entry{active}, Now{Boot: "this", Up: time.Second},
			"transition web ACTIVE"},
		"nothing": {nil, now, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := told(c.entries, c.now); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
