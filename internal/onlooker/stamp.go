//go:build linux

package onlooker

import (
	"time"

	"golang.org/x/sys/unix"
)

// Stamp is a time of the monotonic clock, which all processes share.
type Stamp time.Duration

// Now is the present.
func Now() Stamp {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // the clock is there
	return Stamp(ts.Nano())
}

// Sub is the time from t to s.
func (s Stamp) Sub(t Stamp) time.Duration { return time.Duration(s - t) }

// Add is the time d after s.
func (s Stamp) Add(d time.Duration) Stamp { return s + Stamp(d) }
