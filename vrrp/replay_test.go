package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

const window = 5 * time.Second

var (
	senderA = netip.MustParseAddr("10.0.0.5")
	senderB = netip.MustParseAddr("fe80::6")
	noon    = time.Unix(0x68000000, 0)
)

// at is the sequence of a sender whose clock is off noon by so much.
func at(off time.Duration) uint64 { return NextSequence(0, noon.Add(off)) }

// heard is one advert that is checked: when, and what of it is expected.
type heard struct {
	what     string
	now      time.Duration // after noon
	sequence uint64
	want     Refusal
}

func TestT54Replay(t *testing.T) {
	const year = 8760 * time.Hour
	for name, adverts := range map[string][]heard{
		"adverts in order": {
			{"first", 0, at(0), ""},
			{"second", time.Second, at(time.Second), ""},
			{"third, of the same moment", time.Second, at(time.Second) + 1, ""},
		},
		"played back": {
			{"first", 0, at(0), ""},
			{"the same", 0, at(0), RefusalReplay},
			{"second", 4 * time.Second, at(4 * time.Second), ""},
			{"the first again", 4 * time.Second, at(0), RefusalReplay},
			{"third", 9 * time.Second, at(9 * time.Second), ""},
			{"the first again, much later", 9 * time.Second, at(0), RefusalStale},
			{"fourth", 10 * time.Second, at(10 * time.Second), ""},
		},
		"played back after the sender died": {
			{"last", 0, at(0), ""},
			{"the same an hour later", time.Hour, at(0), RefusalReplay},
			{"one before it an hour later", time.Hour, at(-6 * time.Second), RefusalStale},
		},
		"played back to a router that has just started": {
			{"an old one", time.Hour, at(0), RefusalStale},
			{"an old one of the window's age", time.Hour, at(time.Hour - window), ""},
		},
		"T65 this host's clock is set, years forward and back": {
			{"before", 0, at(0), ""},
			{"in the future", year, at(time.Second), ""},
			{"in the past", -year, at(2 * time.Second), ""},
			{"played back in the past", -year, at(2 * time.Second), RefusalReplay},
		},
		"T65 the sender's clock is set forward": {
			{"before", 0, at(0), ""},
			{"after", time.Second, at(year), ""},
			{"next", 2 * time.Second, at(year + time.Second), ""},
		},
		"T65 the sender's clock is set back while it runs": {
			{"before", 0, at(0), ""},
			{"after", time.Second, NextSequence(at(0), noon.Add(-year)), ""},
			{"next", time.Hour, NextSequence(at(0)+1, noon.Add(time.Hour-year)), ""},
		},
		"the sender restarts": {
			{"before", 0, at(0), ""},
			{"after", time.Second, at(time.Second), ""},
		},
		"the sender restarts with its clock set back a little": {
			{"before", 4 * time.Second, at(4 * time.Second), ""},
			{"after", 5 * time.Second, at(2 * time.Second), RefusalReplay},
			{"when it is past where it was", 8 * time.Second, at(5 * time.Second), ""},
		},
		"the sender restarts with its clock set back much": {
			{"before", 0, at(0), ""},
			{"after", time.Second, at(-year), RefusalStale},
			{"with the clock mended", time.Minute, at(time.Minute), ""},
		},
		"the sender's clock was ahead, is mended, and the sender restarts": {
			{"before the start of ours", 0, at(time.Second), ""},
			{"jumps ahead", time.Second, at(year), ""},
			{"played back from before", 10 * time.Second, at(time.Second), RefusalStale},
			{"mended", 2 * time.Second, at(2 * time.Second), ""},
			{"goes on", 3 * time.Second, at(3 * time.Second), ""},
			{"mended, played back", 3 * time.Second, at(2 * time.Second), RefusalReplay},
		},
		"a new sender with a wrong clock": {
			{"ahead", 0, at(6 * time.Second), RefusalStale},
			{"behind", 0, at(-6 * time.Second), RefusalStale},
			{"as far ahead as it may", 0, at(window), ""},
		},
		"the sequence runs over in 2106": {
			{"before", 0xffffffff*time.Second - 0x68000000*time.Second, 0xffffffff80000000, ""},
			{"after", 0xffffffff*time.Second - 0x68000000*time.Second, 0x0000000080000000, ""},
			{"the one before again", 0xffffffff*time.Second - 0x68000000*time.Second, 0xffffffff80000000, RefusalReplay},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r Replay
			for _, h := range adverts {
				if got := r.Check(noon.Add(h.now), senderA, h.sequence, window); got != h.want {
					t.Errorf("%s: want %q, got %q", h.what, h.want, got)
				}
			}
		})
	}
}

func TestReplayWithoutWindowNeedsNoClock(t *testing.T) {
	var r Replay
	for _, h := range []heard{
		{"first", 0, 1000, ""},
		{"second", 0, 1001, ""},
		{"the same", 0, 1001, RefusalReplay},
		{"far below", 0, 1, RefusalReplay},
		{"far above", 0, 1 << 60, ""},
	} {
		if got := r.Check(noon, senderA, h.sequence, 0); got != h.want {
			t.Errorf("%s: want %q, got %q", h.what, h.want, got)
		}
	}
}

func TestReplayKnowsSendersApart(t *testing.T) {
	var r Replay
	for i, tc := range []struct {
		from string
		want Refusal
	}{
		{"10.0.0.5", ""},
		{"fe80::6%eth0", ""},
		{"::ffff:10.0.0.5", RefusalReplay},
		{"fe80::6", RefusalReplay},
	} {
		if got := r.Check(noon, netip.MustParseAddr(tc.from), at(0), window); got != tc.want {
			t.Errorf("%d, %s: want %q, got %q", i, tc.from, tc.want, got)
		}
	}
}

// Whoever signs adverts under many addresses only pushes out whoever is silent.
func TestReplayForgetsWhoeverIsUnheardForLongest(t *testing.T) {
	var r Replay
	check := func(n int, from netip.Addr, off time.Duration, want Refusal) {
		t.Helper()
		if got := r.Check(noon.Add(off), from, at(off), window); got != want {
			t.Errorf("%d, %s: want %q, got %q", n, from, want, got)
		}
	}
	check(0, senderB, 0, "")
	check(0, senderA, 0, "")
	other := netip.MustParseAddr("10.1.0.1")
	for n := range 100 {
		check(n, other, 0, "")
		other = other.Next()
		check(n, senderA, time.Duration(n+1)*time.Millisecond, "")
	}
	check(100, senderA, 100*time.Millisecond, RefusalReplay)
	check(100, senderB, 0, "") // forgotten, though within the window
}

func TestReplayIsAValue(t *testing.T) {
	var r Replay
	r.Check(noon, senderA, at(0), window)
	copied := r
	if got := copied.Check(noon, senderA, at(time.Second), window); got != "" {
		t.Error(got)
	}
	if got := r.Check(noon, senderA, at(time.Second), window); got != "" {
		t.Errorf("the copy changed it: %s", got)
	}
}

func TestReplayOfTheAuthenticationHeader(t *testing.T) {
	var r Replay
	for _, h := range []heard{
		{"first", 0, 12, ""},
		{"second", time.Second, 13, ""},
		{"the same", time.Second, 13, RefusalReplay},
		{"the first", time.Second, 12, RefusalReplay},
		{"some are lost", 2 * time.Second, 20, ""},
		{"restarted at once", 3 * time.Second, 1, RefusalReplay},
		{"restarted and missed for long enough", 5 * time.Second, 4, ""},
		{"goes on", 6 * time.Second, 5, ""},
		{"one of before the restart", 6 * time.Second, 20, ""}, // a counter cannot tell
	} {
		if got := r.CheckAH(noon.Add(h.now), senderA, h.sequence, 3*time.Second); got != h.want {
			t.Errorf("%s: want %q, got %q", h.what, h.want, got)
		}
	}
}

func TestReplayAllocatesNothing(t *testing.T) {
	var r Replay
	sequence := at(0)
	refused := false
	if n := testing.AllocsPerRun(100, func() {
		sequence++
		refused = refused || r.Check(noon, senderA, sequence, window) != ""
	}); n != 0 || refused {
		t.Errorf("%v allocations, refused: %t", n, refused)
	}
}
