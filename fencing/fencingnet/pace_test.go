package fencingnet

import (
	"testing"
	"time"
)

func TestAPaceBoundsWhatIsReadInAWindow(t *testing.T) {
	for _, c := range []struct{ cost, most int }{{1, paceBudget}, {toldCosts, paceBudget / toldCosts}} {
		var p pace
		now, read := time.Unix(0, 0), 0
		for end := now.Add(100 * paceWindow); now.Before(end); read++ {
			now = now.Add(time.Microsecond).Add(p.take(now, c.cost))
		}
		if read > 100*c.most || read < 99*c.most {
			t.Errorf("cost %d: %d read in 100 windows, want %d in each", c.cost, read, c.most)
		}
	}
}

func TestAPaceDoesNotDelayHeartbeats(t *testing.T) {
	var p pace
	now := time.Unix(0, 0)
	for range 1000 {
		now = now.Add(time.Millisecond)
		if d := p.take(now, toldCosts); d > 0 {
			t.Fatalf("paused for %s", d)
		}
	}
}
