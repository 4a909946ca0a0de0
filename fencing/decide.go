package fencing

// Act is what is to be done about one virtual router.
type Act uint8

// The acts. Keep and Release are a holder's, the others not.
const (
	Keep    Act = iota // go on holding
	Release            // give the addresses up, now
	Stay               // go on without them
	Take               // take them
	Ask                // ask the other node to release them
	Probe              // ask the network who has them, and decide then
	Shoot              // fence the other node, and decide then
)

var actWords = [...]string{"keep", "release", "stay", "take", "ask", "probe", "shoot"}

// String is a stable word.
func (a Act) String() string { return actWords[a] }

// Decision is an act with the rule that it follows from.
type Decision struct {
	Act   Act
	Rule  Rule
	Alarm bool // an operator should know, whatever comes of it
}

// Rule names a line of the table, and with it the reason: a stable word.
type Rule string

// The rules: of everybody, of a holder, of a standby.
const (
	RulePaused      Rule = "paused"      // this node did not run: others may hold by now
	RuleNoLink      Rule = "link-down"   // no carrier
	RuleMaintenance Rule = "maintenance" // the operator's wish

	RuleRefused    Rule = "vote-refused"       // the third vote is the other node's
	RuleExpired    Rule = "vote-expired"       // neither vote nor promise is left
	RuleAwaits     Rule = "vote-awaited"       // the third vote has been asked for
	RuleWaitBoth   Rule = "conflict-unsettled" // both hold; the other node may not know yet
	RuleYields     Rule = "conflict-yields"    // both hold, the other one comes first
	RuleDeaf       Rule = "peer-deaf"          // both hold, the other one does not hear us and is well: the better informed yields
	RuleWins       Rule = "conflict-wins"      // both hold, this node comes first
	RuleHandOver   Rule = "peer-better"        // the other node stands by and is better off
	RuleAsked      Rule = "peer-asks"          // the other node stands by, comes first, and asks for the addresses
	RuleHanded     Rule = "handed-over"        // an operator wants the other node to hold, which stands by
	RuleWorse      Rule = "gateway-lost"       // the other node reaches the gateway, this one has not for a while
	RuleIsolated   Rule = "isolated"           // nothing is heard, and the gateway is lost
	RuleStranger   Rule = "foreign-holder"     // somebody else answers for an address
	RuleFrozen     Rule = "frozen"             // the addresses would move, but an operator wants nothing moved
	RuleHolds      Rule = "holds"
	RulePeerHolds  Rule = "peer-advertises"
	RuleVRRPBroken Rule = "vrrp-blocked"     // the other node holds, and its adverts do not come
	RuleBetter     Rule = "better-than-peer" // the other node holds, and is worse off
	RuleFree       Rule = "peer-stands-by"   // nobody holds, this node comes first
	RuleWaitSeen   Rule = "peer-uninformed"  // nobody holds; the other node may think that this one does
	RuleWaitFirst  Rule = "peer-first"       // nobody holds, the other node comes first
	RuleMissed     Rule = "peer-missed"      // the other node came first, and did not take
	RuleListen     Rule = "listens"          // it has not been silent for long enough
	RuleDoubtful   Rule = "gateway-unsure"   // nothing is heard, and the gateway has not answered since
	RulePeerAlive  Rule = "peer-answers"     // all links are silent, but the other node answers for the addresses
	RulePeerSick   Rule = "peer-sick"        // it does, its proxy does not answer, and its kernel should have let go
	RuleUnclaimed  Rule = "unclaimed"        // nobody is heard, nobody answers
	RuleEnded      Rule = "peer-ended"       // the same, and the other host says that its daemon has ended
	RuleVoted      Rule = "voted"            // the same, and the third vote, a fence or the tiebreak allows it
	RuleNoVote     Rule = "no-vote"          // the same, and nothing allows it
	RuleFence      Rule = "fence-first"      // the other node has to be fenced before
	RuleUnfenced   Rule = "fence-failed"     // the same, and that has failed
	RuleUnseen     Rule = "peer-never-heard" // the same, and it is not done before that one was heard once
	RuleNotAsked   Rule = "not-asked"        // the network has not been asked who has the addresses
)

// Decide is the table: what one node does about one virtual router on some evidence. It
// answers any evidence, and the same always with the same.
func Decide(e Evidence) Decision {
	switch {
	case e.Paused:
		return e.leave(RulePaused)
	case !e.Carrier:
		return e.leave(RuleNoLink)
	case e.Class == Resigned:
		return e.leave(RuleMaintenance)
	case e.Holding:
		return e.holder()
	}
	return e.standby()
}

// leave is Release of a holder and Stay of everybody else.
func (e *Evidence) leave(r Rule) Decision {
	if e.Holding {
		return Decision{Act: Release, Rule: r}
	}
	return Decision{Act: Stay, Rule: r}
}

// informed tells that the other node's word is of just now.
func (e *Evidence) informed() bool { return e.Linked && e.Hearing == BothWay }

// peerHolds tells that there is evidence of the other node as a holder.
func (e *Evidence) peerHolds() bool {
	return e.Adverts || e.Linked && e.Hearing != Silent && e.Peer.Role == Holds || e.Answer == ByPeer && e.Holding
}

func (e *Evidence) holder() Decision {
	if d, decided := e.voted(); decided {
		return d
	}
	if e.peerHolds() {
		return e.conflict()
	}
	d := e.alone()
	if e.Frozen && d.Act == Release && d.Rule != RuleHanded && d.Rule != RuleIsolated {
		return Decision{Act: Keep, Rule: RuleFrozen, Alarm: true}
	}
	return d
}

// alone is what the only holder does.
func (e *Evidence) alone() Decision {
	switch {
	case e.informed() && e.Peer.Role == Standby && e.Peer.Class.sound() && !e.Class.sound():
		return Decision{Act: Release, Rule: RuleHandOver}
	case e.informed() && e.Peer.Role == Standby && e.Peer.Class < e.Class && e.Worse:
		return Decision{Act: Release, Rule: RuleWorse}
	case e.informed() && e.Peer.Role == Standby && e.Peer.Granted:
		return Decision{Act: Release, Rule: RuleHanded}
	case e.informed() && e.Peer.Role == Standby && e.Peer.Asks && !e.Wins:
		return Decision{Act: Release, Rule: RuleAsked}
	case e.Linked && e.Hearing == Silent && e.Gateway == Lost && !e.StayIsolated:
		return Decision{Act: Release, Rule: RuleIsolated, Alarm: true}
	case e.Answer == ByStranger && e.ReleaseForeign:
		return Decision{Act: Release, Rule: RuleStranger, Alarm: true}
	case e.Answer == ByStranger:
		return Decision{Act: Keep, Rule: RuleStranger, Alarm: true}
	}
	return Decision{Act: Keep, Rule: RuleHolds}
}

// voted is what the third vote says to a holder. Two that know of each other settle it by
// their order.
func (e *Evidence) voted() (Decision, bool) {
	switch {
	case e.informed() && e.Peer.Role == Holds:
	case e.Vote == Refused:
		return Decision{Act: Release, Rule: RuleRefused, Alarm: true}, true
	case e.Prefer == Consistency && (!e.informed() || e.Stale) && !e.entitled():
		return Decision{Act: Release, Rule: RuleExpired, Alarm: true}, true
	}
	return Decision{}, false
}

// entitled tells that no other node may have taken the addresses, though it is not heard:
// it would have got neither the vote nor, without fencing this one, leave.
func (e *Evidence) entitled() bool {
	switch e.Vote {
	case Granted, Awaited:
		return true
	case NoVoter:
		return e.Tiebreak || e.Fence != NoFence
	}
	return e.Tiebreak || e.Fence == Fenced
}

// conflict is what a holder does about another one.
func (e *Evidence) conflict() Decision {
	switch {
	case !e.Wins && e.Linked && !e.informed() && !e.Conflict:
		return Decision{Act: Keep, Rule: RuleWaitBoth}
	case !e.Wins:
		return Decision{Act: Release, Rule: RuleYields, Alarm: e.Conflict}
	case e.DeafFor && (e.Hearing == Silent || e.Peer.Class == Able):
		return Decision{Act: Release, Rule: RuleDeaf, Alarm: true}
	}
	return Decision{Act: Keep, Rule: RuleWins, Alarm: e.Conflict} // else it has only just come first
}

func (e *Evidence) standby() Decision {
	switch {
	case e.Adverts:
		return Decision{Act: Stay, Rule: RulePeerHolds}
	case e.Linked && e.Hearing != Silent && e.Peer.Role == Holds:
		if e.informed() && e.Class.sound() && !e.Peer.Class.sound() {
			return Decision{Act: Ask, Rule: RuleBetter, Alarm: true}
		}
		return Decision{Act: Stay, Rule: RuleVRRPBroken, Alarm: true}
	case e.informed():
		return e.free()
	case e.Prefer == Availability && e.Linked && e.Hearing == OneWay && (e.Peer.Role == Out || e.Peer.Missed):
		return e.unless(RuleFree)
	case !e.Silence:
		return Decision{Act: Stay, Rule: RuleListen}
	case e.Gateway == Lost:
		return Decision{Act: Stay, Rule: RuleIsolated, Alarm: true}
	case e.Gateway == Doubtful:
		return Decision{Act: Stay, Rule: RuleDoubtful}
	}
	return e.silent()
}

// free is what a standby does when the other node says that it does not hold either.
func (e *Evidence) free() Decision {
	switch {
	case !e.Peer.Since:
		return Decision{Act: Stay, Rule: RuleWaitSeen}
	case e.Peer.Role == Out, e.Wins:
		return e.unless(RuleFree)
	case e.Peer.Missed:
		return e.unless(RuleMissed)
	}
	return Decision{Act: Stay, Rule: RuleWaitFirst}
}

// unless takes the addresses if nobody answers for them; a stranger is told of.
func (e *Evidence) unless(r Rule) Decision {
	switch e.Answer {
	case NotAsked:
		return Decision{Act: Probe, Rule: RuleNotAsked}
	case ByPeer: // its kernel is about to let go
		return Decision{Act: Stay, Rule: RulePeerAlive}
	case ByStranger:
		return e.stranger()
	}
	return Decision{Act: Take, Rule: r}
}

func (e *Evidence) stranger() Decision {
	if e.ContestForeign && e.Prefer == Availability {
		return Decision{Act: Take, Rule: RuleStranger, Alarm: true}
	}
	return Decision{Act: Stay, Rule: RuleStranger, Alarm: true}
}

// silent is what a standby does when nothing is heard of the other node at all.
func (e *Evidence) silent() Decision {
	switch e.Answer {
	case NotAsked:
		return Decision{Act: Probe, Rule: RuleNotAsked}
	case ByStranger:
		return e.stranger()
	case ByPeer:
		if e.PeerProxy != Lost || !e.GateShut {
			return Decision{Act: Stay, Rule: RulePeerAlive, Alarm: true}
		}
		return e.permitted(RulePeerSick)
	}
	if e.Ended {
		return e.permitted(RuleEnded)
	}
	return e.permitted(RuleUnclaimed)
}

// permitted takes the addresses from a node that nobody hears, if that is allowed.
func (e *Evidence) permitted(r Rule) Decision {
	allowed := e.Vote == Granted || e.Fence == Fenced || e.Tiebreak
	needs := e.MustFence || e.Prefer == Consistency && !allowed // a fence that works
	must := needs || r == RulePeerSick
	switch {
	case e.Fence == Fenced:
		return Decision{Act: Take, Rule: RuleVoted}
	case e.Vote == Refused:
		return Decision{Act: Stay, Rule: RuleRefused, Alarm: true}
	case e.Vote == Awaited:
		return Decision{Act: Stay, Rule: RuleAwaits}
	case must && e.Fence == Armed:
		return Decision{Act: Shoot, Rule: RuleFence, Alarm: true}
	case must && e.Fence == Pending:
		return Decision{Act: Stay, Rule: RuleFence, Alarm: true}
	case needs && e.Fence == Failed:
		return Decision{Act: Stay, Rule: RuleUnfenced, Alarm: true}
	case e.MustFence: // fencing is not possible: nothing is taken without
		return Decision{Act: Stay, Rule: RuleUnseen, Alarm: true}
	case e.Prefer == Consistency && r == RulePeerSick && e.Fence != Fenced:
		return Decision{Act: Stay, Rule: RulePeerAlive, Alarm: true}
	case e.Prefer == Consistency && allowed:
		return Decision{Act: Take, Rule: RuleVoted}
	case e.Prefer == Consistency:
		return Decision{Act: Stay, Rule: RuleNoVote, Alarm: true}
	}
	return Decision{Act: Take, Rule: r, Alarm: r == RulePeerSick}
}
