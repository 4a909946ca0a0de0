package supervisor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Explanation says in plain sentences why a router is as it is.
type Explanation struct {
	Router  string
	State   vrrp.State
	Reason  vrrp.Reason // of a FAULT or a last resort, else of the last transition
	Text    string      // what it is, and because of what
	Facts   []string    // the numbers behind that
	Changes []string    // what would change it
	Peer    []string    // what there is to say of the other node
	Remedy  []string    // what an operator can do
}

// Explain says why a router is as it is at a moment; false: there is no such router.
func (n *Node) Explain(now time.Time, router string) (Explanation, bool) {
	r := n.router(router)
	if r == nil {
		return Explanation{}, false
	}
	x := &explainer{
		Node: n, r: r, now: now, cfg: &r.cfg.VRRP, heard: r.machine.Heard(), out: r.machine.Outlook(),
		Explanation: Explanation{Router: r.cfg.Name, State: r.machine.State(), Reason: r.entered.Reason},
	}
	x.priority()
	x.lastHeard()
	x.beating()
	x.onDisk()
	switch x.State {
	case vrrp.Backup:
		x.backup()
	case vrrp.Active:
		x.active()
	default:
		x.notIn()
	}
	if r.failing != "" {
		x.Reason = r.failing
		x.remedy(r.failing)
	}
	return x.Explanation, true
}

// explainer is one explanation in the making.
type explainer struct {
	*Node
	Explanation
	r     *router
	now   time.Time
	cfg   *vrrp.Config
	heard vrrp.Heard
	out   vrrp.Outlook
}

func (x *explainer) say(format string, args ...any) {
	x.Text = fmt.Sprintf("I am %s because %s.", x.State, fmt.Sprintf(format, args...))
}

func (x *explainer) fact(format string, args ...any) {
	x.Facts = append(x.Facts, fmt.Sprintf(format, args...))
}

func (x *explainer) change(format string, args ...any) {
	x.Changes = append(x.Changes, fmt.Sprintf(format, args...))
}

func (x *explainer) peer(format string, args ...any) {
	x.Peer = append(x.Peer, fmt.Sprintf(format, args...))
}

func (x *explainer) remedy(r vrrp.Reason) { x.advise(Remedy(r)) }

func (x *explainer) advise(do string) {
	if do = x.naming(do); do != "" && !slices.Contains(x.Remedy, do) {
		x.Remedy = append(x.Remedy, do)
	}
}

// span is a time as people say it.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// left is how long it is until a moment.
func (x *explainer) left(at time.Time) string { return span(at.Sub(x.now)) }

// ago is how long a moment is past.
func (x *explainer) ago(at time.Time) string { return span(x.now.Sub(at)) }

// name is whose address one is, as far as it is known.
func (x *explainer) name(a netip.Addr) string {
	if a == x.r.cfg.Peer && a.IsValid() {
		return x.cfgPeer()
	}
	return a.String()
}

func (x *explainer) cfgPeer() string {
	if x.Node.cfg.Peer == "" {
		return "the other node"
	}
	return x.Node.cfg.Peer
}

// other is the node that was heard last, else the one of the file.
func (x *explainer) other() string {
	if x.heard.At.IsZero() {
		return x.cfgPeer()
	}
	return x.name(x.heard.From)
}

// whom is who was heard, with his numbers.
func (x *explainer) whom() string {
	name, a := x.name(x.heard.From), x.heard.From.String()
	if name == a {
		return fmt.Sprintf("%s (priority %d)", a, x.heard.Priority)
	}
	return fmt.Sprintf("%s (%s, priority %d)", name, a, x.heard.Priority)
}

// mine is the priority in force.
func (x *explainer) mine() uint8 { return x.r.machine.Priority() }

// priority tells what makes the priority what it is.
func (x *explainer) priority() {
	base := x.cfg.Priority
	switch {
	case x.r.failing != "":
		x.fact("my priority is %d, the last resort's; by the file it is %d", x.mine(), base)
	case base != x.mine() || len(x.r.offsets) > 0:
		x.fact("my priority is %d; by the file it is %d", x.mine(), base)
		for _, o := range x.r.offsets {
			x.fact("%s", o)
		}
	default:
		x.fact("my priority is %d, as in the file", base)
	}
}

func (x *explainer) lastHeard() {
	switch {
	case x.heard.At.IsZero() && x.linked():
		x.fact("no advert has been heard")
	case x.heard.At.IsZero():
		x.fact("nobody has been heard")
	case x.heard.Priority == vrrp.PriorityRelease:
		x.fact("last heard: %s gave the addresses up, %s ago", x.name(x.heard.From), x.ago(x.heard.At))
	default:
		x.fact("last heard: %s, %s ago", x.whom(), x.ago(x.heard.At))
	}
	if x.cfg.PeerPriority != 0 {
		x.fact("the priority of %s by the file is %d", x.cfgPeer(), x.cfg.PeerPriority)
	}
}

// notIn explains INIT and FAULT.
func (x *explainer) notIn() {
	reason, detail := x.r.fault, x.r.detail
	if reason == "" { // not started
		reason = ReasonStarting
	}
	if reason == ReasonStarting && detail == "" {
		detail = "the state of " + x.guard.cfg.Name() + " is not known yet"
	}
	x.Reason = reason
	m := meanings[reason]
	x.say("%s", joined(": ", m.is, detail))
	if m.ends != "" {
		x.change("%s", m.ends)
	}
	x.timesOf(reason)
	if isFault(reason) {
		x.change("then I listen for %s before I take anything", span(x.cfg.DownInterval(x.cfg.Interval)))
		x.whoHolds()
	}
	x.remedy(reason)
}

// joined is what there is of some texts.
func joined(by string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), by)
}

// whoHolds says of a router that is out what the other node makes of it.
func (x *explainer) whoHolds() {
	switch {
	case x.recent():
		x.peer("%s holds the addresses", x.whom())
	case !x.byHeartbeat():
		x.peer("%s is not heard: perhaps nobody holds the addresses", x.cfgPeer())
	}
}

// timesOf adds what is configured, or runs, of what ends a reason.
func (x *explainer) timesOf(reason vrrp.Reason) {
	g := &x.guard
	switch reason {
	case ReasonVIPFailed:
		x.change("it is tried again in %s", x.left(x.r.retryAt))
	case ReasonHookVetoed:
		x.change("it is asked again in %s (retry: %s)", x.left(x.r.vetoUntil), span(x.r.cfg.Hooks.BeforeActive.Retry))
	case ReasonProxyDown:
		x.ladder()
	case ReasonProxyReturns:
		x.change("%d of %d good looks are done", g.goods, g.cfg.Rise)
	case ReasonProbe:
		for i := range x.probes {
			if p := &x.probes[i]; p.cfg.OnFail.Act == probes.Fatal && p.counter.State() == probes.Failed && !p.cfg.OnFail.Reverse {
				x.change("probe %s is good %d times in a row, every %s", p.cfg.Name, max(p.cfg.Rise, 1), span(p.cfg.Interval))
			}
		}
	}
}

// ladder says when the proxy is tried again.
func (x *explainer) ladder() {
	g := &x.guard
	switch {
	case g.phase != GivenUp && !g.climbs:
		x.change("somebody else is at it: %s", g.phase)
	case g.phase != GivenUp:
		x.change("it is being mended: %s", g.rungWord())
	case g.halts:
		x.change("it is being stopped (give_up: stop); the next try starts it again")
	case g.until.IsZero():
		x.change("it is not restarted again (retry: 0)")
	default:
		x.change("it is looked at anew in %s (%s), and restarted if that may help", x.left(g.until), g.pauseWord())
	}
}

// rungWord is where the ladder is.
func (g *guard) rungWord() string {
	if g.attempt == 0 {
		return g.phase.String()
	}
	return fmt.Sprintf("%s, restart %d of %d", g.phase, g.attempt, g.cfg.Attempts)
}

// pauseWord is what makes the wait after giving up what it is.
func (g *guard) pauseWord() string {
	if g.pause == g.cfg.Retry {
		return "retry: " + span(g.pause)
	}
	return "each time twice as long, now " + span(g.pause) + "; retry_max: " + span(g.cfg.RetryMax)
}

// mending tells of a ladder that is under way while the node still takes part.
func (x *explainer) mending() {
	if g := &x.guard; g.cfg.Guarded() && !g.barred && g.phase != Good {
		x.fact("%s is not good (%s), and is being mended: %s", g.cfg.Name(), g.why, g.rungWord())
	}
}

// onDisk tells of a configuration of the proxy that is not what it runs with.
func (x *explainer) onDisk() {
	c := x.conf.view()
	what, _, _ := strings.Cut(c.Problem, "\n")
	switch c.State {
	case ConfBad:
		x.fact("%s: on the disk it is bad: %s", x.conf.what(), what)
		x.change("%s ends or is restarted: it does not start again, and this node leaves", x.guard.cfg.Name())
		x.remedy(ReasonConfBad)
	case ConfPending, ConfReloadFailed:
		x.fact("%s: changed, and not in force until %s is reloaded", x.conf.what(), x.guard.cfg.Name())
	case ConfUnwatched:
		x.fact("the configuration of %s is not watched: %s", x.guard.cfg.Name(), what)
	}
}

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
	case x.out.PreemptAt.After(x.now) && x.cfg.PreemptDelay > 0:
		x.say("%s is heard; my priority %d is higher, and I wait until preempt_delay is over: %s are left of %s",
			x.whom(), mine, x.left(x.out.PreemptAt), span(x.cfg.PreemptDelay))
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

func (x *explainer) afterDelay() string {
	switch {
	case !x.cfg.Preempt:
		return ", though only if it falls silent (preempt: false)"
	case x.cfg.PreemptDelay > 0:
		return " after " + span(x.cfg.PreemptDelay) + " (preempt_delay)"
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

// active explains ACTIVE.
func (x *explainer) active() {
	because := Meaning(x.r.entered.Reason)
	if p := x.r.entered.Peer; p.IsValid() {
		because += " (" + x.name(p) + ")"
	}
	switch {
	case x.r.failing != "":
		x.say("no healthy node is heard: my own node has failed (%s), and holds the addresses as the last resort (when_all_unhealthy: keep)", x.r.failing)
		x.fact("%s: %s", x.r.failing, x.r.weakness)
		x.change("a node that is good is heard: I yield at once")
		x.change("%s: my priority is %d again", meanings[x.r.failing].ends, x.unfailed())
		x.timesOf(x.r.failing)
	case x.conflicted() != "":
		x.say("%s; but %s", because, x.conflicted())
		x.change("%s gives the addresses up", x.cfgPeer())
		x.advise(rulings[x.r.arbitration.decision.Rule].do)
	case x.contested():
		x.say("%s; but %s holds the addresses as well, and does not hear me", because, x.whom())
		x.change("%s hears me: it yields, as its priority is lower", x.other())
		x.remedy(vrrp.ReasonLowerAdvert)
	case x.outranked():
		x.say("%s; the priority of %s is %d and mine %d, but it is not heard", because, x.cfgPeer(), x.r.machine.PeerPriority(), x.mine())
		x.change("%s is there and takes the addresses: I yield at once", x.cfgPeer())
		x.Remedy = append(x.Remedy, "look whether "+x.cfgPeer()+" runs and is healthy")
	default:
		x.say("%s", because)
	}
	x.fact("ACTIVE for %s, adverts every %s", x.ago(x.r.since), span(x.cfg.Interval))
	if !x.r.owned && !x.r.native {
		x.fact("the kernel has not confirmed the addresses yet")
	}
	x.mending()
	x.whatEndsIt()
	x.keepsPeer()
}

// contested tells that another Active router is heard.
func (x *explainer) contested() bool {
	return x.heard.At.After(x.r.since.Add(x.cfg.Interval)) && x.heard.Priority != vrrp.PriorityRelease && x.recent()
}

// recent tells that somebody else is Active, as far as is heard.
func (x *explainer) recent() bool {
	return !x.heard.At.IsZero() && x.heard.Priority != vrrp.PriorityRelease && x.now.Sub(x.heard.At) <= x.cfg.DownInterval(x.cfg.Interval)
}

func (x *explainer) outranked() bool { return x.r.machine.PeerPriority() > x.mine() }

// whatEndsIt is what makes an Active router leave.
func (x *explainer) whatEndsIt() {
	if x.mine() < vrrp.PriorityOwner {
		x.change("a node with a priority above %d is heard: I yield to it", x.mine())
	}
	if p := x.cfg.PeerPriority; p != 0 && p < x.mine() && x.cfg.Priority != vrrp.PriorityOwner {
		x.change("my priority falls below %d, that of %s: I give the addresses up", p, x.cfgPeer())
	}
	if g := &x.guard; g.cfg.Guarded() && x.r.failing == "" {
		x.change("%s fails, and %s not help: I give the addresses up", g.cfg.Name(), restarts(g.cfg.Attempts))
	}
	for _, p := range x.probes {
		if p.cfg.OnFail.Act == probes.Fatal && !p.cfg.OnFail.Reverse && x.r.failing == "" {
			x.change("probe %s is bad %d times in a row, every %s: I give the addresses up", p.cfg.Name, max(p.cfg.Fall, 1), span(p.cfg.Interval))
		}
	}
	if x.linked() && x.gateway() != fencing.Unasked {
		x.change("my gateway is lost, and %s reaches it for %s: I give the addresses up", x.cfgPeer(), span(worseFor))
	}
	x.change("interface %s loses its carrier, or this daemon stops", x.r.cfg.Interface)
}

func restarts(n int) string {
	if n == 1 {
		return "one restart does"
	}
	return fmt.Sprintf("%d restarts do", n)
}

// keepsPeer is why the other node does not hold the addresses.
func (x *explainer) keepsPeer() {
	switch p := x.cfg.PeerPriority; {
	case x.contested(), x.conflicted() != "", x.r.failing != "":
	case p == 0 || x.outranked():
	case p < x.mine():
		x.peer("%s stays BACKUP as long as it hears me: its priority is lower (%d by the file)", x.cfgPeer(), p)
	default:
		x.peer("%s has the same priority by the file, so it leaves the addresses to me", x.cfgPeer())
	}
	switch {
	case x.recent() || x.byHeartbeat():
	case x.linked():
		x.peer("nothing of it comes by heartbeat, nor any advert: it is taken for dead, or for cut off")
	default:
		x.peer("it is not heard, which is as it should be: a BACKUP is silent. Whether it is there is not known")
	}
}
