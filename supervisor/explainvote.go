package supervisor

import (
	"fmt"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// votes tells what the voters said last of the router's lease.
func (x *explainer) votes() {
	b := x.lead(x.r).voting.ballot
	if b == nil {
		return
	}
	for i := range x.Node.cfg.Arbitration.Voters {
		x.fact("%s: %s", x.Node.cfg.Arbitration.Voters[i], x.castWords(b.Voter(i)))
	}
}

// castWords is what a voter said last, in words.
func (x *explainer) castWords(v fencing.VoterView) string {
	if v.Serial == 0 {
		return "has not answered"
	}
	said := ""
	switch v.Verdict {
	case fencing.VerdictFree:
		said = "nobody has the lease"
	case fencing.VerdictGranted:
		said = "the lease is mine"
	case fencing.VerdictRefused:
		said = "the lease is that of " + v.Owner
	case fencing.VerdictBegun:
		said = "it has just begun, and does not know who has the lease"
	case fencing.VerdictFailed:
		said = "no answer: " + v.Problem
	}
	text := fmt.Sprintf("%s, %s ago", said, x.ago(v.Heard))
	if v.Misses > 1 {
		text += fmt.Sprintf("; since then it has not answered (%d calls)", v.Misses)
	}
	return text
}
