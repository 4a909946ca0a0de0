package supervisor

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

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
	x.fenced()
	x.votes()
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
	return x.peerName()
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
