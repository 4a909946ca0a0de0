package sim

import (
	"testing"
	"time"
)

// voteFaults are all there is, and those of the witness: also what parts the nodes while both
// reach everybody else.
var voteFaults = append([]string{"peer cut", "peer back", "witness lost", "witness found", "witness down", "witness up"}, append(append([]string{}, cutFaults...), linkFaults...)...)

// TestStormsWithAWitness: with a witness and prefer: consistency nothing that happens makes
// two hold, whatever passes between the nodes.
func TestStormsWithAWitness(t *testing.T) {
	storms(t, voteFaults, 5*time.Millisecond, func(p *Pair) {
		p.Heartbeat, p.Witness, p.Consistency = 200*time.Millisecond, true, true
	})
}

// TestStormsWithATiebreak: the same with a node that is named.
func TestStormsWithATiebreak(t *testing.T) {
	storms(t, voteFaults, 5*time.Millisecond, func(p *Pair) {
		p.Heartbeat, p.Tiebreak, p.Consistency = 200*time.Millisecond, "lb01", true
	})
}
