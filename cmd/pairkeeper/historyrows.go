package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// printHistory writes the table, newest first.
func printHistory(out io.Writer, rows []logbook.Row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHEN\tROUTER\tSTATE\tLASTED\tPRIORITY\tPEER\tWHY")
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.At.Format("2006-01-02 15:04:05.000"),
			dash(r.Router), stateOf(r), lasted(r), priorityOf(r), dash(r.Peer), why(r))
	}
	_ = w.Flush() // as good as out is
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func stateOf(r *logbook.Row) string {
	switch r.Event {
	case logbook.Transition:
		if r.OldState == r.State {
			return "still " + r.State
		}
		return r.OldState + " -> " + r.State
	case logbook.Began:
		return "daemon begins"
	case logbook.Ended:
		return "daemon ends"
	case logbook.BrokeOff:
		return "daemon breaks off"
	case logbook.Died:
		return "daemon ended without saying so"
	}
	return "addresses removed"
}

// lasted is how long the state lasted, in words.
func lasted(r *logbook.Row) string {
	d := span(r.Lasted)
	switch r.Length {
	case logbook.Exact:
		return d
	case logbook.SoFar:
		return d + " so far"
	case logbook.AtMost:
		return "up to " + d
	case logbook.ByClock:
		return d + " by the clock, over a reboot"
	}
	if r.Event == logbook.Transition {
		return "?"
	}
	return "-"
}

// span is ago to the millisecond where it matters.
func span(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return ago(d)
}

func priorityOf(r *logbook.Row) string {
	if r.Priority == 0 {
		return "-"
	}
	return fmt.Sprint(r.Priority)
}

// why is the reason, and of what has none in words the message.
func why(r *logbook.Row) string {
	switch {
	case r.Event != logbook.Transition:
		return dash(r.Message)
	case r.State == "FAULT":
		for _, before := range []string{"[FAULT]: ", r.Router + ": "} {
			if _, detail, ok := strings.Cut(r.Message, before); ok {
				return r.Reason + ": " + strings.TrimSuffix(detail, " ("+r.Reason+")")
			}
		}
	}
	return dash(r.Reason)
}

// historyJSON is what history --json prints.
type historyJSON struct {
	Schema int          `json:"schema"`
	Rows   []historyRow `json:"rows"`
}

type historyRow struct {
	Time     time.Time      `json:"time"`
	Event    logbook.Event  `json:"event"`
	Router   string         `json:"router,omitempty"`
	State    string         `json:"state,omitempty"`
	OldState string         `json:"old_state,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Priority int            `json:"priority,omitempty"`
	Peer     string         `json:"peer,omitempty"`
	Seconds  *float64       `json:"lasted_seconds,omitempty"`
	Length   logbook.Length `json:"lasted,omitempty"`
	Message  string         `json:"message,omitempty"`
}

func printHistoryJSON(out io.Writer, rows []logbook.Row) error {
	h := historyJSON{Schema: 1, Rows: []historyRow{}}
	for _, r := range rows {
		row := historyRow{
			Time: r.At, Event: r.Event, Router: r.Router, State: r.State, OldState: r.OldState, Reason: r.Reason,
			Priority: r.Priority, Peer: r.Peer, Length: r.Length, Message: r.Message,
		}
		if r.Length != logbook.Unknown {
			seconds := r.Lasted.Seconds()
			row.Seconds = &seconds
		}
		h.Rows = append(h.Rows, row)
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(h)
}
