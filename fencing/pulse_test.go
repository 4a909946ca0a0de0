package fencing

import (
	"testing"
	"time"
)

func pulses() (a, b *Pulse) {
	cfg := PulseConfig{Node: "lb01", Peer: "lb02", Links: 2, Interval: 250 * time.Millisecond, Patience: patience}
	back := cfg
	back.Node, back.Peer = "lb02", "lb01"
	a, b = NewPulse(cfg, 1), NewPulse(back, 2)
	a.Begin(at(0))
	b.Begin(at(0))
	return a, b
}

// exchange lets both send what is due; carried tells which link of whom works.
func exchange(t *testing.T, ms int, a, b *Pulse, carried func(from *Pulse, link int) bool) {
	t.Helper()
	defer func() { a.Settle(at(ms)); b.Settle(at(ms)) }()
	for _, from := range []*Pulse{a, b} {
		to := b
		if from == b {
			to = a
		}
		for _, beat := range from.Beats(at(ms), Heartbeat{Class: Able, Uptime: time.Duration(ms) * time.Millisecond}) {
			if !carried(from, beat.Link) {
				continue
			}
			if r := to.Heard(at(ms), beat.Link, &beat.Heartbeat); r != "" {
				t.Fatalf("at %d: %s", ms, r)
			}
		}
	}
}

func everything(*Pulse, int) bool { return true }

func TestPulseProvesBothWays(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 1000; ms += 250 {
		exchange(t, ms, a, b, everything)
	}
	if a.Hearing() != BothWay || b.Hearing() != BothWay {
		t.Errorf("%s and %s", a.Hearing(), b.Hearing())
	}
	if peer, when := a.Peer(); peer.Node != "lb02" || when != at(1000) {
		t.Errorf("peer %q at %v", peer.Node, when)
	}
}

func TestOneLinkIsEnough(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 3000; ms += 250 {
		exchange(t, ms, a, b, func(_ *Pulse, link int) bool { return link == 1 })
	}
	if a.Hearing() != BothWay || a.Link(0).Hearing != Silent || a.Link(1).Hearing != BothWay {
		t.Errorf("%s, links %s and %s", a.Hearing(), a.Link(0).Hearing, a.Link(1).Hearing)
	}
}

func TestAOneWayCutIsSeenAtBothEnds(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 5000; ms += 250 {
		exchange(t, ms, a, b, func(from *Pulse, _ int) bool { return from == b || ms < 1000 })
	}
	if a.Hearing() != OneWay || b.Hearing() != Silent {
		t.Errorf("%s and %s, want one-way and silent", a.Hearing(), b.Hearing())
	}
}

func TestPulseRefusesItselfAndStrangers(t *testing.T) {
	a, _ := pulses()
	if r := a.Heard(at(0), 0, &Heartbeat{Node: "lb01", Session: 1, Sequence: 1}); r != RefusalOwn {
		t.Errorf("itself: %q", r)
	}
	if r := a.Heard(at(0), 0, &Heartbeat{Node: "db01", Session: 1, Sequence: 1}); r != RefusalStranger {
		t.Errorf("a stranger: %q", r)
	}
}

func TestDeadlineIsTheNextBeatOrTheEndOfPatience(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 1000; ms += 250 {
		exchange(t, ms, a, b, everything)
	}
	if d := a.Deadline(); d != at(1250) {
		t.Errorf("deadline %v, want the next beat", d)
	}
	a.cfg.Interval = time.Hour
	a.Beats(at(1250), Heartbeat{})
	if d := a.Deadline(); d.After(at(1000).Add(patience+1)) || d.Before(at(1250)) {
		t.Errorf("deadline %v, want the end of patience", d)
	}
	a.Hasten(at(1300))
	if beats := a.Beats(at(1300), Heartbeat{}); len(beats) != 2 {
		t.Errorf("%d messages after Hasten, want 2", len(beats))
	}
}

// TestADaemonHasEndedWhenItsKernelSaysSoAndAMessageIsOverdue: on one link of two; the other
// may be cut. Whatever comes takes it back.
func TestADaemonHasEndedWhenItsKernelSaysSoAndAMessageIsOverdue(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 500; ms += 250 {
		exchange(t, ms, a, b, everything)
	}
	a.Refused(at(510), 0)
	if a.Settle(at(520)); a.Ended() || a.Hearing() != BothWay {
		t.Errorf("ended %t, heard %s before a message is overdue", a.Ended(), a.Hearing())
	}
	a.Beats(at(750), Heartbeat{})
	if d := a.Deadline(); d != at(500).Add(250*time.Millisecond+250*time.Millisecond/8) {
		t.Errorf("deadline %v", d)
	}
	if a.Settle(at(790)); !a.Ended() || a.Hearing() != Silent {
		t.Errorf("ended %t, heard %s", a.Ended(), a.Hearing())
	}
	late := b.Beats(at(800), Heartbeat{})
	a.Heard(at(800), 1, &late[1].Heartbeat)
	if a.Settle(at(800)); a.Ended() || a.Hearing() != BothWay {
		t.Errorf("ended %t, heard %s after a message", a.Ended(), a.Hearing())
	}
	if a.Settle(at(3000)); a.Ended() {
		t.Error("ended by what its kernel said before its last message")
	}
}

func TestADaemonThatWasNeverHeardHasNotEnded(t *testing.T) {
	a, _ := pulses()
	a.Refused(at(100), 0)
	a.Refused(at(100), 1)
	if a.Settle(at(5000)); a.Ended() {
		t.Error("ended before it was heard")
	}
}

// A heartbeat that comes late by another link does not take back what a newer one said.
func TestTheNewestHeartbeatCounts(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 500; ms += 250 {
		exchange(t, ms, a, b, everything)
	}
	old := b.Beats(at(750), Heartbeat{Class: Able})
	b.Hasten(at(800))
	newer := b.Beats(at(800), Heartbeat{Class: Ill})
	a.Heard(at(801), 0, &newer[0].Heartbeat)
	a.Heard(at(802), 1, &old[1].Heartbeat)
	if peer, _ := a.Peer(); peer.Class != Ill {
		t.Error("an older heartbeat overruled a newer one")
	}
}

func TestAnOldSessionOnASecondLinkIsNoSignOfLife(t *testing.T) {
	a, b := pulses()
	for ms := 0; ms <= 1000; ms += 250 {
		exchange(t, ms, a, b, func(_ *Pulse, link int) bool { return link == 0 })
	}
	if r := a.Heard(at(5000), 1, &Heartbeat{Node: "lb02", Session: 77, Sequence: 1000}); r != "" {
		t.Fatalf("refused: %s", r)
	}
	a.Settle(at(5000))
	if a.Hearing() != Silent {
		t.Errorf("%s: an old session was played back", a.Hearing())
	}
	if s, n := a.links[1].Echo(); s != 77 || n != 1000 {
		t.Errorf("session %d, %d is named: want 77, 1000, so that a daemon that began anew is proven", s, n)
	}
}
