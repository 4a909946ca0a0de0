package daemon

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// VoterStatus is a witness or the disk.
type VoterStatus struct {
	Name    string    `json:"name"`
	Answer  string    `json:"answer,omitempty"` // free, granted, refused, just-begun or failed; none: it has not answered
	Heard   time.Time `json:"heard,omitzero"`
	Owner   string    `json:"owner,omitempty"` // who has the lease of the first router, or its group
	Problem string    `json:"problem,omitempty"`
}

func voterStatus(list []supervisor.VoterView) (all []VoterStatus) {
	for _, v := range list {
		s := VoterStatus{Name: v.String(), Heard: when(v.Heard), Owner: v.Owner, Problem: v.Problem}
		if v.Serial != 0 {
			s.Answer = v.Verdict.String()
		}
		if s.Problem == "" && v.Mute {
			s.Problem = "no answer"
		}
		all = append(all, s)
	}
	return all
}
