package board

import (
	"fmt"
	"strings"
	"time"
)

// Ago is an age as a person says it.
func Ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Age is how long ago a moment was.
func Age(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return Ago(now.Sub(t))
}
