package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// witness is the machine that both hosts ask for the third vote.
type witness struct {
	book *fencing.Witness // nil: it is down
}

// way is a host's way to the witness, and what it knows of it.
type way struct {
	lost       bool
	challenges map[string]uint64 // by lease
}

func init() {
	for what, do := range map[string]func(*host){
		"witness lost":  func(h *host) { h.way.lost = true },
		"witness found": func(h *host) { h.way.lost = false },
		// of the witness itself, whichever host is named
		"witness down": func(h *host) { h.world.witness.book = nil },
		"witness up":   func(h *host) { h.world.witness.book = fencing.NewWitness(h.clock()) },
	} {
		faults[what] = do
	}
}

// ask sends a question to the witness, if there is a way.
func (h *host) ask(a supervisor.AskVote) { h.question(a, true) }

func (h *host) question(a supervisor.AskVote, again bool) {
	q := fencing.Question{
		Kind: a.Call.Kind, Nonce: a.Call.Serial, Challenge: h.way.challenges[a.Lease], Lease: a.Lease, Node: h.cfg.Node, For: h.cfg.Arbitration.Lease,
	}
	h.carry(func() {
		reply, moved := h.world.witness.book.Answer(h.clock(), 0, &q, h.world.rand.Uint64())
		if moved != nil {
			h.world.logMove(moved)
		}
		h.carry(func() { h.replied(a, reply, again) })
	})
}

// replied takes the witness's answer; a challenge that is another one is answered at once.
func (h *host) replied(a supervisor.AskVote, r *fencing.Reply, again bool) {
	if h.way.challenges == nil {
		h.way.challenges = map[string]uint64{}
	}
	h.way.challenges[a.Lease] = r.Challenge
	switch {
	case !r.Stale:
		h.tell(supervisor.VoteCast{Router: a.Router, Cast: fencing.Cast{Voter: a.Call.Voter, Serial: a.Call.Serial, Verdict: r.Verdict, Owner: r.Owner}})
	case again:
		h.question(a, false)
	}
}

// carry does something at the other end of the way to the witness, unless it is lost by then.
func (h *host) carry(do func()) {
	reached := func() bool { return h.powered && h.front().passes() && !h.way.lost && h.world.witness.book != nil }
	if !reached() {
		return
	}
	life := h.life
	h.world.after(h.world.latency(wire), func() {
		if reached() && h.life == life {
			do()
		}
	})
}

func (w *World) logMove(m *fencing.Moved) {
	if m.To == "" {
		w.log("", "the lease of %s is returned by %s", m.Lease, m.From)
		return
	}
	w.log("", "the lease of %s is that of %s", m.Lease, m.To)
}

// elect gives a node a witness, and what it prefers.
func (p *Pair) elect(cfg *supervisor.Config) {
	a := &cfg.Arbitration
	a.Tiebreak = p.Tiebreak == cfg.Node
	if p.Witness {
		a.Voters, a.Lease = []supervisor.Voter{{Witness: "10.0.0.9:6941"}}, min(max(3*p.Interval, 600*time.Millisecond), 2*time.Second)
	}
	if p.Consistency {
		a.Prefer = fencing.Consistency
	}
}
