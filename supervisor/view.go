package supervisor

import (
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// View is what a Node can say of itself. Its times are the deciders' own.
type View struct {
	Node    string
	Peer    string
	Proxy   ProxyView
	Health  Health
	Probes  []ProbeView
	Routers []RouterView

	Heartbeat HeartbeatView
	Fence     FenceView
	Voters    []VoterView
}

// ProxyView is the guard's part of a View.
type ProxyView struct {
	Guarded  bool
	Name     string
	Phase    Phase
	Since    time.Time
	Unit     UnitState
	Why      string // what is wrong; empty: nothing
	Restarts int    // by the ladder, since the daemon began
	Budget   int    // restarts that the window still allows
	Resets   int    // start limits cleared
	Config   ConfView
	Reloads  int       // by the ladder, since the daemon began
	Next     time.Time // when a proxy that was given up is tried again; zero: not
}

// ProbeView is one probe of a View.
type ProbeView struct {
	Name   string
	State  probes.State
	Detail string
	Since  time.Time
	OnFail probes.OnFail
	Offset int  // what it does to the priority now
	Out    bool // it makes the node leave, or the last resort
}

// RouterView is one virtual router of a View.
type RouterView struct {
	Config Router
	State  vrrp.State
	Reason vrrp.Reason // of a FAULT, or why it is the last resort
	Detail string
	// LastResort tells that it takes part although it fails (when_all_unhealthy: keep).
	LastResort bool
	Since      time.Time
	Priority   uint8
	Offsets    []string // what makes Priority differ from the configured one
	Primary    netip.Addr
	Heard      vrrp.Heard
	Owned      bool
	Arbiter    ArbiterView
	PreemptAt  time.Time // from when it pre-empts the router that it hears; zero: it does not wait for that
	Flaps      int       // how many times it has failed of late, which makes it wait
	// Claim is what the other node last said of the router by heartbeat; Claimed: it has.
	Claim   fencing.Claim
	Claimed bool
}

// ArbiterView is what the arbiter says of a router. The zero value: there is no heartbeat,
// or it is not asked.
type ArbiterView struct {
	Rule  fencing.Rule
	Since time.Time
	Text  string // of a rule that keeps a Backup waiting, or is an alarm; else empty
}

// View tells how the node is at a moment.
func (n *Node) View(now time.Time) View {
	v := n.Summary(now)
	for _, r := range n.routers {
		v.Routers = append(v.Routers, n.viewOf(r))
	}
	return v
}

// Summary is View without the routers.
func (n *Node) Summary(now time.Time) View {
	v := View{Node: n.cfg.Node, Peer: n.cfg.Peer, Proxy: n.Proxy(now), Health: n.Health(), Heartbeat: n.heartbeatView(), Fence: n.fenceView(), Voters: n.voterViews()}
	for i := range n.probes {
		v.Probes = append(v.Probes, n.probes[i].view())
	}
	return v
}

func (p *probe) view() ProbeView {
	v := ProbeView{Name: p.cfg.Name, State: p.counter.State(), Detail: p.detail, Since: p.since, OnFail: p.cfg.OnFail}
	v.Offset, _ = p.offset()
	v.Out, _ = p.out()
	return v
}

func (n *Node) viewOf(r *router) RouterView {
	reason, detail := r.fault, r.detail
	if r.failing != "" {
		reason, detail = r.failing, r.weakness
	}
	v := RouterView{
		Config: r.cfg, State: r.machine.State(), Reason: reason, Detail: detail, LastResort: r.failing != "", Since: r.since,
		Priority: r.machine.Priority(), Offsets: r.offsets, Primary: r.primary, Heard: r.machine.Heard(), Owned: r.owned,
		Arbiter: n.arbiterView(r), PreemptAt: r.machine.Outlook().PreemptAt, Flaps: r.damping.flaps,
	}
	if n.linked() && n.pulse != nil {
		peer, _ := n.pulse.Peer()
		v.Claim, v.Claimed = peer.Claim(fencing.RouterKey(r.cfg.Name), r.number)
	}
	return v
}

func (n *Node) arbiterView(r *router) ArbiterView {
	a := &r.arbitration
	v := ArbiterView{Rule: a.decision.Rule, Since: a.since}
	if a.decision.Alarm || a.decision.Act == fencing.Stay && v.Rule != "" {
		v.Text = n.says(r, v.Rule)
	}
	return v
}

// Ruling is in words what the arbiter says of a router; empty: nothing.
func (n *Node) Ruling(router string) string {
	if r := n.router(router); r != nil && r.arbitration.decision.Rule != "" {
		return n.says(r, r.arbitration.decision.Rule)
	}
	return ""
}

// Proxy tells how the proxy is at a moment.
func (n *Node) Proxy(now time.Time) ProxyView {
	v := n.guard.view(now)
	v.Config = n.conf.view()
	return v
}

// States counts the routers in each state.
func (n *Node) States() map[vrrp.State]int {
	count := map[vrrp.State]int{}
	for _, r := range n.routers {
		count[r.machine.State()]++
	}
	return count
}

// Router tells how one router is.
func (n *Node) Router(name string) RouterView {
	if r := n.router(name); r != nil {
		return n.viewOf(r)
	}
	return RouterView{}
}

func (g *guard) view(now time.Time) ProxyView {
	v := ProxyView{
		Guarded: g.cfg.Guarded(), Name: g.cfg.Name(), Phase: g.phase, Since: g.since, Unit: g.unit, Why: g.why,
		Restarts: g.total, Budget: g.cfg.Budget - g.recent(now), Reloads: g.reloads, Resets: g.resets,
	}
	if g.phase == GivenUp {
		v.Next = g.until
	}
	return v
}

// Active tells whether a router is Active.
func (n *Node) Active(router string) bool {
	r := n.router(router)
	return r != nil && r.machine.State() == vrrp.Active
}

// has tells whether a router's addresses are this node's.
func (n *Node) has(router string) bool {
	r := n.router(router)
	return r != nil && r.role() == fencing.Holds
}

// Primary is the address that a router's adverts come from.
func (n *Node) Primary(router string) netip.Addr {
	if r := n.router(router); r != nil {
		return r.primary
	}
	return netip.Addr{}
}
