package fencing

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// shooter is a Shot with a clock.
type shooter struct {
	Shot
	now time.Time
}

func newShooter(cfg ShotConfig) *shooter {
	cfg.Armed = true
	return &shooter{NewShot(cfg), time.Unix(1000, 0)}
}

func (s *shooter) pass(d time.Duration) { s.now = s.now.Add(d); s.Tick(s.now) }
func (s *shooter) hear()                { s.Heard(s.now, true) }

// wants asks as a Node does: whoever wants it, then the end of the round.
func (s *shooter) wants() bool {
	_, fire := s.Want(s.now, s.cfg.Delay)
	s.Settled(s.now)
	return fire
}

func (s *shooter) ends(problem string) bool { return s.Done(s.now, s.serial, problem) }

func (s *shooter) is(t *testing.T, want Fence) {
	t.Helper()
	if f := s.Fence(); f != want {
		t.Errorf("the fence is %s, want %s", f, want)
	}
}

func TestANodeThatWasNeverHeardIsNotShot(t *testing.T) {
	s := newShooter(ShotConfig{})
	s.is(t, NoFence)
	if s.wants() {
		t.Error("shoots")
	}
	s.Heard(s.now, false) // perhaps played back
	s.is(t, NoFence)
	s.hear()
	s.is(t, Armed)
	if !s.wants() {
		t.Error("does not shoot")
	}
}

func TestAShotIsDoneOnceInAnIncident(t *testing.T) {
	s := newShooter(ShotConfig{Retries: 3})
	s.hear()
	if !s.wants() || s.wants() {
		t.Fatal("not exactly one shot")
	}
	s.is(t, Pending)
	s.pass(20 * time.Second)
	if !s.ends("") || s.ends("") {
		t.Error("it does not end once")
	}
	s.is(t, Fenced)
	s.pass(time.Hour)
	if s.is(t, Fenced); s.wants() {
		t.Error("shoots again")
	}
	s.hear()
	s.is(t, Armed)
	if !s.wants() {
		t.Error("the next incident is not shot at")
	}
}

func TestTheSecondNodeWaits(t *testing.T) {
	s := newShooter(ShotConfig{Delay: 5 * time.Second})
	s.hear()
	if s.wants() || s.Deadline() != s.now.Add(5*time.Second) {
		t.Fatalf("until %s", s.Deadline())
	}
	s.pass(4 * time.Second)
	if s.wants() {
		t.Error("shoots early")
	}
	s.pass(time.Second)
	if !s.wants() {
		t.Error("does not shoot")
	}
}

func TestTheSecondNodeDoesNotWaitForOneThatWantsNoShot(t *testing.T) {
	s := newShooter(ShotConfig{Delay: 5 * time.Second})
	s.hear()
	if _, fire := s.Want(s.now, 0); !fire {
		t.Errorf("until %s", s.Deadline())
	}
}

func TestAWishIsForgotten(t *testing.T) {
	for name, forget := range map[string]func(*shooter){
		"when the other node is heard": func(s *shooter) { s.pass(4 * time.Second); s.hear(); s.pass(2 * time.Second) },
		"when nobody has it any more":  func(s *shooter) { s.pass(6 * time.Second); s.Settled(s.now) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShooter(ShotConfig{Delay: 5 * time.Second})
			s.hear()
			s.wants()
			forget(s)
			if s.wants() || !s.Deadline().Equal(s.now.Add(5*time.Second)) {
				t.Errorf("the wait did not begin anew: until %s", s.Deadline())
			}
		})
	}
}

func TestAShotThatFailedIsRepeated(t *testing.T) {
	s := newShooter(ShotConfig{Retries: 1})
	s.hear()
	s.wants()
	s.ends("exit 1")
	if s.is(t, Armed); s.wants() {
		t.Error("again at once")
	}
	s.pass(shotPause)
	if !s.wants() {
		t.Fatal("no second shot")
	}
	s.ends("exit 1")
	s.is(t, Failed)
	s.pass(shotAgain - 1)
	if s.is(t, Failed); s.wants() {
		t.Error("a third shot soon")
	}
	s.pass(1)
	s.is(t, Armed)
	if !s.wants() {
		t.Error("no third shot ever")
	}
	if s.ends("exit 1"); s.Fence() != Failed || s.View().Problem != "exit 1" {
		t.Errorf("%+v", s.View())
	}
}

func TestWhoIsHeardAfterTheShotIsNotFenced(t *testing.T) {
	s := newShooter(ShotConfig{})
	s.hear()
	s.wants()
	s.pass(time.Second)
	if s.hear(); s.Fence() != Pending {
		t.Error("a shot was called back")
	}
	s.ends("")
	s.is(t, Armed)
}

func TestAnAnswerToAnEarlierShotIsVoid(t *testing.T) {
	s := newShooter(ShotConfig{})
	s.hear()
	s.wants()
	s.ends("exit 1")
	s.hear()
	s.wants()
	if s.Done(s.now, 1, "") {
		t.Error("it counts")
	}
	s.is(t, Pending)
}

func TestAnOperatorsWordCounts(t *testing.T) {
	s := newShooter(ShotConfig{})
	if !s.Confirm(s.now) || s.Fence() != Fenced || !s.View().Operator {
		t.Fatalf("%+v", s.View())
	}
	s.hear()
	s.is(t, Armed)
	s.wants()
	if s.Confirm(s.now) {
		t.Error("it counts though a shot is under way")
	}
}

func TestAFenceThatIsTakenAwayIsNone(t *testing.T) {
	s := newShooter(ShotConfig{})
	s.hear()
	s.Retuned(ShotConfig{})
	if s.is(t, NoFence); s.wants() {
		t.Error("shoots")
	}
}

// Whatever happens: between two times that the other node is heard, there is no shot after
// one that hit; nobody is shot who was never heard; what is fenced stays so.
func TestIncidentsHaveOneShot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newShooter(ShotConfig{Delay: time.Duration(rapid.IntRange(0, 5).Draw(t, "delay")) * time.Second, Retries: rapid.IntRange(0, 2).Draw(t, "retries")})
		seen, hit, pending, quick := false, false, false, 0
		last := s.now
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				s.hear()
				seen, hit, quick = true, false, 0
			case 1, 2:
				if s.wants() {
					if !seen || hit || pending {
						t.Fatalf("shoots: seen %t, hit %t, pending %t", seen, hit, pending)
					}
					if quick++; s.now.Sub(last) < shotAgain && quick > s.cfg.Retries+1 {
						t.Fatalf("%d shots", quick)
					}
					if pending = true; s.now.Sub(last) >= shotAgain {
						quick = 1
					}
					last = s.now
				}
			case 3:
				problem := rapid.SampledFrom([]string{"", "exit 1"}).Draw(t, "problem")
				heard := s.heard
				if s.ends(problem) {
					pending, hit = false, problem == "" && !heard
				}
			case 4:
				s.pass(time.Duration(rapid.IntRange(0, 10).Draw(t, "time")) * time.Second)
			case 5:
				s.pass(shotAgain)
			}
			if (s.Fence() == Fenced) != hit || (s.Fence() == Pending) != pending {
				t.Fatalf("the fence is %s: hit %t, pending %t", s.Fence(), hit, pending)
			}
		}
	})
}

// Two standbys that lose each other: whatever a shot takes, less than the delay, exactly one
// is shot, and it is the second.
func TestOfTwoExactlyOneIsShot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const delay = 5 * time.Second
		first, second := newShooter(ShotConfig{}), newShooter(ShotConfig{Delay: delay})
		both := []*shooter{first, second}
		takes := time.Duration(rapid.IntRange(1, 3900).Draw(t, "takes")) * time.Millisecond
		begin := []time.Duration{ // when each finds that the other one is silent
			time.Duration(rapid.IntRange(0, 1000).Draw(t, "first")) * time.Millisecond,
			time.Duration(rapid.IntRange(0, 1000).Draw(t, "second")) * time.Millisecond,
		}
		for _, s := range both {
			s.hear()
		}
		alive, hits := []bool{true, true}, []time.Duration{0, 0}
		shots := 0
		for at := time.Duration(0); at < 20*time.Second; at += 10 * time.Millisecond {
			for i, s := range both {
				switch s.now = time.Unix(1000, 0).Add(at); {
				case !alive[i] || at < begin[i]:
				case hits[i] > 0 && at >= hits[i]:
					hits[i], alive[1-i] = 0, false
					s.ends("")
				case s.wants():
					shots++
					hits[i] = at + takes
				}
			}
		}
		if shots != 1 || !alive[0] || alive[1] {
			t.Fatalf("%d shots; the first lives: %t, the second: %t", shots, alive[0], alive[1])
		}
	})
}
