package supervisor

import (
	"fmt"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// What the heartbeat and the arbiter have to do with it.

// ruled explains a Backup that would be Active and waits for the arbiter; false: it does
// not.
func (x *explainer) ruled() bool {
	d := x.r.arbitration.decision
	if d.Rule == "" || d.Act == fencing.Take || d.Act == fencing.Keep {
		return x.waitsToPreempt()
	}
	x.say("%s", x.says(x.r, d.Rule))
	x.change("%s", x.naming(rulings[d.Rule].ends))
	x.advise(rulings[d.Rule].do)
	return true
}

// waitsToPreempt explains a Backup that hears a lower one and must not come before it.
func (x *explainer) waitsToPreempt() bool {
	peer, _ := x.told()
	switch {
	case x.heldByOrder():
		return true
	case !x.linked() || !x.r.machine.Preempting():
	case x.pulse.Hearing() == fencing.OneWay:
		x.say("%s is heard; my priority %d is higher, but %s does not hear me, and both would hold", x.whom(), x.mine(), x.cfgPeer())
		x.change("the heartbeat goes both ways: I take over%s", x.afterDelay())
		x.peer("%s holds the addresses", x.cfgPeer())
		x.advise(rulings[fencing.RuleDeaf].do)
		return true
	case x.pulse.Hearing() == fencing.Silent && x.Node.cfg.Arbitration.Prefer == fencing.Consistency:
		x.say("%s is heard; my priority %d is higher, but %s is not heard by heartbeat, and may not hear me (prefer: consistency)", x.whom(), x.mine(), x.cfgPeer())
		x.change("the heartbeat goes both ways: I take over%s", x.afterDelay())
		x.peer("%s holds the addresses", x.cfgPeer())
		x.advise("look for what keeps the heartbeat from coming: a cable, a firewall (`pairkeeper status` shows the links)")
		return true
	case x.r.asks():
		x.say("%s is heard; my priority %d is higher, and I have asked for the addresses (prefer: consistency)", x.whom(), x.mine())
		x.change("%s gives them up: I take them", x.cfgPeer())
		x.peer("%s holds the addresses", x.cfgPeer())
		return true
	case x.pulse.Hearing() == fencing.BothWay && peer.Class < x.class():
		x.say("%s is heard; my priority %d is higher, but my node is worse off (%s)", x.whom(), x.mine(), x.class())
		x.change("my node is as well off as %s (%s): I take over%s", x.cfgPeer(), peer.Class, x.afterDelay())
		x.peer("%s holds the addresses", x.cfgPeer())
		return true
	}
	return false
}

// told is what the other node says of itself; false: nothing is heard of it.
func (n *Node) told() (*fencing.Heartbeat, bool) {
	if !n.linked() || n.pulse == nil {
		return &fencing.Heartbeat{}, false
	}
	h, at := n.pulse.Peer()
	return h, !at.IsZero() && n.pulse.Hearing() != fencing.Silent
}

// beating tells what the links are like.
func (x *explainer) beating() {
	if !x.linked() || x.pulse == nil {
		return
	}
	count := map[fencing.Hearing]int{}
	for i := range x.Node.cfg.Heartbeat.Links {
		count[x.pulse.Link(i).Hearing]++
	}
	text := fmt.Sprintf("the heartbeat goes both ways on %d of %d links", count[fencing.BothWay], len(x.Node.cfg.Heartbeat.Links))
	if n := count[fencing.OneWay]; n > 0 {
		text += fmt.Sprintf("; on %d I hear %s, which does not hear me", n, x.cfgPeer())
	}
	x.fact("%s", text)
	if x.gateway() == fencing.Lost {
		x.fact("my gateway does not answer")
	}
	switch x.peerProxy() {
	case fencing.Reached:
		x.fact("the proxy of %s answers at that node's own address", x.cfgPeer())
	case fencing.Lost:
		x.fact("the proxy of %s does not answer any more at that node's own address", x.cfgPeer())
	}
}

var roleWords = [...]string{fencing.Out: "takes no part", fencing.Standby: "stands by", fencing.Holds: "holds the addresses"}

// byHeartbeat says what the other node tells of itself; false: nothing is heard of it.
func (x *explainer) byHeartbeat() bool {
	h, heard := x.told()
	if heard {
		claim, _ := h.Claim(fencing.RouterKey(x.r.cfg.Name), x.r.number)
		x.peer("by heartbeat %s %s (%s)", x.cfgPeer(), roleWords[claim.Role], h.Class)
	}
	return heard
}

// conflicted explains a holder that knows by heartbeat of another one; empty: there is
// none.
func (x *explainer) conflicted() string {
	switch rule := x.r.arbitration.decision.Rule; rule {
	case fencing.RuleWins, fencing.RuleWaitBoth, fencing.RuleStranger:
		return x.says(x.r, rule)
	}
	return ""
}
