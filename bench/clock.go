//go:build linux

package main

import (
	"math/rand/v2"
	"time"
)

// awaitPhase lets a random part of a period pass, so that a fault does not always
// come at the same time after a check or an advert.
func awaitPhase(period time.Duration) {
	time.Sleep(rand.N(period + 1))
}
