package fencing

import (
	"math/rand/v2"
	"testing"
	"time"
)

const leaseOfTests = 2 * time.Second

// poll is one ballot whose voters the test answers for.
type poll struct {
	t   *testing.T
	b   *Ballot
	now time.Time
}

func newPoll(t *testing.T, voters int) *poll {
	return &poll{t, NewBallot(voters, leaseOfTests), time.Unix(1000, 0)}
}

func (p *poll) want(is Vote) {
	p.t.Helper()
	if got := p.b.Vote(p.now); got != is {
		p.t.Errorf("the vote is %d, want %d", got, is)
	}
}

func (p *poll) calls(kind CallKind, n int) []Call {
	p.t.Helper()
	calls := p.b.Calls(p.now)
	if len(calls) != n {
		p.t.Fatalf("%d calls, want %d", len(calls), n)
	}
	for _, c := range calls {
		if c.Kind != kind {
			p.t.Fatalf("voter %d is called to %s, want %s", c.Voter, c.Kind, kind)
		}
	}
	return calls
}

func (p *poll) answer(v Verdict, calls ...Call) {
	for _, c := range calls {
		p.b.Heard(p.now, Cast{Voter: c.Voter, Serial: c.Serial, Verdict: v})
	}
}

func (p *poll) pass(d time.Duration) { p.now = p.now.Add(d) }

// granted is a ballot whose lease all voters have granted.
func granted(t *testing.T, voters int) *poll {
	p := newPoll(t, voters)
	p.b.Want(p.now, true)
	p.answer(VerdictGranted, p.calls(CallClaim, voters)...)
	p.want(Granted)
	return p
}

func TestWithoutVotersThereIsNoVote(t *testing.T) {
	p := newPoll(t, 0)
	p.want(NoVoter)
	p.b.Want(p.now, true)
	p.want(NoVoter)
	p.calls(CallClaim, 0)
	if !p.b.Deadline().IsZero() {
		t.Error("something is due")
	}
}

func TestALeaseCountsFromWhenItWasClaimed(t *testing.T) {
	p := newPoll(t, 1)
	p.b.Want(p.now, true)
	calls := p.calls(CallClaim, 1)
	p.pass(150 * time.Millisecond)
	p.answer(VerdictGranted, calls...)
	p.want(Granted)
	p.pass(1650*time.Millisecond - 1)
	p.want(Granted)
	p.pass(1)
	p.want(Expired)
}

func TestALeaseIsRenewedInTime(t *testing.T) {
	p := granted(t, 1)
	p.pass(399 * time.Millisecond)
	p.calls(CallClaim, 0)
	p.pass(time.Millisecond)
	p.calls(CallClaim, 1)
	p.pass(199 * time.Millisecond)
	p.calls(CallClaim, 0)
	p.pass(time.Millisecond)
	p.calls(CallClaim, 1)
}

func TestAMajorityOfTheVotersDecides(t *testing.T) {
	p := newPoll(t, 3)
	p.b.Want(p.now, true)
	calls := p.calls(CallClaim, 3)
	p.answer(VerdictGranted, calls[0])
	p.want(Awaited)
	p.answer(VerdictRefused, calls[1])
	p.want(Awaited)
	p.answer(VerdictRefused, calls[2])
	p.want(Refused)

	p = newPoll(t, 3)
	p.b.Want(p.now, true)
	calls = p.calls(CallClaim, 3)
	p.answer(VerdictRefused, calls[0])
	p.answer(VerdictGranted, calls[1:]...)
	p.want(Granted)

	p = newPoll(t, 2)
	p.b.Want(p.now, true)
	calls = p.calls(CallClaim, 2)
	p.answer(VerdictGranted, calls[0])
	p.answer(VerdictRefused, calls[1])
	p.want(Refused) // one of two is no majority
}

func TestAVoterThatDoesNotAnswerIsAwaitedAndThenMute(t *testing.T) {
	p := newPoll(t, 1)
	p.want(Awaited) // it was not asked
	p.b.Want(p.now, true)
	for range 2 {
		p.want(Awaited)
		p.calls(CallClaim, 1)
		p.pass(200 * time.Millisecond)
	}
	p.calls(CallClaim, 1)
	p.want(Mute)
	p.b.Want(p.now, false)
	p.b.Want(p.now, true)
	p.want(Mute) // which is known, so that nobody waits for it again
}

func TestAVoterThatSaysWhyItCannotAnswerIsMuteAtOnce(t *testing.T) {
	for _, v := range []Verdict{VerdictBegun, VerdictFailed} {
		p := newPoll(t, 1)
		p.b.Want(p.now, true)
		p.answer(v, p.calls(CallClaim, 1)...)
		p.want(Mute)
		p.pass(200 * time.Millisecond)
		p.answer(VerdictGranted, p.calls(CallClaim, 1)...)
		p.want(Granted)
	}
}

func TestAReturnIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	p := granted(t, 1)
	p.b.Want(p.now, false)
	p.want(Awaited)
	p.calls(CallReturn, 1)
	p.pass(200 * time.Millisecond)
	p.answer(VerdictFree, p.calls(CallReturn, 1)...)
	p.pass(200 * time.Millisecond)
	p.calls(CallLook, 0)

	p.b.Want(p.now, true)
	p.b.Want(p.now, false)
	for range 3 {
		p.calls(CallReturn, 1)
		p.pass(200 * time.Millisecond)
	}
	p.calls(CallLook, 0)
	p.pass(leaseOfTests)
	p.calls(CallLook, 1)
}

func TestAnAnswerToWhatWasClaimedBeforeItWasReturnedIsVoid(t *testing.T) {
	p := newPoll(t, 1)
	p.b.Want(p.now, true)
	old := p.calls(CallClaim, 1)
	p.b.Want(p.now, false)
	p.b.Want(p.now, true)
	p.answer(VerdictGranted, old...)
	p.want(Awaited)
	p.answer(VerdictGranted, p.calls(CallClaim, 1)...)
	p.want(Granted)
}

func TestAnAnswerThatIsOlderThanALeaseIsNone(t *testing.T) {
	p := newPoll(t, 1)
	p.b.Want(p.now, true)
	calls := p.calls(CallClaim, 1)
	p.pass(leaseOfTests)
	if _, ok := p.b.Heard(p.now, Cast{Serial: calls[0].Serial, Verdict: VerdictRefused}); ok {
		t.Error("it counts")
	}
	if _, ok := p.b.Heard(p.now, Cast{Serial: 77}); ok {
		t.Error("an answer to nothing counts")
	}
	if _, ok := p.b.Heard(p.now, Cast{Voter: 1, Serial: 1}); ok {
		t.Error("an answer of nobody counts")
	}
}

func TestARefusalIsForgottenWithTime(t *testing.T) {
	p := newPoll(t, 1)
	p.b.Want(p.now, true)
	p.answer(VerdictRefused, p.calls(CallClaim, 1)...)
	p.want(Refused)
	p.pass(leaseOfTests)
	p.want(Mute)
}

func TestALookTellsWhoHasTheLease(t *testing.T) {
	p := newPoll(t, 1)
	c := p.calls(CallLook, 1)[0]
	p.b.Heard(p.now, Cast{Serial: c.Serial, Verdict: VerdictRefused, Owner: "lb02"})
	if v := p.b.Voter(0); v.Owner != "lb02" || !v.Heard.Equal(p.now) {
		t.Errorf("%+v", v)
	}
	p.want(Awaited)
	p.pass(leaseOfTests - 1)
	p.calls(CallLook, 0)
	p.pass(1)
	p.calls(CallLook, 1)
}

// election is two ballots at some voters over a network that loses, delays and reorders.
type election struct {
	dice   *rand.Rand
	now    time.Time // of the world
	start  time.Time
	nodes  [2]*Ballot
	rate   [2]float64 // of each node's clock
	cut    [2]bool    // a node reaches nobody
	voters []station
	mail   []letter
}

type station struct {
	register Register
	begun    time.Time
	newest   [2]uint64 // of each node's calls
}

type letter struct {
	at   time.Time
	node int
	call Call
	cast *Cast // of an answer
}

func (e *election) clock(node int) time.Time {
	return e.start.Add(time.Duration(float64(e.now.Sub(e.start)) * e.rate[node]))
}

func (e *election) send(l letter) {
	if e.cut[l.node] || e.dice.IntN(10) == 0 {
		return
	}
	l.at = e.now.Add(time.Duration(e.dice.IntN(20)) * time.Millisecond)
	if e.dice.IntN(4) == 0 {
		l.at = l.at.Add(time.Duration(e.dice.IntN(2000)) * time.Millisecond)
	}
	e.mail = append(e.mail, l)
}

var names = [2]string{"lb01", "lb02"}

func (e *election) deliver(l letter) {
	if l.cast != nil {
		e.nodes[l.node].Heard(e.clock(l.node), *l.cast)
		return
	}
	v := &e.voters[l.call.Voter]
	c := Cast{Voter: l.call.Voter, Serial: l.call.Serial, Verdict: VerdictFree}
	switch {
	case e.now.Sub(v.begun) < leaseOfTests:
		c.Verdict = VerdictBegun
	case l.call.Serial <= v.newest[l.node]: // an old one
		return
	case l.call.Kind == CallClaim:
		c.Verdict = v.register.Claim(e.now, names[l.node], leaseOfTests)
	case l.call.Kind == CallReturn:
		v.register.Return(names[l.node])
	}
	v.newest[l.node] = l.call.Serial
	e.send(letter{node: l.node, cast: &c})
}

// Whatever is lost, late or out of order, and whichever voter forgets: no two nodes have a
// majority, though their clocks differ by some per cent.
func TestNoTwoBallotsAreGrantedAtOnce(t *testing.T) {
	had := 0
	for seed := range uint64(300) {
		e := newElection(seed)
		for range 2000 {
			e.step()
			a, b := e.granted(0), e.granted(1)
			if a && b {
				t.Fatalf("seed %d: both have the lease after %s", seed, e.now.Sub(e.start))
			}
			if a || b {
				had++
			}
		}
	}
	if had < 100_000 {
		t.Errorf("in %d of 600000 steps somebody had the lease: the test shows little", had)
	}
}

func newElection(seed uint64) *election {
	dice := rand.New(rand.NewPCG(seed, 1))
	e := &election{dice: dice, start: time.Unix(1000, 0), now: time.Unix(1000, 0)}
	e.voters = make([]station, 1+dice.IntN(3))
	for i := range e.nodes {
		e.nodes[i] = NewBallot(len(e.voters), leaseOfTests)
		e.nodes[i].Want(e.now, true)
		e.rate[i] = 0.95 + 0.09*dice.Float64()
	}
	return e
}

func (e *election) granted(node int) bool { return e.nodes[node].Vote(e.clock(node)) == Granted }

func (e *election) step() {
	e.now = e.now.Add(10 * time.Millisecond)
	for i := 0; i < len(e.mail); i++ {
		if l := e.mail[i]; !l.at.After(e.now) {
			e.mail = append(e.mail[:i], e.mail[i+1:]...)
			i--
			e.deliver(l)
		}
	}
	switch n := e.dice.IntN(1500); n {
	case 0:
		v := &e.voters[e.dice.IntN(len(e.voters))]
		*v = station{begun: e.now, newest: v.newest}
	case 1, 2:
		e.nodes[n-1].Want(e.clock(n-1), !e.nodes[n-1].Wanted())
	case 3, 4, 5, 6, 7, 8:
		e.cut[n%2] = !e.cut[n%2]
	}
	for i, b := range e.nodes {
		for _, c := range b.Calls(e.clock(i)) {
			e.send(letter{node: i, call: c})
		}
	}
}
