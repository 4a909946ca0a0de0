package vrrp

import (
	"testing"
	"time"
)

func TestSequenceIsTheClock(t *testing.T) {
	for _, tc := range []struct {
		name string
		last uint64
		wall time.Time
		want uint64
	}{
		{"whole second", 0, time.Unix(0x68000000, 0), 0x6800000000000000},
		{"half a second", 0, time.Unix(0x68000000, 5e8), 0x6800000080000000},
		{"last of a second", 0, time.Unix(0x68000000, 999_999_999), 0x68000000ffff0000},
		{"the clock went on", 0x6800000080000000, time.Unix(0x68000001, 0), 0x6800000100000000},
		{"the clock stands", 0x6800000080000000, time.Unix(0x68000000, 5e8), 0x6800000080000001},
		{"the counter runs over", 0x680000008000ffff, time.Unix(0x68000000, 5e8), 0x6800000080010000},
		{"the clock was set back by a year", 0x6800000080000000, time.Unix(0x66000000, 0), 0x6800000080000001},
		{"after 2038", 0, time.Unix(0x80000001, 0), 0x8000000100000000},
		{"the clock passes 2038", 0x7fffffff80000000, time.Unix(0x80000000, 0), 0x8000000000000000},
		{"the clock passes 2106", 0xffffffff80000000, time.Unix(0x1_0000_0000, 5e8), 0x0000000080000000},
		{"never 0", 0, time.Unix(0, 0), 1},
		{"never 0 by running over", 0xffffffffffffffff, time.Unix(0xffffff00, 0), 1},
	} {
		if got := NextSequence(tc.last, tc.wall); got != tc.want {
			t.Errorf("%s: want %#x, got %#x", tc.name, tc.want, got)
		}
	}
}

func TestSequenceAlwaysGrows(t *testing.T) {
	clock, last := time.Unix(1e9, 0), uint64(0)
	for i, jump := range []time.Duration{0, 0, time.Hour, -24 * time.Hour, time.Millisecond, 0, 8760 * time.Hour, -time.Nanosecond, time.Second} {
		clock = clock.Add(jump)
		next := NextSequence(last, clock)
		if i > 0 && !after(next, last) {
			t.Errorf("jump %d by %s: %#x after %#x", i, jump, next, last)
		}
		last = next
	}
}

func TestSequenceOfTheAuthenticationHeaderIsAboveAllHeard(t *testing.T) {
	for _, tc := range []struct {
		name string
		last uint64
		wall time.Time
		want uint64
	}{
		{"at the start", 0, time.Unix(0x68000000, 0), 0x68000000},
		{"the clock went on", 0x68000000, time.Unix(0x68000002, 0), 0x68000002},
		{"two in a second", 0x68000002, time.Unix(0x68000002, 0), 0x68000003},
		{"a peer is ahead", 0x69000000, time.Unix(0x68000002, 0), 0x69000001},
		{"never 0", 0, time.Unix(0, 0), 1},
		{"never beyond 32 bits", 0xffffffff, time.Unix(0x68000002, 0), 1},
	} {
		if got := NextSequenceAH(tc.last, tc.wall); got != tc.want {
			t.Errorf("%s: want %#x, got %#x", tc.name, tc.want, got)
		}
	}
}
