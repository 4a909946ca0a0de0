package supervisor_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// electing is a node with a heartbeat and one witness.
func electing(cfg supervisor.Config, prefer fencing.Prefer) supervisor.Config {
	cfg = linked(cfg)
	cfg.Arbitration.Prefer, cfg.Arbitration.Lease = prefer, 2*time.Second
	cfg.Arbitration.Voters = []supervisor.Voter{{Witness: "10.0.0.9:6941"}}
	return cfg
}

// says is a voter that answers everything alike.
func says(v fencing.Verdict, owner string) func(supervisor.AskVote) *fencing.Cast {
	return func(supervisor.AskVote) *fencing.Cast { return &fencing.Cast{Verdict: v, Owner: owner} }
}

// voted answers what a node asks its voter.
func (s *script) voted(done []supervisor.Action) (out []string) {
	for _, a := range done {
		ask, ok := a.(supervisor.AskVote)
		if !ok || s.voter == nil {
			continue
		}
		if c := s.voter(ask); c != nil {
			c.Voter, c.Serial = ask.Call.Voter, ask.Call.Serial
			out = append(out, s.tell(supervisor.VoteCast{Router: ask.Router, Cast: *c})...)
		}
	}
	return out
}

// elects is a node at work with a witness that says the same to everything.
func elects(t testing.TB, cfg supervisor.Config, v fencing.Verdict) *script {
	t.Helper()
	s := play(t, cfg)
	s.voter = says(v, "lb02")
	s.tell(supervisor.Start{}, link(), unit(active), good, supervisor.Looked{Probe: "gateway", OK: true})
	s.in()
	return s
}

// abandoned is one whose other node held, and is silent since.
func abandoned(t testing.TB, prefer fencing.Prefer, v fencing.Verdict) *script {
	t.Helper()
	s := elects(t, electing(better(base()), prefer), v)
	s.beats(newOther(fencing.Holds, 150), 3*time.Second)
	s.state("web", vrrp.Backup)
	return s
}

// asks is pass with a gateway that is asked, and answers, all the time.
func (s *script) asks(d time.Duration) (out []string) {
	s.Helper()
	for end := s.now.Add(d); s.now.Before(end); {
		out = append(out, s.tell(supervisor.Looked{Probe: "gateway", OK: true})...)
		out = append(out, s.pass(min(100*time.Millisecond, end.Sub(s.now)))...)
	}
	return out
}

func TestASilentNodeIsTakenFromWithTheVote(t *testing.T) {
	for _, prefer := range []fencing.Prefer{fencing.Availability, fencing.Consistency} {
		s := abandoned(t, prefer, fencing.VerdictGranted)
		s.asks(400 * time.Millisecond)
		s.state("web", vrrp.Backup) // it listens, and the other node may count on what it heard last
		s.asks(600 * time.Millisecond)
		s.state("web", vrrp.Active)
	}
}

// hears is tell, and the other node gets the heartbeats that are due.
func (s *script) hears(o *other, ev supervisor.Event) {
	for _, a := range s.node.Step(s.now, ev) {
		if b, ok := a.(supervisor.Beat); ok {
			o.pulse.Heard(s.now, 0, &b.Heartbeat)
		}
	}
}

// TestConsistencyAsksBeforeItPreempts: an advert may get lost, so that the other node leaves first.
func TestConsistencyAsksBeforeItPreempts(t *testing.T) {
	for prefer, first := range map[fencing.Prefer]bool{fencing.Availability: true, fencing.Consistency: false} {
		cfg := electing(soon(base()), prefer)
		s, o := elects(t, cfg, fencing.VerdictGranted), newOther(fencing.Holds, 50)
		for range 20 {
			s.hears(o, advertTo(cfg, "web", 50))
			s.beats(o, 200*time.Millisecond)
		}
		if got := s.node.Router("web").State == vrrp.Active; got != first {
			t.Fatalf("prefer %d: pre-empts %t", prefer, got)
		}
		peer, _ := o.pulse.Peer()
		if c, _ := peer.Claim(fencing.RouterKey("web"), 0); c.Asks == first {
			t.Errorf("prefer %d: asks %t", prefer, c.Asks)
		}
		o.say.Claims[0].Role = fencing.Standby
		s.tell(advertTo(cfg, "web", 0))
		s.beats(o, time.Second)
		s.state("web", vrrp.Active)
	}
}

func TestARefusedVoteTakesNothing(t *testing.T) {
	for _, prefer := range []fencing.Prefer{fencing.Availability, fencing.Consistency} {
		s := abandoned(t, prefer, fencing.VerdictRefused)
		s.wants(s.asks(10*time.Second), "web note vote-refused")
		s.state("web", vrrp.Backup)
		s.voter = says(fencing.VerdictGranted, "")
		s.asks(time.Second)
		s.state("web", vrrp.Active)
	}
}

func TestAMuteWitnessStopsConsistencyOnly(t *testing.T) {
	for prefer, want := range map[fencing.Prefer]vrrp.State{fencing.Availability: vrrp.Active, fencing.Consistency: vrrp.Backup} {
		s := abandoned(t, prefer, fencing.VerdictGranted)
		s.voter = nil
		got := s.asks(10 * time.Second)
		s.state("web", want)
		if !has(got, "note voter-mute") || has(got, "web note no-vote") != (want == vrrp.Backup) {
			t.Errorf("prefer %d: %q", prefer, got)
		}
		s.voter = says(fencing.VerdictGranted, "")
		s.wants(s.asks(5 * time.Second)[:1], "note voter-back")
		s.state("web", vrrp.Active)
	}
}

// A witness of which it is known that it does not answer costs no time.
func TestNobodyWaitsForAWitnessThatHasBeenMuteForLong(t *testing.T) {
	s := abandoned(t, fencing.Availability, fencing.VerdictGranted)
	s.voter = nil
	s.beats(newOther(fencing.Holds, 150), 10*time.Second)
	plain := atWork(t, linked(better(base())))
	plain.beats(newOther(fencing.Holds, 150), 13*time.Second)
	for _, s := range []*script{s, plain} {
		for range 20 {
			if s.node.Router("web").State != vrrp.Active {
				s.asks(100 * time.Millisecond)
			}
		}
		s.state("web", vrrp.Active)
	}
	if !s.now.Equal(plain.now) {
		t.Errorf("it took %s longer", s.now.Sub(plain.now))
	}
}

func TestAHolderKeepsItsLeaseAndReturnsIt(t *testing.T) {
	s := elects(t, electing(base(), fencing.Consistency), fencing.VerdictGranted)
	asked := map[fencing.CallKind]int{}
	s.voter = func(a supervisor.AskVote) *fencing.Cast {
		asked[a.Call.Kind]++
		return &fencing.Cast{Verdict: fencing.VerdictGranted}
	}
	s.asks(time.Second)
	s.state("web", vrrp.Active)
	clear(asked)
	s.asks(4 * time.Second)
	if n := asked[fencing.CallClaim]; n != 10 || asked[fencing.CallReturn] != 0 {
		t.Errorf("in 4 s %v", asked)
	}
	clear(asked)
	s.tell(supervisor.Stop{})
	if asked[fencing.CallReturn] != 1 {
		t.Errorf("at the end %v", asked)
	}
}

func TestAHolderWithoutVoteAndPromiseLeavesWhereConsistencyIsPreferred(t *testing.T) {
	for prefer, want := range map[fencing.Prefer]vrrp.State{fencing.Availability: vrrp.Active, fencing.Consistency: vrrp.Backup} {
		s := elects(t, electing(base(), prefer), fencing.VerdictGranted)
		o := newOther(fencing.Standby, 100)
		s.asks(2 * time.Second)
		s.voter = nil
		s.beats(o, 10*time.Second)
		s.state("web", vrrp.Active) // the other node stands by
		got := s.asks(10 * time.Second)
		s.state("web", want)
		if left := has(got, "web ACTIVE -> BACKUP (vote-expired)"); left != (want == vrrp.Backup) {
			t.Errorf("prefer %d: %q", prefer, got)
		}
	}
}

func TestAHolderWhoseVoteIsRefusedLeaves(t *testing.T) {
	for _, prefer := range []fencing.Prefer{fencing.Availability, fencing.Consistency} {
		s := elects(t, electing(base(), prefer), fencing.VerdictGranted)
		s.asks(2 * time.Second)
		s.state("web", vrrp.Active)
		s.voter = says(fencing.VerdictRefused, "lb02")
		if got := s.asks(2 * time.Second); !has(got, "web ACTIVE -> BACKUP (vote-refused)") {
			t.Errorf("%q", got)
		}
		s.state("web", vrrp.Backup)
	}
}

// At a hand-over the lease may not have been returned yet; what counts is that the other
// node goes on saying that it stands by.
func TestARefusalIsNotBelievedWhileTheOtherNodeStandsBy(t *testing.T) {
	s := elects(t, electing(base(), fencing.Consistency), fencing.VerdictGranted)
	o := newOther(fencing.Standby, 100)
	s.beats(o, 2*time.Second)
	s.state("web", vrrp.Active)
	s.voter = says(fencing.VerdictRefused, "lb02")
	s.wantsNo(s.beats(o, 5*time.Second), "web disown")
	s.state("web", vrrp.Active)
}

// A node that was frozen finds heartbeats that look fresh; they came before it asked.
func TestAPromiseOfBeforeTheClaimIsNone(t *testing.T) {
	s := elects(t, electing(base(), fencing.Consistency), fencing.VerdictGranted)
	s.beats(newOther(fencing.Standby, 100), 2*time.Second)
	s.voter = says(fencing.VerdictRefused, "lb02")
	if got := s.asks(850 * time.Millisecond); !has(got, "vote-refused") {
		t.Errorf("%q", got)
	}
}

func TestOfTwoOnlyTheNodeOfTheTiebreakHoldsAlone(t *testing.T) {
	for tiebreak, want := range map[bool]vrrp.State{true: vrrp.Active, false: vrrp.Backup} {
		cfg := linked(base())
		cfg.Arbitration.Prefer, cfg.Arbitration.Tiebreak = fencing.Consistency, tiebreak
		s := atWork(t, cfg)
		s.asks(10 * time.Second)
		s.state("web", want) // at boot, alone
		s = atWork(t, cfg)
		s.beats(newOther(fencing.Standby, 100), 2*time.Second)
		s.state("web", vrrp.Active)
		s.asks(10 * time.Second)
		s.state("web", want)
	}
}

func TestANodeThatBootsTakesNothingWithoutAVote(t *testing.T) {
	s := elects(t, electing(base(), fencing.Consistency), fencing.VerdictBegun)
	s.asks(20 * time.Second)
	s.state("web", vrrp.Backup)
	s.voter = says(fencing.VerdictGranted, "")
	s.asks(time.Second)
	s.state("web", vrrp.Active)
}

func TestAGroupHasOneLease(t *testing.T) {
	cfg := electing(tied(), fencing.Consistency)
	leases := map[string]bool{}
	s := play(t, cfg)
	s.voter = func(a supervisor.AskVote) *fencing.Cast {
		leases[a.Router+" asks for "+a.Lease] = true
		return &fencing.Cast{Verdict: fencing.VerdictGranted}
	}
	s.tell(supervisor.Start{}, link(), unit(active), good, supervisor.Looked{Probe: "gateway", OK: true})
	s.asks(3 * time.Second)
	for _, r := range cfg.Routers {
		s.state(r.Name, vrrp.Active)
	}
	if len(leases) != 1 {
		t.Errorf("%v", leases)
	}
	s.voter = says(fencing.VerdictRefused, "lb02")
	s.asks(2 * time.Second)
	for _, r := range cfg.Routers {
		s.state(r.Name, vrrp.Backup)
	}
}

func TestAReloadKeepsTheLease(t *testing.T) {
	cfg := electing(base(), fencing.Consistency)
	s := elects(t, cfg, fencing.VerdictGranted)
	s.asks(2 * time.Second)
	again := cfg
	again.Heartbeat.Interval /= 2
	s.voter = nil
	s.tell(supervisor.Reconfigured{Config: again})
	s.asks(time.Second)
	s.state("web", vrrp.Active)
	again.Arbitration.Voters = []supervisor.Voter{{Disk: "/mnt/shared/lock"}}
	s.voter = says(fencing.VerdictGranted, "")
	s.wantsNo(s.tell(supervisor.Reconfigured{Config: again}), "disown")
	s.wantsNo(s.asks(5*time.Second), "disown")
	s.state("web", vrrp.Active)
}
