package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// How long things take, about.
const (
	wire         = 200 * time.Microsecond
	netlink      = 300 * time.Microsecond
	notice       = 3 * time.Millisecond // D-Bus
	testTakes    = 20 * time.Millisecond
	restartTakes = 80 * time.Millisecond
	socketQueue  = 64 // adverts that wait for a daemon that does not run
)

// host is one machine: its kernel, its proxy and its daemon.
type host struct {
	world   *World
	cfg     supervisor.Config
	powered bool
	cable   bool
	uplink  bool            // eth1 has carrier
	wire    bool            // the heartbeat's link works
	deaf    bool            // a firewall keeps all adverts from the daemon
	gateway bool            // answers, unless the cable is cut
	blocked map[string]bool // routers whose adverts a firewall keeps from the daemon
	running bool            // the daemon lives
	paused  bool            // the daemon lives, but does not run
	lag     time.Duration   // how late its ticks come
	life    int             // counts power cuts and daemon starts: what was planned in an earlier life is void

	node  *supervisor.Node
	queue []supervisor.Event    // what a paused daemon will find
	kept  map[string]*addresses // by router, in the kernel
	gates gates
	line  line
	hook  hook // how the before_active hooks end
	proxy proxy
}

// addresses are those of one router in the kernel.
type addresses struct{ until time.Duration }

// gates are until when the kernel lets anybody reach the addresses of a router, if they
// are guarded.
type gates map[string]time.Duration

// flushed is a gate that somebody removed: open until the daemon puts it back.
const flushed = 1000 * time.Hour

func newHost(w *World, cfg supervisor.Config) *host {
	h := &host{world: w, cfg: cfg, cable: true, uplink: true, wire: true, gateway: true, blocked: map[string]bool{}, kept: map[string]*addresses{}, gates: gates{}}
	h.proxy.host = h
	return h
}

// present tells whether the addresses of a router are on their interface.
func (h *host) present(router string) bool {
	a := h.kept[router]
	return h.powered && a != nil && a.until > h.world.now
}

// has tells whether the kernel answers for the addresses of a router.
func (h *host) has(router string) bool {
	open, guarded := h.gates[router]
	return h.present(router) && (!guarded || open > h.world.now)
}

// planned runs do later, unless the daemon has ended or begun anew by then.
func (h *host) planned(d time.Duration, do func()) {
	life := h.life
	h.world.after(d, func() {
		if h.life == life && h.running {
			do()
		}
	})
}

// startDaemon begins a new life of the daemon.
func (h *host) startDaemon() {
	h.life++
	h.running, h.paused, h.queue = true, false, nil
	h.node = supervisor.NewNode(h.cfg)
	for router := range h.gates { // it adopts what was guarded, shut
		h.gates[router] = 0
	}
	h.tell(supervisor.Start{Session: uint64(own[h.cfg.Node].As4()[3])<<32 | uint64(h.life)})
	h.planned(notice, func() { h.proxy.tell() })
	h.planned(notice, func() { h.tellLinks() })
	for _, p := range h.cfg.Probes {
		h.planned(h.world.latency(notice), func() { h.proxy.look(p) })
	}
}

// uplink is the interface that may be tracked.
const uplink = "eth1"

// tellLinks tells the daemon what the interfaces are like.
func (h *host) tellLinks() {
	first := h.cfg.Routers[0]
	ev := supervisor.LinkChanged{Interface: first.Interface, Exists: true, Enabled: true, Up: h.cable}
	ev.Addresses = append(ev.Addresses, primaryPrefix(first))
	for _, r := range h.cfg.Routers {
		if h.present(r.Name) {
			for _, a := range r.Addresses {
				ev.Addresses = append(ev.Addresses, a.Prefix)
			}
		}
	}
	h.tell(ev)
	if len(first.Track) > 0 {
		h.tell(supervisor.LinkChanged{Interface: uplink, Exists: true, Enabled: true, Up: h.uplink})
	}
}

// tell gives the daemon an event, now or when it runs again.
func (h *host) tell(ev supervisor.Event) {
	switch {
	case !h.running:
	case h.paused:
		if len(h.queue) < socketQueue {
			h.queue = append(h.queue, ev)
		}
	default:
		h.do(h.node.Step(h.clock(), ev))
		h.wake()
	}
}

func (h *host) clock() time.Time { return epoch.Add(h.world.now) }

// wake plans the next tick.
func (h *host) wake() {
	deadline := h.node.Deadline()
	if deadline.IsZero() {
		return
	}
	wait := max(deadline.Sub(h.clock()), 0)
	if h.lag > 0 {
		wait += h.world.latency(h.lag)
	}
	h.planned(wait, func() {
		if !h.paused && h.node.Deadline().Equal(deadline) {
			h.tell(supervisor.Tick{})
		}
	})
}

// resume is SIGCONT: the mail is read before anything is concluded from silence.
func (h *host) resume() {
	h.paused = false
	mail := h.queue
	h.queue = nil
	for _, ev := range mail {
		h.tell(ev)
	}
	if h.running {
		h.tell(supervisor.Tick{})
	}
}

// do does what the node wants.
func (h *host) do(actions []supervisor.Action) {
	for _, a := range actions {
		h.trace(a)
		switch a := a.(type) {
		case supervisor.RouterAction:
			h.routerAction(a.Router, a.Action)
		case supervisor.RunTest:
			h.proxy.test()
		case supervisor.Restart:
			h.proxy.restart()
		case supervisor.RunHook:
			h.hook.run(h, a)
		case supervisor.Reload:
			h.proxy.reload()
		case supervisor.Halt:
			h.proxy.halt()
		case supervisor.Beat:
			h.beat(a)
		case supervisor.AskVote:
			h.ask(a)
		case supervisor.LookNow:
			for _, p := range h.cfg.Probes {
				if !a.Gateway || p.OnFail.Act == probes.Arbitrate {
					h.proxy.lookOnce(p)
				}
			}
		}
	}
}

// trace logs an action, unless it is a periodic one.
func (h *host) trace(a supervisor.Action) {
	if r, ok := a.(supervisor.RouterAction); ok && !h.world.Verbose {
		switch act := r.Action.(type) {
		case vrrp.Refresh, vrrp.Renew:
			return
		case vrrp.Announce:
			if act.Reminder {
				return
			}
		case vrrp.Send:
			if act.Priority != vrrp.PriorityRelease {
				return
			}
		}
	}
	switch a.(type) {
	case supervisor.LookNow, supervisor.Beat, supervisor.AskVote:
		if !h.world.Verbose {
			return
		}
	}
	h.world.log(h.cfg.Node, "%s", a)
}

func (h *host) routerAction(name string, a vrrp.Action) {
	cfg := h.router(name)
	switch a := a.(type) {
	case vrrp.Send:
		h.send(cfg, a.Priority)
	case vrrp.Own:
		h.planned(h.world.latency(netlink), func() {
			h.open(cfg, h.world.now)
			h.keep(cfg)
			h.tell(supervisor.RouterEvent{Router: name, Event: vrrp.Owned{}})
		})
	case vrrp.Refresh:
		h.planned(h.world.latency(netlink), func() { h.keep(cfg) })
	case vrrp.Renew:
		ordered := h.world.now
		h.planned(netlink, func() { h.renew(cfg, ordered) })
	case vrrp.Disown:
		h.gates[name] = 0
		h.planned(h.world.latency(netlink), func() {
			delete(h.kept, name)
			delete(h.gates, name)
			h.tellLinks()
		})
	case vrrp.Probe:
		h.probe(name)
	}
}

func (h *host) router(name string) supervisor.Router {
	for _, r := range h.cfg.Routers {
		if r.Name == name {
			return r
		}
	}
	panic("no router " + name)
}

// keep puts the addresses into the kernel, which forgets them after their lifetime.
func (h *host) keep(cfg supervisor.Router) {
	late := time.Duration(h.world.rand.Int64N(int64(250 * time.Millisecond)))
	h.kept[cfg.Name] = &addresses{until: h.world.now + cfg.VRRP.Lifetime + late}
}

// open opens the gate, or ends the guard where there is no gate.
func (h *host) open(cfg supervisor.Router, from time.Duration) {
	delete(h.gates, cfg.Name)
	if cfg.VRRP.Gate > 0 {
		h.gates[cfg.Name] = from + cfg.VRRP.Gate
	}
}

// renew keeps the gate open unless it has run out; what was not opened yet stays as it is.
func (h *host) renew(cfg supervisor.Router, ordered time.Duration) {
	switch open, guarded := h.gates[cfg.Name]; {
	case guarded && open > h.world.now:
		h.open(cfg, ordered)
	case guarded:
		h.tell(supervisor.RouterEvent{Router: cfg.Name, Event: vrrp.Shut{}})
	}
}

// send puts an advert on the wire.
func (h *host) send(cfg supervisor.Router, priority uint8) {
	ev := supervisor.RouterEvent{Router: cfg.Name, Event: vrrp.Received{
		From: primaryPrefix(cfg).Addr(),
		Advert: vrrp.Advert{
			Version: cfg.VRRP.Version, VRID: cfg.VRRP.VRID, Priority: priority,
			Interval: cfg.VRRP.Interval, Addresses: cfg.VRRP.Addresses,
		},
	}}
	for _, peer := range h.world.hosts {
		if h.world.connected(h, peer) {
			h.world.after(h.world.latency(wire), func() {
				if peer.powered && !peer.deaf && !peer.blocked[cfg.Name] {
					peer.tell(ev)
				}
			})
		}
	}
}

// beat puts a heartbeat on its link; a kernel without a daemon says so.
func (h *host) beat(a supervisor.Beat) {
	message := a.Heartbeat
	for _, peer := range h.world.hosts {
		if peer == h || h.world.apart || !h.wire || !peer.wire || !h.powered || !peer.powered {
			continue
		}
		h.world.after(h.world.latency(wire), func() {
			switch {
			case !peer.powered || !peer.wire:
			case peer.running:
				peer.tell(supervisor.HeartbeatHeard{Link: a.Link, Heartbeat: &message})
			default:
				h.planned(h.world.latency(wire), func() { h.tell(supervisor.HeartbeatGone{Link: a.Link}) })
			}
		})
	}
}

// probe asks the link who has the addresses; the kernel of the other host answers.
func (h *host) probe(name string) {
	for _, peer := range h.world.hosts {
		if h.world.connected(h, peer) && peer.has(name) {
			h.planned(2*h.world.latency(wire), func() {
				h.tell(supervisor.RouterEvent{Router: name, Event: vrrp.Answered{Holder: peer.cfg.Node}})
			})
		}
	}
}
