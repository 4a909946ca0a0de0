package main

import (
	"fmt"
	"strings"
	"time"
)

// moments are the forms of a moment with a day, and of one without.
var (
	days   = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05"}
	clocks = []string{"15:04:05", "15:04"}
)

// parseMoment reads a moment of the past in now's zone: a time of today, or of yesterday if
// that is still to come, a day with a time, or how long ago it is.
func parseMoment(text string, now time.Time) (time.Time, error) {
	s := strings.TrimSpace(text)
	if ago, ok := strings.CutPrefix(s, "-"); ok {
		if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
			return now.Add(-d), nil
		}
	}
	for _, form := range clocks {
		if t, err := time.Parse(form, s); err == nil {
			y, m, d := now.Date()
			at := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), now.Location())
			if at.After(now) {
				at = time.Date(y, m, d-1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), now.Location())
			}
			return at, nil
		}
	}
	for _, form := range days {
		if t, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %s is no moment: write 03:12, 03:12:05, \"2026-11-21 03:12:05\", or -5m for five minutes ago", text)
}
