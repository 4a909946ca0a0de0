package board

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestStatusSaysUntilWhenAFlappingNodeWaits(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	r := daemon.RouterStatus{Name: "web", Preempts: now.Add(3 * time.Minute), Flaps: 3}
	if got := strings.Join(dampingProblem(r, now), ""); got != "web: waits until 12:03:00 before it takes over, as this node has failed 3 times of late" {
		t.Error(got)
	}
	for _, r := range []daemon.RouterStatus{{Flaps: 3}, {Preempts: now.Add(time.Minute), Flaps: 1}, {Preempts: now.Add(-time.Second), Flaps: 3}} {
		if got := dampingProblem(r, now); got != nil {
			t.Errorf("%+v: %q", r, got)
		}
	}
}
