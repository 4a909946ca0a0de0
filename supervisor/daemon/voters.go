package daemon

import (
	"reflect"
	"sync"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// voters are who can be asked for the third vote, in the order of the configuration.
type voters struct{ list []fencingnet.Voter }

// linkVoters ends the voters of the configuration before, and begins with others.
func (h *hands) linkVoters() {
	old := h.voters
	h.voters = openVoters(&h.cfg)
	if h.endVotes != nil {
		h.endVotes()
	}
	life := new(struct{ ended bool }) // only the loop's thread looks at it
	h.endVotes = func() { life.ended = true }
	h.voteCast = func(ev supervisor.VoteCast) {
		h.mail.put(letter{ask: func() {
			if !life.ended {
				h.step(ev)
			}
		}})
	}
	if old != nil {
		h.orders.Go(old.close) // it may take a moment
	}
}

func openVoters(cfg *supervisor.Config) *voters {
	v := &voters{}
	for _, one := range cfg.Arbitration.Voters {
		v.list = append(v.list, openVoter(one, cfg))
	}
	return v
}

func openVoter(v supervisor.Voter, cfg *supervisor.Config) fencingnet.Voter {
	if v.Disk != "" {
		return fencingnet.OpenDiskVoter(fencingnet.DiskVoterConfig{
			Path: v.Disk, Node: cfg.Node, Peer: cfg.Peer, Keys: cfg.Heartbeat.Keys, Lease: cfg.Arbitration.Lease,
		})
	}
	return fencingnet.OpenWitnessVoter(fencingnet.WitnessVoterConfig{
		Address: v.Witness, Node: cfg.Node, Keys: cfg.Heartbeat.Keys, Lease: cfg.Arbitration.Lease,
	})
}

// sameVoters tells whether what is asked, and how, stays as it is.
func sameVoters(a, b *supervisor.Config) bool {
	return a.Node == b.Node && a.Arbitration.Lease == b.Arbitration.Lease &&
		reflect.DeepEqual(a.Arbitration.Voters, b.Arbitration.Voters) && reflect.DeepEqual(a.Heartbeat.Keys, b.Heartbeat.Keys)
}

// askVote asks a voter, which answers by mail; it never blocks.
func (h *hands) askVote(a supervisor.AskVote) {
	if a.Call.Voter >= len(h.voters.list) {
		return
	}
	tell := h.voteCast
	h.voters.list[a.Call.Voter].Ask(fencingnet.Ask{Lease: a.Lease, Call: a.Call, Answer: func(c fencing.Cast) {
		tell(supervisor.VoteCast{Router: a.Router, Cast: c})
	}})
}

// close has what was asked sent, then ends. Nothing may be asked any more.
func (v *voters) close() {
	var all sync.WaitGroup
	for _, one := range v.list {
		all.Go(one.Close)
	}
	all.Wait()
}
