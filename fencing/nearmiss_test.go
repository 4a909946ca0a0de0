package fencing

import "testing"

func oneWay(e *Evidence)    { e.Hearing = OneWay }
func peerOut(e *Evidence)   { e.Peer.Role = Out }
func saidHolds(e *Evidence) { e.Peer.Role = Holds } // what was heard last

// TestARuleNeedsAllThatItNames: evidence that has all but one thing that a rule needs falls
// under another one. Each kills a mutant: see TestEveryMutantOfTheTableDies.
func TestARuleNeedsAllThatItNames(t *testing.T) {
	for _, c := range []struct {
		name string
		e    []func(*Evidence)
		act  Act
		rule Rule
	}{
		{"H1: that the other kernel answers is a conflict, too", do(holding, answered, loses, unlinked), Release, RuleYields},
		{"H1: what was heard before the links were removed is none", do(holding, unlinked, peerHolds, loses), Keep, RuleHolds},
		{"H1: nor what was heard before they fell silent", do(holding, saidHolds, loses), Keep, RuleHolds},
		{"H3: whoever is not heard at all counts as well", do(holding, adverts, deaf, peerSick), Release, RuleDeaf},
		{"H4: a sick holder keeps beside one that may not hear it", do(holding, sick, peerStands, oneWay), Keep, RuleHolds},
		{"H4: and beside one that is out", do(holding, sick, peerStands, peerOut), Keep, RuleHolds},
		{"H4: so does one without gateway, unless it is heard", do(holding, cut, worse, peerStands, oneWay), Keep, RuleHolds},
		{"H4: and the other one is in", do(holding, cut, worse, peerStands, peerOut), Keep, RuleHolds},
		{"H4: and not as badly off", do(holding, cut, worse, peerStands, func(e *Evidence) { e.Peer.Class = Cut }), Keep, RuleHolds},

		{"H7: the node of the tiebreak needs no vote", do(holding, consistent, vote(Mute), tiebreak), Keep, RuleHolds},

		{"S2: a sick holder that may not hear us is not asked", do(silence, peerHolds, peerSick, oneWay, unanswered), Stay, RuleVRRPBroken},
		{"S2: nor does a sick standby ask", do(silence, peerHolds, peerSick, sick, unanswered), Stay, RuleVRRPBroken},
		{"S2: nor does what was heard before the links were removed count", do(silence, unlinked, peerHolds, unanswered), Take, RuleUnclaimed},
		{"S2: nor what was heard before they fell silent", do(silence, saidHolds, unanswered), Take, RuleUnclaimed},
		{"S3: consistency does not believe one that does not hear us", do(peerIsOut, peerOneWay, unanswered, consistent), Stay, RuleListen},
		{"S3: nor does one believe what came before the links were removed", do(peerIsOut, peerOneWay, unanswered, unlinked), Stay, RuleListen},
		{"S5: whose proxy may be good is left alone", do(silence, answered, gateShut), Stay, RulePeerAlive},
		{"S7: a fence is for consistency, or where it is told", do(silence, unanswered, fence(Armed)), Take, RuleUnclaimed},
		{"S7: where it is told, nothing is taken from one that must not be shot", do(silence, unanswered, func(e *Evidence) { e.MustFence = true }), Stay, RuleUnseen},
		{"S7: one that failed bars nobody where it is not told", do(silence, unanswered, fence(Failed)), Take, RuleUnclaimed},
		{"S7: nor does a vote make a difference", do(silence, unanswered, vote(Granted)), Take, RuleUnclaimed},
		{"S8: who has the vote need not shoot", do(silence, unanswered, consistent, vote(Granted), fence(Armed)), Take, RuleVoted},
	} {
		if d := Decide(well(c.e...)); d.Act != c.act || d.Rule != c.rule {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, d.Act, d.Rule, c.act, c.rule)
		}
	}
}

// TestAlarms: an operator is told of what should not be, and not of what passes by itself.
func TestAlarms(t *testing.T) {
	for _, c := range []struct {
		name  string
		e     []func(*Evidence)
		alarm bool
	}{
		{"paused", do(holding, func(e *Evidence) { e.Paused = true }), false},
		{"paused standby", do(func(e *Evidence) { e.Paused = true }), false},
		{"hands over", do(holding, sick, peerStands), false},
		{"keeps what it would hand over", do(holding, sick, peerStands, frozen), true},
		{"hands over as an operator wants", do(holding, peerStands, consented), false},
		{"hands over as the gateway is lost", do(holding, cut, worse, peerStands), false},
		{"isolated", do(holding, isolated), true},
		{"stranger", do(holding, stranger), true},
		{"holds", do(holding), false},
		{"refused", do(holding, consistent, vote(Refused)), true},
		{"expired", do(holding, consistent, vote(Expired)), true},
		{"both hold, perhaps", do(holding, adverts, loses), false},
		{"yields at once", do(holding, peerHolds, loses), false},
		{"yields after a while", do(holding, peerHolds, loses, conflict), true},
		{"deaf", do(holding, adverts, peerOneWay, deaf), true},
		{"wins at once", do(holding, peerHolds), false},
		{"wins after a while", do(holding, peerHolds, conflict), true},

		{"obeys adverts", do(adverts), false},
		{"asks a sick holder", do(silence, peerHolds, peerSick), true},
		{"adverts are blocked", do(silence, peerHolds), true},
		{"listens", do(unanswered), false},
		{"isolated standby", do(silence, isolated), true},
		{"perhaps isolated", do(silence, func(e *Evidence) { e.Gateway = Doubtful }), false},
		{"the other one does not know yet", do(peerStands, uninformed, unanswered), false},
		{"the other one comes first", do(peerStands, loses, unanswered), false},
		{"free, and asks the network", do(peerStands), false},
		{"free, and the other kernel is about to let go", do(peerStands, answered), false},
		{"takes what is free", do(peerStands, unanswered), false},
		{"a stranger has it", do(silence, stranger), true},
		{"a stranger is contested", do(silence, stranger, func(e *Evidence) { e.ContestForeign = true }), true},
		{"asks the network", do(silence), false},
		{"the other kernel answers", do(silence, answered), true},
		{"a sick node answers", do(silence, answered, peerProxyBad, gateShut), true},
		{"a sick node answers, for consistency", do(silence, answered, peerProxyBad, gateShut, consistent), true},
		{"takes from the dead", do(silence, unanswered), false},
		{"shoots", do(silence, unanswered, consistent, fence(Armed)), true},
		{"has shot", do(silence, unanswered, consistent, fence(Fenced)), false},
		{"could not shoot", do(silence, unanswered, fence(Failed), func(e *Evidence) { e.MustFence = true }), true},
		{"waits for the shot", do(silence, unanswered, fence(Pending), func(e *Evidence) { e.MustFence = true }), true},
		{"the other one has the vote", do(silence, unanswered, vote(Refused)), true},
		{"awaits the vote", do(silence, unanswered, vote(Awaited)), false},
		{"hands over when asked", do(holding, loses, peerStands, asks), false},
		{"must not shoot", do(silence, unanswered, func(e *Evidence) { e.MustFence = true }), true},
		{"leaves it to a stranger", do(holding, stranger, func(e *Evidence) { e.ReleaseForeign = true }), true},
		{"shoots beside", do(silence, unanswered, fence(Pending)), false},
		{"has the vote", do(silence, unanswered, consistent, vote(Granted)), false},
		{"has no vote", do(silence, unanswered, consistent), true},
	} {
		if d := Decide(well(c.e...)); d.Alarm != c.alarm {
			t.Errorf("%s (%s, %s): alarm %t", c.name, d.Act, d.Rule, d.Alarm)
		}
	}
}
