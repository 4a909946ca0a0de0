package probes

import (
	"testing"
	"time"
)

// looksOf are the times of the first looks of many probes that are all on time.
func looksOf(n, each int, c Config, now time.Time) (all []time.Duration) {
	for i := range n {
		p, at := NewPace(c, i, now)
		for range each {
			all = append(all, at.Sub(now))
			at = p.Next(at)
		}
	}
	return all
}

// perPart counts the looks in each part of a time.
func perPart(looks []time.Duration, from, to time.Duration, parts int) (least, most int) {
	count := make([]int, parts)
	for _, at := range looks {
		if at >= from && at < to {
			count[int((at-from)*time.Duration(parts)/(to-from))]++
		}
	}
	least = len(looks)
	for _, n := range count {
		least, most = min(least, n), max(most, n)
	}
	return least, most
}

func TestManyProbesAreSpreadEvenlyFromTheFirstLookOn(t *testing.T) {
	const n, interval = 10000, 5 * time.Second
	looks := looksOf(n, 6, Config{Interval: interval}, time.Unix(1000, 0))
	// In each fiftieth of the first interval: a fiftieth of all, and the hundred that are
	// looked at in these 100 ms so that few need not wait.
	if _, most := perPart(looks, 0, interval, 50); most > n/50+100+5 {
		t.Errorf("%d looks in a fiftieth of the first interval", most)
	}
	for k := time.Duration(2); k < 5; k++ {
		if least, most := perPart(looks, k*interval, (k+1)*interval, 50); least < n/50-5 || most > n/50+5 {
			t.Errorf("%d..%d looks in a fiftieth of interval %d, want %d", least, most, k, n/50)
		}
	}
}

// What is spread evenly as a whole is so in its parts: the servers of one service, the checks
// of one kind.
func TestEveryRunOfProbesIsSpreadEvenly(t *testing.T) {
	const interval = time.Second
	for _, run := range []struct{ from, to int }{{0, 100}, {5000, 5100}, {9900, 10000}} {
		var looks []time.Duration
		for i := run.from; i < run.to; i++ {
			p, first := NewPace(Config{Interval: interval}, i, time.Unix(1000, 0))
			looks = append(looks, p.Next(first).Sub(time.Unix(1000, 0))%interval)
		}
		if least, most := perPart(looks, 0, interval, 10); least < 8 || most > 12 {
			t.Errorf("of probes %d to %d, %d..%d looks in a tenth, want 10", run.from, run.to, least, most)
		}
	}
}

func TestFewProbesAreLookedAtAtOnce(t *testing.T) {
	for i, at := range looksOf(5, 1, Config{Interval: time.Minute}, time.Unix(1000, 0)) {
		if at > time.Duration(i)*time.Millisecond {
			t.Errorf("the first look of probe %d comes after %s", i, at)
		}
	}
}

func TestAProbeKeepsItsPlace(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, tt := range []struct {
		name string
		late time.Duration // of each look
		want time.Duration // between two looks
	}{
		{"on time", 0, time.Second},
		{"always a little late", 300 * time.Millisecond, time.Second},
		{"later than half an interval", 700 * time.Millisecond, 2 * time.Second},
		{"a pause", 5300 * time.Millisecond, 6 * time.Second},
	} {
		p, first := NewPace(Config{Interval: time.Second}, 0, now)
		next := p.Next(first.Add(tt.late))
		if got := next.Sub(first); got != tt.want {
			t.Errorf("%s: the next look is %s after the first should have been, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAfterAPauseProbesAreSpreadAgain(t *testing.T) {
	const n, interval = 1000, time.Second
	start := time.Unix(1000, 0)
	resumed := start.Add(time.Hour + 300*time.Millisecond)
	var looks []time.Duration
	for i := range n {
		p, _ := NewPace(Config{Interval: interval}, i, start)
		next := p.Next(resumed) // all of them at once
		if wait := next.Sub(resumed); wait < interval/2 || wait > interval*3/2 {
			t.Fatalf("the next look of probe %d comes after %s", i, wait)
		}
		looks = append(looks, next.Sub(resumed)-interval/2)
	}
	if least, most := perPart(looks, 0, interval, 10); least < n/10-3 || most > n/10+3 {
		t.Errorf("%d..%d looks in a tenth, want %d", least, most, n/10)
	}
}

func TestWarmUpSpreadsTheFirstLooks(t *testing.T) {
	first := looksOf(1000, 1, Config{Interval: time.Second, WarmUp: 10 * time.Second}, time.Unix(1000, 0))
	if least, most := perPart(first, 0, 10*time.Second, 10); least < 97 || most > 103 {
		t.Errorf("%d..%d first looks in a tenth of the warm-up, want 100", least, most)
	}
}

func TestJitterMovesEachLookOfAProbe(t *testing.T) {
	now := time.Unix(1000, 0)
	p, at := NewPace(Config{Interval: time.Second, Jitter: 200 * time.Millisecond}, 0, now)
	seen := map[time.Duration]bool{}
	for k := 1; k <= 50; k++ {
		at = p.Next(at)
		late := at.Sub(now) - time.Duration(k)*time.Second
		if late < 0 || late >= 200*time.Millisecond {
			t.Fatalf("look %d is %s late", k, late)
		}
		seen[late] = true
	}
	if len(seen) < 45 {
		t.Errorf("only %d different times", len(seen))
	}
}
