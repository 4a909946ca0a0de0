package supervisor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// backup explains BACKUP.
func (x *explainer) backup() {
	x.fact("BACKUP for %s: %s", x.ago(x.r.since), Meaning(x.r.entered.Reason))
	x.mending()
	switch {
	case len(x.members(x.r)[0].gate.asked) > 0:
		x.waitsForHook()
	case x.ruled():
	case x.out.Willing != "" && x.r.cfg.Group != "":
		x.waitsForGroup()
	case x.out.Willing != "":
		x.say("I could be ACTIVE (%s), and make sure that nobody holds the addresses", Meaning(x.out.Willing))
		x.change("nobody answers for them: ACTIVE")
	case x.out.Holder != "" && x.cfg.Patient:
		x.say("nobody is heard, but %s still answers for the address: a dead node's kernel lets go by itself, so it may be alive", x.out.Holder)
		x.change("nobody answers any more: then I take it")
		x.remedy(vrrp.ReasonAddressContest)
	case x.out.Holder != "":
		x.say("nobody is heard, but %s still answers for the address: its kernel lets go by itself", x.out.Holder)
		x.change("nobody answers any more, or it lasts beyond any lifetime: then I take it")
		x.remedy(vrrp.ReasonAddressContest)
	case x.out.Cause == vrrp.ReasonUnclaimed:
		x.say("I gave the addresses up (%s) and wait for %s to take them", Meaning(x.r.entered.Reason), x.cfgPeer())
		x.change("%s does not come: I take them back in %s", x.cfgPeer(), x.left(x.out.DownAt))
	case x.heard.At.IsZero():
		x.say("I listen before I take anything, and nobody has been heard yet")
		x.change("nobody is heard: ACTIVE in %s", x.left(x.out.DownAt))
		x.change("somebody is heard: then the priorities decide")
	case x.heard.Priority == vrrp.PriorityRelease:
		x.say("%s has just given the addresses up, and I look whether they are free", x.other())
		x.change("nobody answers for them: ACTIVE in %s", x.left(x.out.DownAt))
	default:
		x.follows()
	}
	if !x.recent() {
		x.byHeartbeat()
	}
	if x.r.failing != "" {
		x.fact("%s: %s", x.r.failing, x.r.weakness)
		x.Text = strings.TrimSuffix(x.Text, ".") + fmt.Sprintf("; my node has failed (%s), so I only stand by as the last resort (when_all_unhealthy: keep).", x.r.failing)
		x.change("%s: my priority is %d again", meanings[x.r.failing].ends, x.unfailed())
		x.timesOf(x.r.failing)
	}
}

// unfailed is the priority without the failure.
func (x *explainer) unfailed() uint8 {
	p, _ := x.effective(x.r)
	return p
}

// follows explains a Backup that hears an Active router.
func (x *explainer) follows() {
	who, mine := x.other(), x.mine()
	switch p := x.heard.Priority; {
	case p > mine:
		x.say("%s is heard and has the higher priority (mine is %d)", x.whom(), mine)
		if x.r.failing == "" {
			x.change("the priority of %s falls below %d: it gives the addresses up, or I take over%s", who, mine, x.afterDelay())
		}
	case p == mine:
		x.say("%s is heard and has the same priority: who holds the addresses keeps them", x.whom())
		x.change("my priority rises above %d: then I take over%s", p, x.afterDelay())
	case !x.cfg.Preempt && mine != vrrp.PriorityOwner:
		x.say("%s is heard; my priority %d is higher, but I do not take over from a node that works (preempt: false)", x.whom(), mine)
	case x.out.PreemptAt.After(x.now) && x.r.damping.told > 0:
		x.say("%s is heard; my priority %d is higher, and I wait until preempt_delay is over: %s are left of %s%s",
			x.whom(), mine, x.left(x.out.PreemptAt), span(x.r.damping.told), x.flapped())
		x.change("%s from now: I take over with the next advert of %s", x.left(x.out.PreemptAt), who)
	default:
		x.say("%s is heard; my priority %d is higher, and I take over with one of its next adverts", x.whom(), mine)
	}
	x.change("%s is silent for %s%s: I take over, if nobody answers for the addresses (%s left)", who, span(x.out.Silence), x.andMore(), x.left(x.out.DownAt))
	x.change("%s gives the addresses up (its proxy fails, it is stopped): I take over at once", who)
	if len(x.r.offsets) > 0 && x.cfg.Priority > x.heard.Priority && x.mine() <= x.heard.Priority {
		x.change("what takes from my priority ends: it is %d then, and I take over%s", x.cfg.Priority, x.afterDelay())
	}
	x.peer("%s holds the addresses", who)
}

// andMore is what the arbiter wants beside a silence.
func (x *explainer) andMore() string {
	switch {
	case !x.linked():
		return ""
	case x.gateway() == fencing.Unasked:
		return ", by heartbeat too"
	}
	return ", by heartbeat too, and my gateway answers"
}

// waitsForHook explains a Backup whose hook may veto.
func (x *explainer) waitsForHook() {
	hook := &x.r.cfg.Hooks.BeforeActive
	for _, m := range x.members(x.r) {
		if slices.Contains(x.members(x.r)[0].gate.asked, m.cfg.Name) {
			hook = &m.cfg.Hooks.BeforeActive
		}
	}
	x.say("I could be ACTIVE (%s), but the hook before_active has not answered yet", Meaning(x.out.Willing))
	x.change("it ends with status 0: ACTIVE")
	x.change("it ends otherwise, or not within %s: FAULT (%s) for %s", span(hook.Timeout), ReasonHookVetoed, span(hook.Retry))
}

// flapped says why the delay is longer than in the file.
func (x *explainer) flapped() string {
	n := x.r.damping.flaps
	if x.r.damping.told == x.cfg.PreemptDelay || n < 2 {
		return ""
	}
	return fmt.Sprintf(", as this node has failed %d times within %s; by the file it is %s", n, span(x.r.cfg.FlapWindow), span(x.cfg.PreemptDelay))
}

func (x *explainer) afterDelay() string {
	switch {
	case !x.cfg.Preempt:
		return ", though only if it falls silent (preempt: false)"
	case x.r.damping.told > 0:
		return " after " + span(x.r.damping.told) + " (preempt_delay" + x.flapped() + ")"
	}
	return ""
}

// waitsForGroup explains a Backup that would be Active if it were alone.
func (x *explainer) waitsForGroup() {
	var waits []string
	for _, m := range x.members(x.r) {
		if m.machine.State() == vrrp.Active || m.machine.Willing() {
			continue
		}
		text := m.cfg.Name + " is " + m.machine.State().String()
		if h := m.machine.Heard(); m.machine.State() == vrrp.Backup && !h.At.IsZero() {
			text += fmt.Sprintf(" and hears %s (priority %d, %s ago)", x.name(h.From), h.Priority, x.ago(h.At))
		}
		waits = append(waits, text)
	}
	if len(waits) == 0 {
		x.say("all routers of group %s are ready, and make sure that nobody holds their addresses", x.r.cfg.Group)
		x.change("nobody answers for them: all become ACTIVE together")
		return
	}
	x.say("the routers of group %s move together: I could be ACTIVE (%s), but %s", x.r.cfg.Group, Meaning(x.out.Willing), strings.Join(waits, ", "))
	x.change("all of them could: then they become ACTIVE together")
	if x.out.Willing == vrrp.ReasonPeerSilent || x.out.Willing == vrrp.ReasonAlone {
		x.Remedy = append(x.Remedy, "one router hears the other node and another one does not: look for a firewall that drops VRRP of one family, or on one interface")
	}
}
