package fencing

import "time"

// Ballot keeps book of one lease at several voters: witnesses, or a disk. It says whom to
// ask when, and what the answers come to: the third vote. It is a plain value without a
// clock.
//
// A lease counts from when the claim was sent, which is before the voter granted it, and
// for a tenth less, since no two clocks run alike. Two ballots for one lease are therefore
// never both granted, whatever the network does to questions and answers, as long as a voter
// grants it to one at a time.
type Ballot struct {
	lease  time.Duration
	booths []booth
	serial uint64 // of the last call
	wanted bool
	since  time.Time // when that changed last
	void   uint64    // answers to calls up to this one say nothing of the lease any more
	held   bool      // a majority has granted it since it was wanted
}

// booth is what one voter has been asked, and has said.
type booth struct {
	calls   [callsOpen]call
	next    int
	callAt  time.Time // when to call again
	until   time.Time // when its lease ends
	last    Cast      // the newest answer; its Serial is 0: there is none
	heard   time.Time // when that came
	refused bool      // the newest answer to a claim, since the lease is wanted
	misses  int       // calls since the newest answer
	returns int       // how often the lease is still to be returned
}

// callsOpen is how many calls to a voter may be on their way at once.
const callsOpen = 16

type call struct {
	serial uint64
	at     time.Time
	kind   CallKind
}

// How often a return is repeated until it is acknowledged, and after how many calls without
// an answer a voter is mute.
const (
	returnTries = 3
	missesMost  = 2
)

// CallKind is what a voter is asked for.
type CallKind uint8

// The kinds of calls.
const (
	CallLook   CallKind = iota // tell who has the lease
	CallClaim                  // give it to us, or renew ours
	CallReturn                 // we do not want it any more
)

var callWords = [...]string{"look", "claim", "return"}

// String is a stable word.
func (k CallKind) String() string { return callWords[k] }

// Call is a question for one voter.
type Call struct {
	Voter  int
	Serial uint64
	Kind   CallKind
}

// Verdict is what a voter says to a call.
type Verdict uint8

// The verdicts.
const (
	VerdictFree    Verdict = iota // nobody has the lease
	VerdictGranted                // it is ours
	VerdictRefused                // it is another one's
	VerdictBegun                  // the voter has only just begun, and does not know what it granted before
	VerdictFailed                 // there is no answer, for a reason that is known
)

var verdictWords = [...]string{"free", "granted", "refused", "just-begun", "failed"}

// String is a stable word.
func (v Verdict) String() string { return verdictWords[v] }

// Cast is a voter's answer to a call.
type Cast struct {
	Voter   int
	Serial  uint64
	Verdict Verdict
	Owner   string // who has the lease; empty: nobody, or it is not known
	Problem string // of VerdictFailed
}

// NewBallot returns a ballot at some voters, of a lease that is not wanted.
func NewBallot(voters int, lease time.Duration) *Ballot {
	return &Ballot{lease: lease, booths: make([]booth, voters)}
}

// Voters is how many there are.
func (b *Ballot) Voters() int { return len(b.booths) }

// Wanted tells whether the lease is wanted.
func (b *Ballot) Wanted() bool { return b.wanted }

// Want says whether the lease is wanted from now on.
func (b *Ballot) Want(now time.Time, want bool) {
	if want == b.wanted {
		return
	}
	b.wanted, b.since, b.held, b.void = want, now, false, b.serial
	for i := range b.booths {
		v := &b.booths[i]
		v.callAt, v.until, v.refused, v.returns = now, time.Time{}, false, 0
		if !want {
			v.returns = returnTries
		}
	}
}

// Deadline is when Calls is due, or a lease ends. Zero: there are no voters.
func (b *Ballot) Deadline() time.Time {
	var first time.Time
	for i := range b.booths {
		v := &b.booths[i]
		for _, at := range [...]time.Time{v.callAt, v.until} {
			if !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	return first
}

// Calls are the questions that are due.
func (b *Ballot) Calls(now time.Time) []Call {
	var calls []Call
	for i := range b.booths {
		v := &b.booths[i]
		if !v.until.IsZero() && !now.Before(v.until) {
			v.until = time.Time{}
		}
		if now.Before(v.callAt) {
			continue
		}
		kind := CallLook
		switch {
		case b.wanted:
			kind = CallClaim
		case v.returns > 0:
			kind = CallReturn
			v.returns--
		}
		b.serial++
		v.misses++
		v.calls[v.next] = call{b.serial, now, kind}
		v.next = (v.next + 1) % callsOpen
		v.callAt = now.Add(b.again(v))
		calls = append(calls, Call{Voter: i, Serial: b.serial, Kind: kind})
	}
	return calls
}

// again is how long after a call the next one follows while there is no answer.
func (b *Ballot) again(v *booth) time.Duration {
	if b.wanted || v.returns > 0 || v.misses <= missesMost {
		return b.lease / 10
	}
	return b.lease
}

// Heard takes an answer, and tells when the call was made; false: it answers none that is
// known, or one for longer than a lease.
func (b *Ballot) Heard(now time.Time, c Cast) (asked time.Time, counts bool) {
	if c.Voter < 0 || c.Voter >= len(b.booths) {
		return time.Time{}, false
	}
	v := &b.booths[c.Voter]
	call := v.call(c.Serial)
	if call == nil || c.Serial <= v.last.Serial || now.Sub(call.at) >= b.counts() {
		return time.Time{}, false
	}
	v.last, v.heard, v.misses = c, now, 0
	if c.Serial > b.void {
		b.count(now, v, call, c.Verdict)
	}
	b.held = b.held || b.wanted && b.granted(now) >= b.majority()
	return call.at, true
}

// count takes an answer to a call that was made since the lease is wanted, or is not.
func (b *Ballot) count(now time.Time, v *booth, c *call, verdict Verdict) {
	switch {
	case c.kind == CallClaim && verdict == VerdictGranted:
		v.until, v.refused = c.at.Add(b.counts()), false
		v.callAt = c.at.Add(b.lease / 5)
	case c.kind == CallClaim && verdict == VerdictRefused:
		v.until, v.refused = time.Time{}, true
		v.callAt = now.Add(b.lease / 10)
	case c.kind == CallClaim:
		v.refused = false // it does not say
		v.callAt = now.Add(b.lease / 10)
	case c.kind == CallReturn && (verdict == VerdictFailed || verdict == VerdictGranted):
		v.callAt = now.Add(b.lease / 10)
	default:
		v.returns, v.callAt = 0, now.Add(b.lease)
	}
}

// counts is for how long a lease counts.
func (b *Ballot) counts() time.Duration { return b.lease - b.lease/10 }

func (v *booth) call(serial uint64) *call {
	for i := range v.calls {
		if c := &v.calls[i]; c.serial == serial && serial != 0 {
			return c
		}
	}
	return nil
}

func (b *Ballot) majority() int { return len(b.booths)/2 + 1 }

func (b *Ballot) granted(now time.Time) (n int) {
	for i := range b.booths {
		if now.Before(b.booths[i].until) {
			n++
		}
	}
	return n
}

// Vote is what the answers come to now.
func (b *Ballot) Vote(now time.Time) Vote {
	granted := b.granted(now)
	refused, awaited := 0, 0
	for i := range b.booths {
		switch v := &b.booths[i]; {
		case now.Before(v.until):
		case v.refused && now.Sub(v.heard) < b.lease:
			refused++
		case v.awaited(b.void):
			awaited++
		}
	}
	switch {
	case len(b.booths) == 0:
		return NoVoter
	case b.wanted && granted >= b.majority():
		return Granted
	case len(b.booths)-refused < b.majority():
		return Refused
	case b.held:
		return Expired
	case !b.wanted, granted+awaited >= b.majority():
		return Awaited
	}
	return Mute
}

// awaited tells that an answer may still come.
func (v *booth) awaited(void uint64) bool {
	if v.last.Serial > void { // it has said that it cannot say
		return false
	}
	failed := v.last.Serial != 0 && (v.last.Verdict == VerdictFailed || v.last.Verdict == VerdictBegun)
	return !failed && v.misses <= missesMost
}

// VoterView is what is known of one voter.
type VoterView struct {
	Cast             // the newest answer; its Serial is 0: there is none
	Heard  time.Time // when that came
	Until  time.Time // when our lease ends; zero: there is none
	Misses int       // calls since then that it has not answered
}

// Voter is what is known of one voter.
func (b *Ballot) Voter(i int) VoterView {
	v := &b.booths[i]
	return VoterView{Cast: v.last, Heard: v.heard, Until: v.until, Misses: v.misses}
}
