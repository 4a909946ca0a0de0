package fencing

import "time"

// Witness keeps the leases of some pairs, each of which has a key of its own. It keeps
// nothing on disk: one that has just begun grants nothing for as long as a lease that it
// granted before may last. It is a plain value without a clock.
type Witness struct {
	begun  time.Time
	leases map[leaseKey]*witnessed
}

// leaseKey is one lease of one pair.
type leaseKey struct {
	pair int // the number of its key
	name string
}

// witnessed is one lease, and the newest challenge for each node.
type witnessed struct {
	Register
	challenges map[string]uint64
}

// leasesMost and nodesMost bound what somebody with a key can have a witness remember.
const (
	leasesMost = 65536
	nodesMost  = 8
)

// NewWitness returns a witness that knows of no lease.
func NewWitness(now time.Time) *Witness {
	return &Witness{begun: now, leases: map[leaseKey]*witnessed{}}
}

// Moved is a lease that has another owner than before.
type Moved struct{ Lease, From, To string }

// Answer answers a question of a pair; nil: not at all. fresh is drawn at random for it.
// moved tells of a lease that went to another node.
func (w *Witness) Answer(now time.Time, pair int, q *Question, fresh uint64) (reply *Reply, moved *Moved) {
	l := w.lease(leaseKey{pair, q.Lease})
	if l == nil {
		return nil, nil
	}
	newest, known := l.challenges[q.Node]
	if !known {
		if len(l.challenges) >= nodesMost {
			return nil, nil
		}
		newest = max(fresh, 1)
		l.challenges[q.Node] = newest
	}
	r := &Reply{Kind: q.Kind, Nonce: q.Nonce, Lease: q.Lease, Challenge: newest}
	before := l.Owner(now)
	switch {
	case q.Kind != CallLook && q.Challenge != newest:
		r.Stale = true
	case q.Kind == CallLook:
		r.Verdict = w.verdict(now, l, q)
	default: // its challenge is used up
		r.Challenge = max(fresh, 1)
		l.challenges[q.Node] = r.Challenge
		r.Verdict = w.decide(now, l, q)
	}
	r.Owner = l.Owner(now)
	if r.Owner != before {
		moved = &Moved{q.Lease, before, r.Owner}
	}
	return r, moved
}

func (w *Witness) lease(key leaseKey) *witnessed {
	l := w.leases[key]
	if l == nil && len(w.leases) < leasesMost {
		l = &witnessed{challenges: map[string]uint64{}}
		w.leases[key] = l
	}
	return l
}

// decide does what a question wants.
func (w *Witness) decide(now time.Time, l *witnessed, q *Question) Verdict {
	switch {
	case now.Sub(w.begun) < q.For:
		return VerdictBegun
	case q.Kind == CallClaim:
		return l.Claim(now, q.Node, q.For)
	}
	l.Return(q.Node)
	return w.verdict(now, l, q)
}

// verdict is who has a lease.
func (w *Witness) verdict(now time.Time, l *witnessed, q *Question) Verdict {
	switch owner := l.Owner(now); {
	case now.Sub(w.begun) < q.For:
		return VerdictBegun
	case owner == "":
		return VerdictFree
	case owner == q.Node:
		return VerdictGranted
	}
	return VerdictRefused
}
