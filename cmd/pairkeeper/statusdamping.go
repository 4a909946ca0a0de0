package main

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// dampingProblem says of a router that waits long because its node has failed several times.
func dampingProblem(r daemon.RouterStatus, now time.Time) []string {
	if r.Flaps < 2 || !r.Preempts.After(now) {
		return nil
	}
	return []string{fmt.Sprintf("%s: waits until %s before it takes over, as this node has failed %d times of late", r.Name, r.Preempts.Format("15:04:05"), r.Flaps)}
}
