package logbook

import (
	"cmp"
	"slices"
	"time"
)

// Row is a line of a history.
type Row struct {
	Entry
	Lasted time.Duration // the state, until it changed or the daemon ended
	Length Length        // what is known of Lasted
}

// Length is how well it is known how long a state lasted.
type Length string

// The lengths. The clock of a host may be set, so that only the time since its boot
// measures; between two boots there is nothing but the clock.
const (
	Unknown Length = ""
	Exact   Length = "exact"
	SoFar   Length = "so-far"   // it lasts
	AtMost  Length = "at-most"  // the daemon ended within that time, and nobody knows when
	ByClock Length = "by-clock" // over a reboot
)

// Now is the present of a host.
type Now struct {
	Boot string
	Up   time.Duration // CLOCK_MONOTONIC, as journald's
}

// History makes rows of entries, both newest first.
func History(entries []Entry, now Now) []Row {
	h := history{holds: map[string]int{}}
	for _, e := range inOrder(entries) {
		h.tell(e)
	}
	for _, i := range h.holds {
		if r := &h.rows[i]; r.Boot == now.Boot && now.Up >= r.Up {
			r.Lasted, r.Length = now.Up-r.Up, SoFar
		}
	}
	slices.Reverse(h.rows)
	return h.rows
}

// inOrder is oldest first; within a boot in the order of what happened, which is not that
// of the clock.
func inOrder(entries []Entry) []Entry {
	list := slices.Clone(entries)
	slices.Reverse(list)
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].Boot == list[from].Boot {
			to++
		}
		slices.SortStableFunc(list[from:to], func(a, b Entry) int { return cmp.Compare(a.Up, b.Up) })
		from = to
	}
	return list
}

// history is told from the oldest entry to the newest.
type history struct {
	rows    []Row
	holds   map[string]int // by router: the row of the state that lasts
	running bool           // a daemon, as far as is known
	last    Entry
}

func (h *history) tell(e Entry) {
	switch e.Event {
	case Transition:
		h.changed(e.Router, e, Exact)
		h.running = true
	case Began:
		h.unsaid(e)
		h.running = true
	case CleanedUp:
		h.unsaid(e)
	case Died:
		if h.last.Event == BrokeOff {
			return // that said why
		}
		h.ended(e, Exact)
		h.running = false
	case Ended, BrokeOff:
		h.ended(e, Exact)
		h.running = false
	}
	h.add(e)
	h.last = e
	if e.Event == Transition {
		h.holds[e.Router] = len(h.rows) - 1
	}
}

func (h *history) add(e Entry) { h.rows = append(h.rows, Row{Entry: e}) }

// unsaid adds the end of a daemon that nobody wrote down, before what follows it.
func (h *history) unsaid(next Entry) {
	if !h.running {
		return
	}
	h.ended(next, AtMost)
	e := Entry{Event: Died, At: next.At, Up: next.Up, Boot: next.Boot, Message: "killed, or crashed, by now"}
	if h.last.Boot != next.Boot {
		e.Message = "the host went down, by now"
	}
	h.add(e)
	h.running = false
}

// ended says that no state lasts any longer.
func (h *history) ended(e Entry, length Length) {
	for router := range h.holds {
		h.changed(router, e, length)
	}
}

// changed says that a router's state lasted until an entry, at the most.
func (h *history) changed(router string, e Entry, length Length) {
	i, ok := h.holds[router]
	if !ok {
		return
	}
	delete(h.holds, router)
	r := &h.rows[i]
	switch {
	case r.Boot == e.Boot:
		r.Lasted, r.Length = e.Up-r.Up, length
	case e.At.After(r.At):
		r.Lasted, r.Length = e.At.Sub(r.At), ByClock
	}
}
