package fencing

import "time"

// ShotConfig is when this node fences the other host. The zero value: never.
type ShotConfig struct {
	Armed   bool          // there is something to fence with
	Delay   time.Duration // between the wish and the shot, if the other node may have it, too; 0 of the one that comes first
	Retries int           // after a shot that failed
}

// Between a shot that failed and the next one; between two when all retries are used up:
// what a slow host needs to boot that was hit after all.
const (
	shotPause = time.Second
	shotAgain = 10 * time.Minute
)

// Shot keeps the fencing of the other host, one for all virtual routers. It is a plain
// value without a clock: it says when to shoot, others do it and tell how that ended.
//
// An incident is from the first wish to shoot until the other node is heard again. In each
// there is one shot, and after one that failed another. A node that has never been heard is
// not shot: after a power cut both hosts begin, and neither knows of the other.
type Shot struct {
	cfg      ShotConfig
	seen     bool // the other node was heard both ways in this life of the daemon
	state    Fence
	since    time.Time // of the state
	serial   uint64    // of the newest shot
	tries    int       // shots of this incident
	dueAt    time.Time // when a shot that is wished for may be fired; zero: none is
	againAt  time.Time // when one that failed for good may be tried again
	heard    bool      // the other node was, since the shot under way began
	problem  string    // of the last shot; empty: it hit, or there was none
	operator bool      // it was an operator who made sure that the other host is off
}

// NewShot returns a Shot before the first incident.
func NewShot(cfg ShotConfig) Shot { return Shot{cfg: cfg, state: Armed} }

// Retuned goes on with another configuration.
func (s *Shot) Retuned(cfg ShotConfig) { s.cfg = cfg }

// Fence is what the table is to know. NoFence: there is none, or it must not be used, since
// the other node has not been heard yet.
func (s *Shot) Fence() Fence {
	if s.state == Armed && (!s.seen || !s.cfg.Armed) || s.state == Failed && !s.cfg.Armed {
		return NoFence
	}
	return s.state
}

// Heard tells that the other node is heard now; proven: and that it hears us. The incident
// is over.
func (s *Shot) Heard(now time.Time, proven bool) {
	s.seen = s.seen || proven
	s.dueAt = time.Time{}
	if s.state == Pending { // a shot cannot be called back
		s.heard = true
		return
	}
	s.rest(now)
}

// rest is the end of an incident.
func (s *Shot) rest(now time.Time) {
	s.tries, s.againAt, s.operator = 0, time.Time{}, false
	s.enter(now, Armed)
}

func (s *Shot) enter(now time.Time, f Fence) {
	if s.state != f {
		s.state, s.since = f, now
	}
}

// Resume goes on where the daemon before had ended: the other host is off since then.
func (s *Shot) Resume(now time.Time) {
	if s.cfg.Armed {
		s.enter(now, Fenced)
	}
}

// Want asks for a shot and tells whether it is fired now, then with its serial. It has to
// be asked again when Deadline has come: what was true before may be no more. wait is for
// how long a new wish waits.
func (s *Shot) Want(now time.Time, wait time.Duration) (serial uint64, fire bool) {
	if s.Fence() != Armed {
		return 0, false
	}
	if s.dueAt.IsZero() {
		s.dueAt = now.Add(wait)
	}
	if now.Before(s.dueAt) {
		return 0, false
	}
	s.dueAt, s.heard = time.Time{}, false
	s.serial++
	s.tries++
	s.enter(now, Pending)
	return s.serial, true
}

// Wait puts a wish off.
func (s *Shot) Wait(now time.Time) { s.dueAt = now.Add(shotPause) }

// Done tells how a shot ended; problem is empty when the other host is off for certain.
// false: nobody waits for it.
func (s *Shot) Done(now time.Time, serial uint64, problem string) bool {
	if s.state != Pending || serial != s.serial {
		return false
	}
	s.problem = problem
	switch {
	case s.heard: // since then: it may be up again
		s.rest(now)
	case problem == "":
		s.enter(now, Fenced)
	case s.tries <= s.cfg.Retries:
		s.enter(now, Armed)
		s.dueAt = now.Add(shotPause)
	default:
		s.enter(now, Failed)
		s.againAt = now.Add(shotAgain)
	}
	return true
}

// Confirm takes an operator's word that the other host is off. false: it is heard, or
// about to be known.
func (s *Shot) Confirm(now time.Time) bool {
	if s.state == Pending {
		return false
	}
	s.dueAt, s.againAt, s.problem, s.operator = time.Time{}, time.Time{}, "", true
	s.enter(now, Fenced)
	return true
}

// Deadline is when to ask again for what is wished for; zero: nothing is waited for.
func (s *Shot) Deadline() time.Time {
	if s.state == Failed {
		return s.againAt
	}
	return s.dueAt
}

// Tick lets a deadline pass. A shot that failed may be tried once more.
func (s *Shot) Tick(now time.Time) {
	if s.state == Failed && due(now, s.againAt) {
		s.againAt = time.Time{}
		s.enter(now, Armed)
	}
}

// Settled tells that all who may want a shot have been asked. A wish that nobody has any
// more when its time has come is dropped.
func (s *Shot) Settled(now time.Time) {
	if due(now, s.dueAt) {
		s.dueAt = time.Time{}
	}
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// ShotView is what is known of fencing.
type ShotView struct {
	State    Fence
	Since    time.Time // of the state; zero: it has been so from the beginning
	Seen     bool      // the other node was heard since the daemon began
	Problem  string    // of the last shot
	DueAt    time.Time // when a shot may be fired that is wished for; zero: none is
	AgainAt  time.Time // when one that failed is tried again; zero: not
	Operator bool      // Fenced by an operator's word
}

// View is how it is now.
func (s *Shot) View() ShotView {
	return ShotView{State: s.state, Since: s.since, Seen: s.seen, Problem: s.problem, DueAt: s.dueAt, AgainAt: s.againAt, Operator: s.operator}
}
