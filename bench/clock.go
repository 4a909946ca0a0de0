//go:build linux

package main

import (
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"
)

// stamp is a time of the monotonic clock, which all processes share.
type stamp time.Duration

func stampNow() stamp {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // the clock is there
	return stamp(ts.Nano())
}

func (s stamp) sub(t stamp) time.Duration { return time.Duration(s - t) }
func (s stamp) add(d time.Duration) stamp { return s + stamp(d) }

// awaitPhase lets a random part of a period pass, so that a fault does not always
// come at the same time after a check or an advert.
func awaitPhase(period time.Duration) {
	time.Sleep(rand.N(period + 1))
}
