package fencing

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var pairKey = Key{ID: 1, Secret: []byte("0123456789abcdef0123456789abcdef")}

// clerk asks a witness for the test.
type clerk struct {
	t     *testing.T
	w     *Witness
	now   time.Time
	nonce uint64
}

// newClerk has a witness that has been there for long.
func newClerk(t *testing.T) *clerk {
	start := time.Unix(1000, 0)
	return &clerk{t: t, w: NewWitness(start), now: start.Add(time.Hour)}
}

func (c *clerk) ask(kind CallKind, node string, challenge uint64) *Reply {
	c.t.Helper()
	c.nonce++
	q := Question{Kind: kind, Nonce: c.nonce, Challenge: challenge, Lease: "web", Node: node, For: 2 * time.Second}
	r, _ := c.w.Answer(c.now, 0, &q, 1000+c.nonce)
	if r.Nonce != c.nonce || r.Lease != "web" {
		c.t.Fatalf("%+v answers another question", r)
	}
	return r
}

// get asks again with the challenge that the first answer names.
func (c *clerk) get(kind CallKind, node string) *Reply {
	c.t.Helper()
	r := c.ask(kind, node, 0)
	if r.Stale {
		r = c.ask(kind, node, r.Challenge)
	}
	return r
}

func (c *clerk) wants(r *Reply, v Verdict, owner string) {
	c.t.Helper()
	if r.Stale || r.Verdict != v || r.Owner != owner {
		c.t.Errorf("%+v, want %s, owner %q", r, v, owner)
	}
}

func TestAWitnessGrantsALeaseToOneNodeAtATime(t *testing.T) {
	c := newClerk(t)
	c.wants(c.get(CallLook, "lb02"), VerdictFree, "")
	c.wants(c.get(CallClaim, "lb01"), VerdictGranted, "lb01")
	c.wants(c.get(CallClaim, "lb02"), VerdictRefused, "lb01")
	c.wants(c.get(CallLook, "lb02"), VerdictRefused, "lb01")
	c.now = c.now.Add(2*time.Second - 1)
	c.wants(c.get(CallClaim, "lb02"), VerdictRefused, "lb01")
	c.now = c.now.Add(1)
	c.wants(c.get(CallClaim, "lb02"), VerdictGranted, "lb02")
}

func TestALeaseThatIsReturnedIsFree(t *testing.T) {
	c := newClerk(t)
	c.wants(c.get(CallClaim, "lb01"), VerdictGranted, "lb01")
	c.wants(c.get(CallReturn, "lb02"), VerdictRefused, "lb01") // it was not its
	c.wants(c.get(CallReturn, "lb01"), VerdictFree, "")
	c.wants(c.get(CallClaim, "lb02"), VerdictGranted, "lb02")
}

func TestAClaimThatWasRecordedGrantsNothing(t *testing.T) {
	c := newClerk(t)
	first := c.ask(CallClaim, "lb01", 0)
	if !first.Stale {
		t.Fatalf("a claim without a challenge is heeded: %+v", first)
	}
	second := c.ask(CallClaim, "lb01", first.Challenge)
	c.wants(second, VerdictGranted, "lb01")
	if r := c.ask(CallClaim, "lb01", first.Challenge); !r.Stale || r.Challenge != second.Challenge {
		t.Errorf("played back: %+v", r)
	}
	c.wants(c.ask(CallReturn, "lb01", second.Challenge), VerdictFree, "")
	if r := c.ask(CallClaim, "lb01", second.Challenge); !r.Stale || r.Owner != "" {
		t.Errorf("one that was under way when the lease was returned: %+v", r)
	}
}

func TestAWitnessThatHasJustBegunGrantsNothing(t *testing.T) {
	c := newClerk(t)
	c.w = NewWitness(c.now)
	c.wants(c.get(CallClaim, "lb01"), VerdictBegun, "")
	c.now = c.now.Add(2*time.Second - 1)
	c.wants(c.get(CallLook, "lb01"), VerdictBegun, "")
	c.now = c.now.Add(1)
	c.wants(c.get(CallClaim, "lb01"), VerdictGranted, "lb01")
}

func TestPairsDoNotShareLeases(t *testing.T) {
	c := newClerk(t)
	c.wants(c.get(CallClaim, "lb01"), VerdictGranted, "lb01")
	q := Question{Kind: CallLook, Lease: "web", Node: "lb02", For: 2 * time.Second}
	if r, _ := c.w.Answer(c.now, 1, &q, 1); r.Verdict != VerdictFree {
		t.Errorf("%+v", r)
	}
}

func TestAWitnessTellsOfMoves(t *testing.T) {
	c := newClerk(t)
	r := c.ask(CallClaim, "lb01", 0)
	q := Question{Kind: CallClaim, Challenge: r.Challenge, Lease: "web", Node: "lb01", For: 2 * time.Second}
	if _, moved := c.w.Answer(c.now, 0, &q, 7); moved == nil || *moved != (Moved{"web", "", "lb01"}) {
		t.Errorf("%+v", moved)
	}
	q.Challenge = 7
	if _, moved := c.w.Answer(c.now, 0, &q, 8); moved != nil {
		t.Errorf("a renewal: %+v", moved)
	}
}

func TestAWitnessRemembersOnlySoMuch(t *testing.T) {
	c := newClerk(t)
	for i := range nodesMost {
		c.get(CallLook, string(rune('a'+i)))
	}
	q := Question{Kind: CallLook, Lease: "web", Node: "z", For: time.Second}
	if r, _ := c.w.Answer(c.now, 0, &q, 1); r != nil {
		t.Errorf("%+v", r)
	}
}

func TestQuestionsAndRepliesSurviveTheWire(t *testing.T) {
	other := Key{ID: 2, Secret: []byte("another")}
	same := Key{ID: 1, Secret: []byte("another")}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 60, 255)
		n := rapid.Uint64()
		q := Question{
			Kind: CallKind(rapid.IntRange(0, 2).Draw(t, "kind")), Nonce: n.Draw(t, "nonce"), Challenge: n.Draw(t, "challenge"),
			Lease: text.Draw(t, "lease"), Node: text.Draw(t, "node"), For: time.Duration(rapid.IntRange(100, 60000).Draw(t, "ms")) * time.Millisecond,
		}
		b, err := q.Append(nil, pairKey)
		if err != nil {
			t.Fatal(err)
		}
		var q2 Question
		if key, r := q2.Parse(b, []Key{other, same, pairKey}); r != "" || key != 2 || q2 != q {
			t.Fatalf("%s %+v", r, q2)
		}
		if _, r := q2.Parse(b, []Key{other}); r != RefusalKey {
			t.Fatal(r)
		}
		if _, r := q2.Parse(b, []Key{same}); r != RefusalMAC {
			t.Fatal(r)
		}
		b[rapid.IntRange(6, len(b)-1).Draw(t, "at")] ^= 1
		if _, r := q2.Parse(b, []Key{pairKey}); r != RefusalMAC {
			t.Fatal("it was changed on the way:", r)
		}
		a := Reply{Kind: q.Kind, Nonce: q.Nonce, Challenge: q.Challenge, Lease: q.Lease, Owner: q.Node, Stale: rapid.Bool().Draw(t, "stale")}
		if !a.Stale {
			a.Verdict = Verdict(rapid.IntRange(0, int(VerdictBegun)).Draw(t, "verdict"))
		}
		if b, err = a.Append(b[:0], pairKey); err != nil {
			t.Fatal(err)
		}
		var a2 Reply
		if r := a2.Parse(b, []Key{pairKey}); r != "" || a2 != a {
			t.Fatalf("%s %+v", r, a2)
		}
		if _, r := q2.Parse(b, []Key{pairKey}); r != RefusalGarbage {
			t.Fatal("a reply is taken for a question:", r)
		}
	})
}

func FuzzQuestion(f *testing.F) {
	q := Question{Kind: CallClaim, Nonce: 1, Lease: "web", Node: "lb01", For: time.Second}
	b, err := q.Append(nil, pairKey)
	if err != nil {
		f.Fatal(err)
	}
	r := Reply{Kind: CallClaim, Nonce: 1, Lease: "web", Owner: "lb01"}
	reply, err := r.Append(nil, pairKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:len(b)-macLen])
	f.Add(reply[:len(reply)-macLen])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		signed := append(bytes.Clone(body), sum(body, pairKey)...)
		var q Question
		if _, refusal := q.Parse(signed, []Key{pairKey}); refusal == "" {
			if again, err := q.Append(nil, pairKey); err != nil || !bytes.Equal(again[:6], signed[:6]) {
				t.Fatalf("%+v: %v", q, err)
			}
		}
		var r Reply
		if r.Parse(signed, []Key{pairKey}) == "" {
			if _, err := r.Append(nil, pairKey); err != nil {
				t.Fatal(err)
			}
		}
	})
}
