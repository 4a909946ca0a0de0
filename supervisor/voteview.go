package supervisor

import (
	"github.com/pairkeeper/pairkeeper/fencing"
)

// VoterView is what one voter said last, of the lease of the first router that has one.
type VoterView struct {
	Voter
	fencing.VoterView
	Mute bool // it has not answered for some time
}

// voterViews is nil where there are no voters.
func (n *Node) voterViews() (list []VoterView) {
	for _, r := range n.routers {
		if b := r.voting.ballot; b != nil {
			for i, v := range n.cfg.Arbitration.Voters {
				list = append(list, VoterView{Voter: v, VoterView: b.Voter(i), Mute: n.voters[i].mute})
			}
			return list
		}
	}
	return nil
}
