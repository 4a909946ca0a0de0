package daemon

import (
	"log/slog"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// recentMost is how many transitions are remembered, and how many other records: a flood of
// one kind does not push out the other.
const recentMost = 32

// RecentStatus is something that happened, as the journal has it.
type RecentStatus struct {
	Time   time.Time `json:"time"`
	Level  string    `json:"level"` // info, warning or error
	Router string    `json:"router,omitempty"`
	From   string    `json:"old_state,omitempty"` // of a transition
	State  string    `json:"state,omitempty"`
	Reason string    `json:"reason"`
	Text   string    `json:"text"`
}

// recent are the last records of the journal. Only the loop's thread uses it.
type recent struct{ moves, notes ring }

// ring is a list that forgets its beginning.
type ring struct {
	list [recentMost]RecentStatus
	n    int // how many were ever put into it
}

func (r *ring) put(s RecentStatus) {
	r.list[r.n%recentMost] = s
	r.n++
}

func (r *recent) add(at time.Time, e entry) {
	s := RecentStatus{Time: at.Round(time.Millisecond), Level: levelWord(e.level), Reason: string(e.reason), Text: e.text}
	for i := 0; i+1 < len(e.fields); i += 2 {
		text, _ := e.fields[i+1].(string)
		switch e.fields[i] {
		case logbook.Router:
			s.Router = text
		case logbook.OldState:
			s.From = text
		case logbook.State:
			s.State = text
		}
	}
	if s.State != "" && s.State != s.From {
		r.moves.put(s)
		return
	}
	s.From, s.State = "", ""
	r.notes.put(s)
}

// list is what is remembered, newest first.
func (r *recent) list() []RecentStatus {
	list := make([]RecentStatus, 0, min(r.moves.n, recentMost)+min(r.notes.n, recentMost))
	for _, one := range []*ring{&r.moves, &r.notes} {
		for i := one.n - 1; i >= max(one.n-recentMost, 0); i-- {
			list = append(list, one.list[i%recentMost])
		}
	}
	slices.SortStableFunc(list, func(a, b RecentStatus) int { return b.Time.Compare(a.Time) })
	return list
}

func levelWord(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warning"
	}
	return "info"
}
