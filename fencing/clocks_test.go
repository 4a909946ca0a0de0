package fencing

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAClockThatStoodStillIsToldByTheOther: and no delay, no loss, no drift of a thousandth
// and no stop of the other node is taken for that.
func TestAClockThatStoodStillIsToldByTheOther(t *testing.T) {
	const every = 200 * time.Millisecond
	rapid.Check(t, func(t *rapid.T) {
		var c Clocks
		ahead := time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "ahead"))
		rate := time.Duration(rapid.IntRange(-900, 900).Draw(t, "ppm"))
		mine, theirs, told := time.Duration(0), ahead, time.Duration(0) // what the clocks show
		pass := func(d time.Duration) {
			mine += d
			theirs += d + d*rate/1_000_000
		}
		message := func() {
			sent := time.Unix(0, 0).Add(mine)
			pass(time.Duration(rapid.Int64Range(0, int64(every)).Draw(t, "until theirs is made")))
			uptime := theirs
			pass(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "under way")))
			told += c.Heard(time.Unix(0, 0).Add(mine), sent, uptime, every)
		}
		for range rapid.IntRange(1, 20).Draw(t, "messages before") {
			message()
			pass(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "between")))
			if rapid.Bool().Draw(t, "the other one stops") {
				mine += time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "for"))
			}
		}
		if told != 0 {
			t.Fatalf("told of %s though our clock went on", told)
		}
		sent := time.Unix(0, 0).Add(mine)
		pass(time.Duration(rapid.Int64Range(0, int64(every)).Draw(t, "narrow")))
		c.Heard(time.Unix(0, 0).Add(mine), sent, theirs, every) // this one knows it within every
		theirs += 30 * time.Second
		message()
		if told < 30*time.Second-3*time.Second-3*every || told > 31*time.Second {
			t.Fatalf("told of %s after our clock stood still for 30 s", told)
		}
	})
}

// TestQueuedMessagesTellOfAStop: what waited for a machine that was stopped names old messages of
// ours and comes at once; after the first few it is clear.
func TestQueuedMessagesTellOfAStop(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 5000; ms += 250 {
		exchange(t, ms, a, b, everything)
	}
	if s := a.Stood() + b.Stood(); s != 0 {
		t.Fatalf("stood still for %s", s)
	}
	stood := time.Duration(0)
	for n := range 20 { // lb01 stops right after 5000
		for _, beat := range b.Beats(at(5250+n*250), Heartbeat{Uptime: time.Duration(5250+n*250) * time.Millisecond}) {
			a.Heard(at(5001), beat.Link, &beat.Heartbeat)
		}
		stood += a.Stood()
	}
	if stood < 4*time.Second || stood > 5*time.Second {
		t.Errorf("stood still for %s, want some 4.7 s", stood)
	}
}
