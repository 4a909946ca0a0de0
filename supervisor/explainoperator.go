package supervisor

import (
	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// What an operator has to do with it.

// heldByOrder explains a Backup that would pre-empt if an operator did not want it otherwise;
// false: he does not.
func (x *explainer) heldByOrder() bool {
	peer, heard := x.told()
	claim, _ := peer.Claim(fencing.RouterKey(x.r.cfg.Name), x.r.number)
	switch {
	case !heard || !x.r.machine.Preempting():
		return false
	case x.frozen():
		x.say("%s is heard; my priority %d is higher, but nothing is to be moved: %s", x.whom(), x.mine(), x.frozenWhere())
		x.change("`pairkeeper freeze off`: I take over%s", x.afterDelay())
	case claim.Favoured:
		x.say("an operator handed the addresses over to %s; my priority %d is higher", x.cfgPeer(), x.mine())
		x.change("`pairkeeper handover` gives them back")
		x.change("the time of the handover is over: I take over%s", x.afterDelay())
	default:
		return false
	}
	x.change("%s fails, or falls silent: I take over", x.cfgPeer())
	x.peer("%s holds the addresses", x.cfgPeer())
	return true
}

// byOrder tells of an Active router what an operator wants of it.
func (x *explainer) byOrder() {
	f := &x.r.favour
	switch {
	case x.r.forced:
		x.fact("an operator forced the addresses here: they stay whatever my health is")
		x.change("`pairkeeper handover` gives them to %s", x.cfgPeer())
	case x.r.favoured() && f.until.IsZero():
		x.fact("an operator handed the addresses over to me, %s ago: I come first until I let go", x.ago(f.since))
		x.change("`pairkeeper handover` gives them back to %s", x.cfgPeer())
	case x.r.favoured():
		x.fact("an operator handed the addresses over to me: I come first for another %s", x.left(f.until))
	}
	if where := x.frozenWhere(); where != "" {
		x.fact("nothing is to be moved that need not be: %s", where)
	}
	if x.r.endures != "" {
		x.fact("I would give the addresses up (%s: %s) if nobody wanted it otherwise", x.r.endures, Meaning(x.r.endures))
		x.remedy(ReasonEndured)
	}
}

// untilWhen says when a maintenance ends by itself.
func (x *explainer) untilWhen(reason vrrp.Reason) {
	if m := &x.modes[Maintenance]; reason == ReasonMaintenance && !m.until.IsZero() {
		x.change("its time is over in %s", x.left(m.until))
	}
}
