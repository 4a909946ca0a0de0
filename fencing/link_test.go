package fencing

import (
	"testing"
	"time"
)

const patience = 1250 * time.Millisecond

var epoch = time.Unix(1_000_000, 0)

// end is one node's end of a link, with the session of its daemon.
type end struct {
	Link
	session, sequence uint64
}

// says is the next message that an end sends.
func (e *end) says(now time.Time) *Heartbeat {
	e.sequence++
	e.Sent(now, e.session, e.sequence)
	h := &Heartbeat{Node: "x", Session: e.session, Sequence: e.sequence}
	h.EchoSession, h.EchoSequence = e.Echo()
	return h
}

func (e *end) hears(t *testing.T, now time.Time, h *Heartbeat, fresh bool, want Refusal) {
	t.Helper()
	if f, r := e.Received(now, h, patience); f != fresh || r != want {
		t.Errorf("fresh %v, %q; want %v, %q", f, r, fresh, want)
	}
}

func (e *end) is(t *testing.T, now time.Time, want Hearing) {
	t.Helper()
	if got := e.Hearing(now, patience); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func TestBothWaysIsProvenByTheThirdMessage(t *testing.T) {
	a, b := end{session: 1}, end{session: 2}
	a.is(t, at(0), Silent)
	b.hears(t, at(1), a.says(at(0)), false, "")
	b.is(t, at(1), OneWay)
	a.hears(t, at(11), b.says(at(10)), true, "")
	a.is(t, at(11), BothWay)
	b.hears(t, at(21), a.says(at(20)), true, "")
	b.is(t, at(21), BothWay)
	if a.rtt != 11*time.Millisecond {
		t.Errorf("round trip %v", a.rtt)
	}
}

// pairOf is two ends that hear each other, at 100.
func pairOf(t *testing.T) (a, b *end) {
	a, b = &end{session: 1}, &end{session: 2}
	for ms := 0; ms <= 100; ms += 50 {
		b.Received(at(ms), a.says(at(ms)), patience)
		a.Received(at(ms), b.says(at(ms)), patience)
	}
	a.is(t, at(100), BothWay)
	b.is(t, at(100), BothWay)
	return a, b
}

func TestSilenceIsTold(t *testing.T) {
	a, _ := pairOf(t)
	last := at(100).Add(patience)
	a.is(t, last, BothWay)
	a.is(t, last.Add(1), Silent)
	if c := a.ends(BothWay, patience); c != last.Add(1) {
		t.Errorf("ends at %v, want %v", c, last.Add(1))
	}
}

func TestAPeerThatDoesNotHearUsIsOneWay(t *testing.T) {
	a, b := pairOf(t)
	for ms := 150; ms <= 5000; ms += 50 {
		a.says(at(ms)) // lost
		fresh, r := a.Received(at(ms), b.says(at(ms)), patience)
		if r != "" || fresh != !at(ms).After(at(100).Add(2*patience)) {
			t.Fatalf("at %d: fresh %v, %q", ms, fresh, r)
		}
	}
	a.is(t, at(5000), OneWay)
}

func TestWhatWasRecordedIsNoHeartbeat(t *testing.T) {
	a, b := pairOf(t)
	recorded := b.says(at(150))
	kept := b.says(at(200)) // never arrived
	a.hears(t, at(150), recorded, true, "")
	a.hears(t, at(160), recorded, false, RefusalReplay)
	// The other node is gone; what was kept back of it is delivered late.
	a.hears(t, at(5000), kept, false, "")
	a.is(t, at(5000), OneWay)
	// Nor does it count when we began anew since.
	again := end{session: 9}
	for range 8 {
		again.says(at(6000))
	}
	again.hears(t, at(6000), recorded, false, "")
	again.is(t, at(6000), OneWay)
}

// Records of two lives of the other daemon, by turns: each time another session than the last.
func TestOldSessionsByTurnsAreNoSignOfLife(t *testing.T) {
	a, b := pairOf(t)
	a.hears(t, at(150), b.says(at(150)), true, "")
	kept := b.says(at(200))
	for i := range 100 {
		now := at(5000 + 10*i)
		a.hears(t, now, &Heartbeat{Session: 77, Sequence: uint64(i % 10)}, false, "")
		a.hears(t, now, &Heartbeat{Session: 78, Sequence: uint64(i % 10)}, false, "")
		a.is(t, now, Silent)
	}
	// What is newer than all that was heard counts once.
	a.hears(t, at(6500), kept, false, "")
	a.is(t, at(6500), OneWay)
	a.hears(t, at(6510), &Heartbeat{Session: 77, Sequence: 99}, false, "")
	a.hears(t, at(8000), kept, false, RefusalReplay)
	a.is(t, at(8000), Silent)
}

func TestAnOldSessionDoesNotDisturbALiveOne(t *testing.T) {
	a, b := pairOf(t)
	a.hears(t, at(110), &Heartbeat{Session: 77, Sequence: 1000}, false, RefusalReplay)
	a.hears(t, at(150), b.says(at(150)), true, "")
	a.is(t, at(150), BothWay)
}

func TestADaemonThatBeganAnewIsHeard(t *testing.T) {
	a, _ := pairOf(t)
	b := &end{session: 3}
	a.hears(t, at(120), b.says(at(120)), false, RefusalReplay) // not yet: it proves nothing
	b.Received(at(130), a.says(at(130)), patience)
	a.hears(t, at(140), b.says(at(140)), true, "")
	a.is(t, at(140), BothWay)
}
