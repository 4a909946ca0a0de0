package fencing

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// well is a node that is well; nothing is known of the other one.
func well(change ...func(*Evidence)) Evidence {
	e := Evidence{Carrier: true, Linked: true, Gateway: Reached, Wins: true}
	for _, c := range change {
		c(&e)
	}
	return e
}

func holding(e *Evidence)    { e.Holding = true }
func loses(e *Evidence)      { e.Wins = false }
func adverts(e *Evidence)    { e.Adverts = true }
func silence(e *Evidence)    { e.Silence = true }
func unlinked(e *Evidence)   { e.Linked = false }
func consistent(e *Evidence) { e.Prefer = Consistency }
func isolated(e *Evidence)   { e.Gateway = Lost }
func ended(e *Evidence)      { e.Ended = true }
func conflict(e *Evidence)   { e.Conflict = true }
func unanswered(e *Evidence) { e.Answer = Nobody }
func answered(e *Evidence)   { e.Answer = ByPeer }
func stranger(e *Evidence)   { e.Answer = ByStranger }
func peerHolds(e *Evidence)  { e.Hearing, e.Peer = BothWay, Peer{Role: Holds, Hears: true, Since: true} }
func peerStands(e *Evidence) {
	e.Hearing, e.Peer = BothWay, Peer{Role: Standby, Hears: true, Since: true}
}
func peerIsOut(e *Evidence)    { e.Hearing, e.Peer = BothWay, Peer{Role: Out, Class: Ill, Since: true} }
func peerOneWay(e *Evidence)   { e.Hearing = OneWay }
func uninformed(e *Evidence)   { e.Peer.Since = false }
func missed(e *Evidence)       { e.Peer.Missed = true }
func deaf(e *Evidence)         { e.DeafFor = true }
func sick(e *Evidence)         { e.Class = Ill }
func peerSick(e *Evidence)     { e.Peer.Class = Ill }
func cut(e *Evidence)          { e.Class, e.Gateway = Cut, Lost }
func worse(e *Evidence)        { e.Worse = true }
func peerProxyBad(e *Evidence) { e.PeerProxy = Lost }
func outdated(e *Evidence)     { e.Stale = true }
func asks(e *Evidence)         { e.Peer.Asks = true }
func frozen(e *Evidence)       { e.Frozen = true }
func consented(e *Evidence)    { e.Peer.Granted = true }
func tiebreak(e *Evidence)     { e.Tiebreak = true }
func gateShut(e *Evidence)     { e.GateShut = true }
func mustFence(e *Evidence)    { e.MustFence = true }

func contestForeign(e *Evidence) { e.ContestForeign = true }
func releaseForeign(e *Evidence) { e.ReleaseForeign = true }

func vote(v Vote) func(*Evidence)   { return func(e *Evidence) { e.Vote = v } }
func fence(f Fence) func(*Evidence) { return func(e *Evidence) { e.Fence = f } }

// do are several changes.
func do(c ...func(*Evidence)) []func(*Evidence) { return c }

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name string
		e    []func(*Evidence)
		act  Act
		rule Rule
	}{
		{"a holder that was paused releases", do(holding, func(e *Evidence) { e.Paused = true }), Release, RulePaused},
		{"a standby that was paused stays", do(silence, unanswered, func(e *Evidence) { e.Paused = true }), Stay, RulePaused},
		{"a holder without carrier releases", do(holding, func(e *Evidence) { e.Carrier = false }), Release, RuleNoLink},
		{"a holder in maintenance releases", do(holding, func(e *Evidence) { e.Class = Resigned }), Release, RuleMaintenance},

		{"H1: of two that hear each other, the second releases", do(holding, peerHolds, loses), Release, RuleYields},
		{"H1: on adverts alone it waits for the heartbeat", do(holding, adverts, loses), Keep, RuleWaitBoth},
		{"H1: and then releases", do(holding, adverts, loses, conflict), Release, RuleYields},
		{"H1: without heartbeats at once", do(holding, adverts, loses, unlinked), Release, RuleYields},
		{"H2: the first keeps", do(holding, peerHolds), Keep, RuleWins},
		{"H3: but yields to one that does not hear it", do(holding, adverts, peerOneWay, deaf), Release, RuleDeaf},
		{"H3: unless that one is sick", do(holding, adverts, peerOneWay, deaf, peerSick), Keep, RuleWins},
		{"H4: a sick holder hands over to a sound standby", do(holding, sick, peerStands), Release, RuleHandOver},
		{"H4: one without gateway does, after a while", do(holding, cut, worse, peerStands), Release, RuleWorse},
		{"H4: not before", do(holding, cut, peerStands), Keep, RuleHolds},
		{"S1: a holder that is asked, and comes second, hands over", do(holding, loses, peerStands, asks), Release, RuleAsked},
		{"a frozen holder keeps what it would hand over", do(holding, sick, peerStands, frozen), Keep, RuleFrozen},
		{"also what it is asked for", do(holding, loses, peerStands, asks, frozen), Keep, RuleFrozen},
		{"and what a stranger has", do(holding, stranger, releaseForeign, frozen), Keep, RuleFrozen},
		{"but not when it is isolated", do(holding, isolated, frozen), Release, RuleIsolated},
		{"nor against another holder", do(holding, peerHolds, loses, frozen), Release, RuleYields},
		{"nor against an operator", do(holding, peerStands, consented, frozen), Release, RuleHanded},
		{"nothing is frozen that stays anyway", do(holding, frozen), Keep, RuleHolds},
		{"a holder that has agreed to a handover releases", do(holding, peerStands, consented), Release, RuleHanded},
		{"but not to one that does not stand by", do(holding, peerIsOut, consented), Keep, RuleHolds},
		{"nor to one that may not hear it", do(holding, peerStands, consented, peerOneWay), Keep, RuleHolds},
		{"nor to one of whom it has heard before the links were removed", do(holding, unlinked, peerStands, consented), Keep, RuleHolds},
		{"S1: not one that comes first", do(holding, peerStands, asks), Keep, RuleHolds},
		{"S1: nor unasked", do(holding, loses, peerStands), Keep, RuleHolds},
		{"S1: nor for who does not hear it", do(holding, loses, peerStands, peerOneWay, asks), Keep, RuleHolds},
		{"S1: nor for who is out", do(holding, loses, peerIsOut, asks), Keep, RuleHolds},
		{"H5: a sick holder keeps beside a sick standby", do(holding, sick, peerStands, peerSick), Keep, RuleHolds},
		{"H5: and when nothing is known of the other", do(holding, sick), Keep, RuleHolds},
		{"H6: an isolated holder releases", do(holding, isolated), Release, RuleIsolated},
		{"H6: unless told to keep", do(holding, isolated, func(e *Evidence) { e.StayIsolated = true }), Keep, RuleHolds},
		{"H6: the gateway alone is no reason", do(holding, cut, peerStands), Keep, RuleHolds},
		{"H6: nor is it without heartbeats", do(holding, isolated, unlinked), Keep, RuleHolds},
		{"H7: a refused vote releases", do(holding, vote(Refused)), Release, RuleRefused},
		{"H7: whatever is preferred", do(holding, consistent, vote(Refused)), Release, RuleRefused},
		{"H7: though the other said before that it stands by", do(holding, vote(Refused), peerStands), Release, RuleRefused},
		{"H7: of two that know of each other the order decides", do(holding, consistent, vote(Refused), peerHolds), Keep, RuleWins},
		{"H7: an expired vote releases", do(holding, consistent, vote(Expired)), Release, RuleExpired},
		{"H7: and so does one that was never granted", do(holding, consistent, vote(Mute)), Release, RuleExpired},
		{"H7: not where availability is preferred", do(holding, vote(Expired)), Keep, RuleHolds},
		{"H7: nor while the other says that it stands by", do(holding, consistent, vote(Expired), peerStands), Keep, RuleHolds},
		{"H7: which one that does not hear us cannot promise", do(holding, consistent, vote(Expired), peerStands, peerOneWay), Release, RuleExpired},
		{"H7: nor what it said a while ago", do(holding, consistent, vote(Expired), peerStands, outdated), Release, RuleExpired},
		{"H7: which does not matter to who has the vote", do(holding, consistent, vote(Granted), peerStands, outdated), Keep, RuleHolds},
		{"H7: a vote that is granted keeps", do(holding, consistent, vote(Granted)), Keep, RuleHolds},
		{"H7: one that is awaited does for now", do(holding, consistent, vote(Awaited)), Keep, RuleHolds},
		{"H7: alone, the node of the tiebreak keeps", do(holding, consistent, tiebreak), Keep, RuleHolds},
		{"H7: the other one does not", do(holding, consistent), Release, RuleExpired},
		{"H7: unless it would have been fenced", do(holding, consistent, fence(Armed)), Keep, RuleHolds},
		{"H7: or has fenced", do(holding, consistent, vote(Mute), fence(Fenced)), Keep, RuleHolds},
		{"H8: a stranger's answer is told", do(holding, stranger), Keep, RuleStranger},
		{"H8: or released to, if told so", do(holding, stranger, releaseForeign), Release, RuleStranger},
		{"H8: the other node's answer is no stranger's", do(holding, answered, releaseForeign), Keep, RuleWins},
		{"H1: an answer of the other node says that it holds", do(holding, answered, loses, conflict), Release, RuleYields},
		{"H9: else it keeps", do(holding), Keep, RuleHolds},

		{"S1: adverts are obeyed", do(adverts, silence, unanswered), Stay, RulePeerHolds},
		{"S2: blocked adverts are no reason to take", do(silence, peerHolds, unanswered), Stay, RuleVRRPBroken},
		{"S2: a sick holder is asked", do(silence, peerHolds, peerSick), Ask, RuleBetter},
		{"S3: free, and first: it asks the network", do(peerStands), Probe, RuleNotAsked},
		{"S3: and takes", do(peerStands, unanswered), Take, RuleFree},
		{"S3: not while the other kernel lets go", do(peerStands, answered), Stay, RulePeerAlive},
		{"S3: not before the other knows that it is free", do(peerStands, unanswered, uninformed), Stay, RuleWaitSeen},
		{"S3: the second waits", do(peerStands, unanswered, loses), Stay, RuleWaitFirst},
		{"S3: and takes when the first did not", do(peerStands, unanswered, loses, missed), Take, RuleMissed},
		{"S3: or is out", do(peerIsOut, unanswered, loses), Take, RuleFree},
		{"S3: one that does not hear us is believed that it is out", do(peerIsOut, peerOneWay, unanswered), Take, RuleFree},
		{"S3: or has its turn first", do(peerStands, peerOneWay, unanswered), Stay, RuleListen},
		{"S3: and no more", do(peerStands, peerOneWay, missed, unanswered), Take, RuleFree},
		{"S4: an isolated standby stays", do(silence, isolated, unanswered), Stay, RuleIsolated},
		{"S4: nor does one take that may be", do(silence, unanswered, func(e *Evidence) { e.Gateway = Doubtful }), Stay, RuleDoubtful},
		{"before the down interval it listens", do(unanswered), Stay, RuleListen},
		{"S5: a silent node that answers is alive", do(silence, answered), Stay, RulePeerAlive},
		{"S5: also if its proxy is bad and its gate may be open", do(silence, answered, peerProxyBad), Stay, RulePeerAlive},
		{"S5: then it is taken from", do(silence, answered, peerProxyBad, gateShut), Take, RulePeerSick},
		{"S5: after a fence, where there is one", do(silence, answered, peerProxyBad, gateShut, fence(Armed)), Shoot, RuleFence},
		{"S5: which has to work", do(silence, answered, peerProxyBad, gateShut, fence(Pending)), Stay, RuleFence},
		{"S5: and then", do(silence, answered, peerProxyBad, gateShut, fence(Fenced)), Take, RuleVoted},
		{"S5: consistency stays", do(silence, answered, peerProxyBad, gateShut, consistent, vote(Granted)), Stay, RulePeerAlive},
		{"S6: a stranger's address is not taken", do(silence, stranger), Stay, RuleStranger},
		{"S6: unless told to contest", do(silence, stranger, contestForeign), Take, RuleStranger},
		{"S6: not where consistency counts more", do(silence, stranger, contestForeign, consistent, vote(Granted)), Stay, RuleStranger},
		{"S6: nor is it where the other node stands by", do(peerStands, stranger), Stay, RuleStranger},
		{"S6: told to contest, it takes there too", do(peerStands, stranger, contestForeign), Take, RuleStranger},
		{"S7: asks first", do(silence), Probe, RuleNotAsked},
		{"S7: nobody anywhere: it takes", do(silence, unanswered), Take, RuleUnclaimed},
		{"S7: the other daemon has ended, and nobody answers: it takes", do(silence, unanswered, ended), Take, RuleEnded},
		{"S7: its kernel still answers: that lets go by itself", do(silence, answered, ended), Stay, RulePeerAlive},
		{"S8: that is no vote", do(silence, unanswered, ended, consistent), Stay, RuleNoVote},
		{"S7: without heartbeats as well", do(silence, unanswered, unlinked), Take, RuleUnclaimed},
		{"S7: after a fence, if told so", do(silence, unanswered, fence(Armed), mustFence), Shoot, RuleFence},
		{"S7: a fence that failed bars then", do(silence, unanswered, fence(Failed), mustFence), Stay, RuleUnfenced},
		{"S7: so does one that must not be used yet", do(silence, unanswered, mustFence), Stay, RuleUnseen},
		{"S7: and one under way", do(silence, unanswered, fence(Pending), mustFence), Stay, RuleFence},
		{"S7: a vote is not enough then", do(silence, unanswered, mustFence, vote(Granted), consistent), Stay, RuleUnseen},
		{"S7: it takes after the fence", do(silence, unanswered, fence(Fenced), mustFence), Take, RuleVoted},
		{"S7: one that need not be waited for bars nobody", do(silence, unanswered, fence(Pending)), Take, RuleUnclaimed},
		{"S8: consistency needs a vote", do(silence, unanswered, consistent), Stay, RuleNoVote},
		{"S8: a granted one", do(silence, unanswered, consistent, vote(Granted)), Take, RuleVoted},
		{"S8: no refused one", do(silence, unanswered, consistent, vote(Refused)), Stay, RuleRefused},
		{"S8: one that is refused bars also where availability is preferred", do(silence, unanswered, vote(Refused)), Stay, RuleRefused},
		{"S8: there a mute voter is ignored", do(silence, unanswered, vote(Mute)), Take, RuleUnclaimed},
		{"S8: after it was asked", do(silence, unanswered, vote(Awaited)), Stay, RuleAwaits},
		{"S8: a refused vote forbids to fence", do(silence, unanswered, consistent, vote(Refused), fence(Armed)), Stay, RuleRefused},
		{"S8: who was fenced has no vote", do(silence, unanswered, consistent, vote(Refused), fence(Fenced)), Take, RuleVoted},
		{"S8: or a fence", do(silence, unanswered, consistent, fence(Armed)), Shoot, RuleFence},
		{"S8: that worked", do(silence, unanswered, consistent, fence(Fenced)), Take, RuleVoted},
		{"S8: not one that failed", do(silence, unanswered, consistent, fence(Failed)), Stay, RuleUnfenced},
		{"S8: nor one under way", do(silence, unanswered, consistent, fence(Pending)), Stay, RuleFence},
		{"S8: nor one that must not be used yet", do(silence, unanswered, consistent, fence(NoFence)), Stay, RuleNoVote},
		{"S8: a vote needs no fence", do(silence, unanswered, consistent, vote(Granted), fence(Armed)), Take, RuleVoted},
		{"S8: or the tiebreak", do(silence, unanswered, consistent, tiebreak), Take, RuleVoted},
	} {
		if d := Decide(well(c.e...)); d.Act != c.act || d.Rule != c.rule {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, d.Act, d.Rule, c.act, c.rule)
		}
	}
}

// anything is any evidence.
func anything() *rapid.Generator[Evidence] {
	b := rapid.Bool()
	return rapid.Custom(func(t *rapid.T) Evidence {
		of := func(n int) int { return rapid.IntRange(0, n).Draw(t, "n") }
		flag := func() bool { return b.Draw(t, "b") }
		return Evidence{
			Prefer: Prefer(of(1)), Holding: flag(), Wins: flag(), Tiebreak: flag(),
			Paused: of(9) == 0, Ended: flag(), Carrier: of(9) != 0, Class: Class(of(4)),
			Adverts: flag(), Silence: flag(), Linked: flag(), Hearing: Hearing(of(2)), Stale: flag(), DeafFor: flag(),
			Peer:     Peer{Role: Role(of(2)), Class: Class(of(4)), Hears: flag(), Asks: flag(), Granted: flag(), Since: flag(), Missed: flag()},
			Conflict: flag(), Worse: flag(), Gateway: Reach(of(3)), Answer: Answer(of(3)), PeerProxy: Reach(of(2)), GateShut: flag(),
			Vote: Vote(of(5)), Fence: Fence(of(4)), StayIsolated: flag(), ContestForeign: flag(), ReleaseForeign: flag(), MustFence: flag(),
		}
	})
}

func TestDecideAnswersEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		d := Decide(e)
		if holders := d.Act == Keep || d.Act == Release; d.Rule == "" || holders != e.Holding {
			t.Fatalf("%s (%s)", d.Act, d.Rule)
		}
		if Decide(e) != d {
			t.Fatal("it changed its mind")
		}
	})
}

// Nothing that says that the other node holds makes a standby take.
func TestEvidenceOfAHolderNeverTurnsStayIntoTake(t *testing.T) {
	more := map[string]func(*Evidence){
		"adverts":   adverts,
		"heartbeat": func(e *Evidence) { e.Linked, e.Hearing, e.Peer.Role = true, BothWay, Holds },
		"answer":    answered,
	}
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		if e.Holding = false; Decide(e).Act == Take {
			return
		}
		for name, add := range more {
			with := e
			if add(&with); Decide(with).Act == Take && with.Answer == e.Answer {
				t.Fatalf("%s of the other node made it take", name)
			}
		}
	})
}

func TestASecondHolderIsNeverMadeOnPurpose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		e.Holding = false
		if e.Adverts || e.Linked && e.Hearing != Silent && e.Peer.Role == Holds {
			if d := Decide(e); d.Act == Take {
				t.Fatalf("takes from a holder (%s)", d.Rule)
			}
		}
	})
}

func TestConsistencyTakesOnlyWithLeave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		e.Prefer, e.Holding = Consistency, false
		informed := e.Linked && e.Hearing == BothWay
		if Decide(e).Act == Take && !informed && e.Vote != Granted && e.Fence != Fenced && !e.Tiebreak {
			t.Fatal("takes from a silent node without leave")
		}
	})
}

// takeover: after_fence, in either mode.
func TestNothingIsTakenFromASilentNodeBeforeTheFence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		e.MustFence, e.Holding, e.Hearing = true, false, Silent
		d := Decide(e)
		if stranger := e.Answer == ByStranger && e.ContestForeign; d.Act == Take && e.Fence != Fenced && !stranger {
			t.Fatalf("takes (%s) with the fence %s", d.Rule, e.Fence)
		}
		if d.Act == Shoot && e.Fence != Armed {
			t.Fatalf("shoots with the fence %s", e.Fence)
		}
	})
}

// A vote that is refused counts more than any preference, but for a fence that worked.
func TestARefusedVoteTakesFromNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		e.Vote = Refused
		silent := !e.Linked || e.Hearing == Silent
		switch d := Decide(e); {
		case d.Act == Shoot:
			t.Fatalf("shoots (%s)", d.Rule)
		case d.Act == Take && silent && e.Fence != Fenced && d.Rule != RuleStranger:
			t.Fatalf("takes (%s)", d.Rule)
		case d.Act == Keep && silent:
			t.Fatalf("keeps (%s)", d.Rule)
		}
	})
}

func TestAHolderNeverShoots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		e.Holding = true
		if d := Decide(e); d.Act == Shoot {
			t.Fatal("shoots")
		}
	})
}

// Of two that prefer consistency, hear nothing of each other and have no fence, only the one
// with the vote, or the tiebreak's, holds or takes.
func TestConsistencyNeedsLeaveToGoOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		e.Prefer, e.Linked, e.Hearing, e.Fence = Consistency, true, Silent, NoFence
		leave := e.Vote == Granted || e.Tiebreak
		if d := Decide(e); !leave && (d.Act == Take || d.Act == Keep && e.Vote != Awaited) {
			t.Fatalf("%s without leave (%s)", d.Act, d.Rule)
		}
	})
}

// A better vote never turns taking into staying, nor keeping into releasing.
func TestABetterVoteNeverTakesAnythingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		with := e
		with.Vote = Granted
		if before, after := Decide(e).Act, Decide(with).Act; e.Vote != NoVoter && (before == Take && after != Take || before == Keep && after != Keep) {
			t.Fatalf("%s, and with the vote %s", before, after)
		}
	})
}

func TestNobodyShootsBeforeSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		if Decide(e).Act == Shoot && (e.Adverts || !e.Silence || e.Linked && e.Hearing == BothWay) {
			t.Fatal("shoots at a node that is heard")
		}
	})
}

// A policy for strangers changes nothing where no stranger answers.
func TestOnlyAStrangersAnswerMovesByThePolicyForStrangers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anything().Draw(t, "evidence")
		if e.Answer == ByStranger {
			return
		}
		d := Decide(e)
		if e.ContestForeign, e.ReleaseForeign = !e.ContestForeign, !e.ReleaseForeign; Decide(e) != d {
			t.Fatal("it counts without a stranger")
		}
	})
}

// node is one of two that hear each other in every way.
type node struct {
	holds bool
	rank  Rank
}

// sees is what one of them knows.
func (n node) sees(o node) Evidence {
	e := Evidence{
		Carrier: true, Linked: true, Hearing: BothWay, Holding: n.holds, Wins: n.rank.Before(o.rank), Class: n.rank.Class,
		Adverts: o.holds, Answer: Nobody, Conflict: true,
		Peer: Peer{Role: Standby, Class: o.rank.Class, Hears: true, Since: true},
	}
	if o.holds {
		e.Peer.Role, e.Answer = Holds, ByPeer
	}
	return e
}

// Two nodes that see the same world decide as one: mirrored evidence, mirrored acts.
func TestTwoInformedNodesAgree(t *testing.T) {
	rank := rapid.Custom(func(t *rapid.T) Rank {
		return Rank{Class: Class(rapid.IntRange(0, int(Useless)).Draw(t, "class")), Favoured: rapid.Bool().Draw(t, "favoured"), Priority: uint8(rapid.IntRange(1, 3).Draw(t, "priority"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		a := node{rapid.Bool().Draw(t, "a holds"), rank.Draw(t, "a")}
		b := node{rapid.Bool().Draw(t, "b holds"), rank.Draw(t, "b")}
		a.rank.Address, b.rank.Address = netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.0.6")
		x, y := Decide(a.sees(b)), Decide(b.sees(a))
		switch {
		case a.holds && b.holds:
			if (x.Act == Release) == (y.Act == Release) {
				t.Fatalf("two hold: %s and %s", x.Act, y.Act)
			}
		case !a.holds && !b.holds:
			if (x.Act == Take) == (y.Act == Take) {
				t.Fatalf("nobody holds: %s and %s", x.Act, y.Act)
			}
		case x.Act == Take || y.Act == Take:
			t.Fatalf("one holds: %s and %s", x.Act, y.Act)
		}
	})
}

func TestRankIsATotalOrder(t *testing.T) {
	addr := []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.0.6"), netip.MustParseAddr("fe80::1")}
	rank := rapid.Custom(func(t *rapid.T) Rank {
		return Rank{Class(rapid.IntRange(0, 4).Draw(t, "c")), rapid.Bool().Draw(t, "f"), uint8(rapid.IntRange(1, 3).Draw(t, "p")), rapid.SampledFrom(addr).Draw(t, "a")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rank.Draw(t, "a"), rank.Draw(t, "b"), rank.Draw(t, "c")
		if a != b && a.Before(b) == b.Before(a) || a == b && a.Before(b) {
			t.Fatal("neither or both come first")
		}
		if a.Before(b) && b.Before(c) && !a.Before(c) {
			t.Fatal("not transitive")
		}
	})
}
