package daemon

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

func TestRecentForgetsTheOldestOfAKind(t *testing.T) {
	var r recent
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r.add(at, entry{slog.LevelError, "proxy-down", "moved", []any{logbook.Router, "web", logbook.State, "FAULT", logbook.OldState, "ACTIVE", logbook.Priority, 150}})
	for i := range 3 * recentMost {
		at = at.Add(time.Second)
		r.add(at, entry{slog.LevelWarn, "paused", fmt.Sprint("note ", i), nil})
	}
	r.add(at, entry{slog.LevelError, "vip-failed", "another cause", []any{logbook.State, "FAULT", logbook.OldState, "FAULT"}})
	list := r.list()
	if len(list) != recentMost+1 {
		t.Fatalf("%d are remembered, want %d", len(list), recentMost+1)
	}
	if first := list[0]; first.Text != "another cause" || first.State != "" {
		t.Errorf("the newest is %+v", first)
	}
	want := RecentStatus{Time: at.Add(-3 * recentMost * time.Second), Level: "error", Router: "web", From: "ACTIVE", State: "FAULT", Reason: "proxy-down", Text: "moved"}
	if last := list[recentMost]; last != want {
		t.Errorf("the flood has pushed out the transition: %+v, want %+v", last, want)
	}
}

func TestAGapInTheAdvertsBeginsAnew(t *testing.T) {
	var h hearing
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for _, c := range []struct {
		second   int
		priority uint8
		since    time.Time
	}{{10, 150, at(10)}, {11, 150, at(10)}, {14, 100, at(10)}, {18, 100, at(18)}, {19, 0, time.Time{}}, {20, 100, at(20)}} {
		h.hear(at(c.second), c.priority, 3*time.Second)
		if !h.since.Equal(c.since) {
			t.Errorf("at %d: since %s, want %s", c.second, h.since, c.since)
		}
	}
}
