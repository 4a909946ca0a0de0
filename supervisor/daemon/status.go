package daemon

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
)

// Status is what the daemon says of itself, as the control socket's JSON.
type Status struct {
	Schema    int              `json:"schema"`
	Version   string           `json:"version"`
	Node      string           `json:"node"`
	Peer      string           `json:"peer"`
	Started   time.Time        `json:"started"`
	Config    ConfigStatus     `json:"config"`
	Health    HealthStatus     `json:"health"`
	Proxy     *ProxyStatus     `json:"proxy,omitempty"`
	Probes    []ProbeStatus    `json:"probes"`
	Routers   []RouterStatus   `json:"routers"`
	Modes     []ModeStatus     `json:"modes,omitempty"` // that an operator has put either node into
	Heartbeat *HeartbeatStatus `json:"heartbeat,omitempty"`
	Fence     *FenceStatus     `json:"fence,omitempty"`
	Voters    []VoterStatus    `json:"voters,omitempty"`
	Notify    []NotifyStatus   `json:"notify,omitempty"`
	// VirtualServers are without their servers, which /v1/ipvs has.
	VirtualServers []VirtualServerStatus `json:"virtual_servers,omitempty"`
	Recent         []RecentStatus        `json:"recent"` // what happened last, newest first
	Recorder       RecorderStatus        `json:"recorder"`
}

// RecorderStatus is how the flight recorder fares.
type RecorderStatus struct {
	Lost uint64 `json:"lost"` // events that the disk did not take
}

// NotifyStatus is one receiver of mail or a webhook.
type NotifyStatus struct {
	Name      string    `json:"name"`
	Sent      int       `json:"sent"`
	Failed    int       `json:"failed"`
	Dropped   int       `json:"dropped"`
	Waiting   int       `json:"waiting"`
	Failing   bool      `json:"failing"` // the last try
	LastError string    `json:"last_error,omitempty"`
	LastOK    time.Time `json:"last_ok,omitzero"`
}

func deliveries(list []notifynet.Delivery) (all []NotifyStatus) {
	for _, d := range list {
		all = append(all, NotifyStatus(d))
	}
	return all
}

// ConfigStatus is the configuration in force, and what is wrong with a newer one.
type ConfigStatus struct {
	File    string    `json:"file"`
	Loaded  time.Time `json:"loaded"`
	Problem string    `json:"problem,omitempty"` // the last reload failed: the one before is in force
	Changed []string  `json:"changed,omitempty"` // what the one at Loaded changed
	Pending bool      `json:"pending,omitempty"` // another one lies there, and is not applied by itself
}

// ProxyStatus is the guarded proxy.
type ProxyStatus struct {
	Name      string    `json:"name"`
	State     string    `json:"state"` // the guard's phase
	Since     time.Time `json:"since"`
	Unit      string    `json:"unit"` // in systemd's words
	MainPID   int       `json:"main_pid,omitempty"`
	Problem   string    `json:"problem,omitempty"`
	Restarts  int       `json:"restarts"`
	Budget    int       `json:"restarts_left"`
	Reloads   int       `json:"reloads"` // by the ladder
	LimitHits int       `json:"start_limits_cleared"`
	Next      time.Time `json:"next_try,omitzero"` // of a proxy that was given up
	// Config is how its configuration is; none: it is not watched. ConfigHash is of its
	// content, without certificates elsewhere.
	Config     *ProxyConfigStatus `json:"config,omitempty"`
	ConfigHash string             `json:"config_hash,omitempty"`
}

// ProxyConfigStatus is the proxy's configuration on disk, beside the one it runs with.
type ProxyConfigStatus struct {
	State   string    `json:"state"` // of supervisor.ConfState
	Since   time.Time `json:"since,omitzero"`
	Problem string    `json:"problem,omitempty"`
	Changed []string  `json:"changed,omitempty"` // the files that differ
}

// ProbeStatus is one probe.
type ProbeStatus struct {
	Name   string    `json:"name"`
	State  string    `json:"state"`
	Since  time.Time `json:"since,omitzero"`
	Detail string    `json:"detail,omitempty"`
	ProbeEffect
	LookCount
}

// RouterStatus is one virtual router.
type RouterStatus struct {
	Name      string `json:"name"`
	Interface string `json:"interface"`
	VRID      int    `json:"vrid"`
	Version   int    `json:"version"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	Detail    string `json:"detail,omitempty"`
	// LastResort tells that the router takes part though it fails, for Reason.
	LastResort bool      `json:"last_resort,omitempty"`
	Since      time.Time `json:"since"`
	Priority   int       `json:"priority"`
	Offsets    []string  `json:"priority_changed_by,omitempty"` // what is tracked
	Group      string    `json:"group,omitempty"`
	Interval   string    `json:"advert_interval"`
	Addresses  []string  `json:"addresses"`
	Held       bool      `json:"held"` // the kernel has the addresses from us
	// Gate is open, shut, idle where nothing is held, off, or "unsupported: " with why.
	Gate    string `json:"gate"`
	Primary string `json:"primary,omitempty"`
	// Arbiter is what it says; none: there is no heartbeat, or it is not asked.
	Arbiter *ArbiterStatus `json:"arbiter,omitempty"`
	Peer    *PeerStatus    `json:"peer,omitempty"`
	// Claim is what the other node says of the router by heartbeat; none: nothing, or there is no heartbeat.
	Claim *ClaimStatus `json:"claim,omitempty"`
	// Preempts is when it takes over from the lower router that it hears; Flaps is how many times this
	// node failed of late, if that makes it wait.
	Preempts time.Time    `json:"preempts_at,omitzero"`
	Flaps    int          `json:"flaps,omitempty"`
	Adverts  AdvertStatus `json:"adverts"`
	// Transitions are counted by their kind, since the daemon began.
	Transitions []TransitionStatus `json:"transitions,omitempty"`
	// Remarks is what it noted without a change of state, such as another Active router.
	Remarks []RemarkStatus `json:"remarks,omitempty"`
}

// TransitionStatus counts one kind of transition.
type TransitionStatus struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// ArbiterStatus is the rule that the arbiter follows.
type ArbiterStatus struct {
	Rule  string    `json:"rule"`
	Since time.Time `json:"since"`
	Text  string    `json:"text,omitempty"` // of one that an operator should know
	Words string    `json:"words"`          // the rule in words
}

// RemarkStatus counts one kind of remark, of one sender; Detail is that of the last.
type RemarkStatus struct {
	Reason string    `json:"reason"`
	From   string    `json:"from,omitempty"` // whose adverts it is about
	Detail string    `json:"detail"`
	Remedy string    `json:"remedy,omitempty"`
	Count  uint64    `json:"count"`
	Last   time.Time `json:"last"`
}

// PeerStatus is the router last heard on the wire.
type PeerStatus struct {
	Address  string    `json:"address"`
	Priority int       `json:"priority"`
	Heard    time.Time `json:"heard"`
	Since    time.Time `json:"since,omitzero"` // its adverts have come without a gap since then
}

// ClaimStatus is what a node says of a virtual router.
type ClaimStatus struct {
	Role     string `json:"role"` // out, standby or holds
	Priority int    `json:"priority"`
}

// AdvertStatus counts the router's adverts.
type AdvertStatus struct {
	Sent       uint64          `json:"sent"`
	Received   uint64          `json:"received"`
	SendErrors uint64          `json:"send_errors"`
	Releases   uint64          `json:"priority_zero_sent"`
	Released   uint64          `json:"priority_zero_received"`
	Refused    []RefusedStatus `json:"refused,omitempty"`
}

// RefusedStatus counts refused packets of one source.
type RefusedStatus struct {
	Reason string `json:"reason"`
	From   string `json:"from"`
	Count  uint64 `json:"count"`
	Remedy string `json:"remedy"`
}

// status is Status but for the routers. It is called on the loop's thread.
func (l *loop) status() Status {
	v := l.node.Summary(now())
	s := Status{Schema: 1, Node: v.Node, Peer: v.Peer, Health: healthStatus(v.Health), Probes: []ProbeStatus{}, Routers: []RouterStatus{}}
	if v.Proxy.Guarded {
		s.Proxy = proxyStatus(v.Proxy)
		s.Proxy.ConfigHash = l.hands.configHash
		if len(l.cfg.Proxy.Watch) > 0 {
			c := v.Proxy.Config
			s.Proxy.Config = &ProxyConfigStatus{State: c.State.String(), Since: when(c.Since), Problem: c.Problem, Changed: c.Changed}
		}
	}
	for _, p := range v.Probes {
		s.Probes = append(s.Probes, ProbeStatus{Name: p.Name, State: p.State.String(), Since: when(p.Since), Detail: p.Detail, ProbeEffect: probeEffect(p)})
	}
	s.Heartbeat = l.heartbeatStatus(v.Heartbeat)
	s.Modes = l.modeStatus()
	s.Fence = fenceStatus(v.Fence)
	s.Voters = voterStatus(v.Voters)
	s.Recent = l.journal.recent.list()
	s.Recorder = RecorderStatus{Lost: l.recorder.losses}
	return s
}

// routersAtOnce is how many routers the loop's thread looks at before it goes on with
// its own work.
const routersAtOnce = 64

// glance is what the loop knows of a router; what it means in words is for others to say.
type glance struct {
	supervisor.RouterView
	adverts AdvertStatus
	moves   []TransitionStatus
	remarks []RemarkStatus

	heardSince time.Time // see hearing
	ruling     string    // the arbiter's, in words
}

// glances adds those of some routers, as far as they are still there. It is called on the
// loop's thread.
func (l *loop) glances(list []glance, routers []supervisor.Router) []glance {
	for i := range routers {
		if served := l.routers[routers[i].Name]; served != nil {
			list = append(list, glance{l.node.Router(served.Name), served.count.status(), served.count.transitions(), l.remarks.of(served.Name), served.hearing.since, l.node.Ruling(served.Name)})
		}
	}
	return list
}

func proxyStatus(p supervisor.ProxyView) *ProxyStatus {
	return &ProxyStatus{
		Name: p.Name, State: p.Phase.String(), Since: when(p.Since), Unit: p.Unit.String(), MainPID: p.Unit.MainPID,
		Problem: p.Why, Restarts: p.Restarts, Budget: p.Budget, Reloads: p.Reloads, LimitHits: p.Resets, Next: when(p.Next),
	}
}

func (r *glance) status() RouterStatus {
	s := RouterStatus{
		Name: r.Config.Name, Interface: r.Config.Interface, VRID: int(r.Config.VRRP.VRID), Version: int(r.Config.VRRP.Version),
		State: r.State.String(), Reason: string(r.Reason), Detail: r.Detail, LastResort: r.LastResort, Since: when(r.Since),
		Priority: int(r.Priority), Interval: r.Config.VRRP.Interval.String(), Held: r.Owned,
		Offsets: r.Offsets, Group: r.Config.Group, Adverts: r.adverts, Transitions: r.moves, Remarks: r.remarks,
	}
	if !r.PreemptAt.IsZero() {
		s.Preempts, s.Flaps = when(r.PreemptAt), r.Flaps
	}
	for _, a := range r.Config.Addresses {
		s.Addresses = append(s.Addresses, a.Prefix.String())
	}
	if r.Primary.IsValid() {
		s.Primary = r.Primary.String()
	}
	if a := r.Arbiter; a.Rule != "" {
		s.Arbiter = &ArbiterStatus{string(a.Rule), when(a.Since), a.Text, r.ruling}
	}
	if !r.Heard.At.IsZero() {
		s.Peer = &PeerStatus{Address: r.Heard.From.String(), Priority: int(r.Heard.Priority), Heard: when(r.Heard.At), Since: when(r.heardSince)}
	}
	if r.Claimed {
		s.Claim = &ClaimStatus{Role: roleWords[r.Claim.Role], Priority: int(r.Claim.Priority)}
	}
	return s
}

// when is a decider's time for people; the zero time stays zero.
func when(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return wall(t).Round(time.Millisecond)
}

func (c *counters) status() AdvertStatus {
	s := AdvertStatus{Sent: c.sent, Received: c.received, SendErrors: c.sendErrors, Releases: c.releases, Released: c.released}
	for key, n := range c.refused {
		s.Refused = append(s.Refused, RefusedStatus{Reason: string(key.reason), From: sourceWord(key.from), Count: n, Remedy: key.reason.Remedy()})
	}
	slices.SortFunc(s.Refused, func(a, b RefusedStatus) int {
		return strings.Compare(a.Reason+" "+a.From, b.Reason+" "+b.From)
	})
	return s
}

func (c *counters) transitions() []TransitionStatus {
	list := make([]TransitionStatus, 0, len(c.moves))
	for m, n := range c.moves {
		list = append(list, TransitionStatus{m.from.String(), m.to.String(), string(m.reason), n})
	}
	slices.SortFunc(list, func(a, b TransitionStatus) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), strings.Compare(a.Reason, b.Reason))
	})
	return list
}

func sourceWord(a netip.Addr) string {
	if !a.IsValid() {
		return "others"
	}
	return a.String()
}
