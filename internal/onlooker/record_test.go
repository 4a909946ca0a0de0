//go:build linux

package onlooker

import (
	"testing"
	"time"
)

func TestMomentsAreCountedOnceEachAndLastUntilTheNextRound(t *testing.T) {
	c := &Onlooker{}
	for i, holders := range []int{0, 1, 0, 0, 2, 1, 2, 3, 1, 0} {
		c.counts = append(c.counts, count{Stamp(time.Duration(i) * time.Second), holders})
	}
	from, end := Stamp(time.Second), Stamp(7500*time.Millisecond)
	for _, tc := range []struct {
		name  string
		such  func(int) bool
		times int
		total time.Duration
	}{
		{"none", func(n int) bool { return n == 0 }, 1, 2 * time.Second},
		{"two", func(n int) bool { return n > 1 }, 2, 2500 * time.Millisecond},
		{"nine", func(n int) bool { return n == 9 }, 0, 0},
	} {
		if times, total := c.Moments(from, end, tc.such); times != tc.times || total != tc.total {
			t.Errorf("%s: %d times, %v in all; want %d, %v", tc.name, times, total, tc.times, tc.total)
		}
	}
	if got := c.TwoHolders(from, end); got != 2500*time.Millisecond {
		t.Errorf("two holders for %v", got)
	}
}
