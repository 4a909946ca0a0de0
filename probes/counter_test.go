package probes

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCounterDecides(t *testing.T) {
	tests := []struct {
		name       string
		rise, fall int
		results    string // + good, - bad
		states     string // after each result: ? unknown, G good, F failed
	}{
		{"one success is enough at the start", 3, 3, "+", "G"},
		{"one failure is not enough at the start", 3, 3, "--", "??"},
		{"fall failures are enough at the start", 3, 3, "---", "??F"},
		{"a success at the start ends the count of failures", 3, 3, "--+--", "??GGG"},
		{"a good probe fails after fall failures in a row", 2, 3, "+---", "GGGF"},
		{"a success in between starts the count again", 2, 3, "+--+--+", "GGGGGGG"},
		{"a failed probe is good after rise successes in a row", 2, 1, "-++", "FFG"},
		{"a failure in between starts the rise again", 3, 1, "-++-++", "FFFFFF"},
		{"rise and fall of one follow every result", 1, 1, "+-+-", "GFGF"},
		{"zero counts as one", 0, 0, "-+-", "FGF"},
	}
	letter := map[State]byte{Unknown: '?', Good: 'G', Failed: 'F'}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCounter(Config{Rise: tt.rise, Fall: tt.fall})
			for i, r := range tt.results {
				was := c.State()
				changed := c.Add(time.Time{}, r == '+')
				if got := letter[c.State()]; got != tt.states[i] {
					t.Fatalf("after %q: %c, want %c", tt.results[:i+1], got, tt.states[i])
				}
				if changed != (was != c.State()) {
					t.Fatalf("after %q: changed = %v from %v to %v", tt.results[:i+1], changed, was, c.State())
				}
			}
		})
	}
}

// The opinion can be read off the tail of the results, whatever came before.
func TestCounterFollowsTheTailOfTheResults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rise := rapid.IntRange(1, 5).Draw(t, "rise")
		fall := rapid.IntRange(1, 5).Draw(t, "fall")
		results := rapid.SliceOfN(rapid.Bool(), 1, 60).Draw(t, "results")
		c := NewCounter(Config{Rise: rise, Fall: fall})
		everFailed, everGood := false, false
		for i, ok := range results {
			was := c.State()
			c.Add(time.Time{}, ok)
			switch row := inARow(results[:i+1]); {
			case !ok && row >= fall && c.State() != Failed:
				t.Fatalf("%d failures in a row: %v", row, c.State())
			case ok && row >= rise && c.State() != Good:
				t.Fatalf("%d successes in a row: %v", row, c.State())
			case ok && !everFailed && c.State() != Good:
				t.Fatalf("a success before any failure: %v", c.State())
			case !ok && row < fall && c.State() != was:
				t.Fatalf("%d failures changed %v to %v", row, was, c.State())
			case ok && row < rise && was == Failed && c.State() != Failed:
				t.Fatalf("%d successes made it %v", row, c.State())
			}
			everFailed = everFailed || c.State() == Failed
			everGood = everGood || c.State() == Good
			if c.State() == Unknown && (everFailed || everGood) {
				t.Fatal("it forgot")
			}
		}
	})
}

// inARow counts the equal results at the end.
func inARow(results []bool) int {
	last, n := results[len(results)-1], 0
	for i := len(results) - 1; i >= 0 && results[i] == last; i-- {
		n++
	}
	return n
}

func TestFailuresWithinTheGraceCountForNothing(t *testing.T) {
	start := time.Unix(0, 0)
	c := NewCounter(Config{Rise: 1, Fall: 2, Grace: 10 * time.Second})
	for _, at := range []time.Duration{0, 5 * time.Second, 9999 * time.Millisecond} {
		if c.Add(start.Add(at), false) || c.State() != Unknown {
			t.Fatalf("%v after a failure at %v", c.State(), at)
		}
	}
	c.Add(start.Add(10*time.Second), false)
	if c.State() != Unknown {
		t.Fatalf("%v after the first failure that counts", c.State())
	}
	if !c.Add(start.Add(11*time.Second), false) || c.State() != Failed {
		t.Fatalf("%v after the second failure that counts", c.State())
	}
}

func TestTheGraceEndsWithTheFirstSuccess(t *testing.T) {
	start := time.Unix(0, 0)
	c := NewCounter(Config{Rise: 1, Fall: 1, Grace: time.Hour})
	c.Add(start, false)
	c.Add(start, true)
	if c.Add(start.Add(time.Second), false); c.State() != Failed {
		t.Fatalf("%v after a success and a failure", c.State())
	}
}
