package sim

import (
	"strings"
	"time"

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
	world    *World
	cfg      supervisor.Config
	number   byte
	powered  bool
	nics     []*nic
	lines    []*line // the heartbeat links
	severed  bool    // nothing gets from here to the other host
	lossOut  int     // so many of a hundred packets from here get lost
	lossIn   int     // and of those to here
	deaf     bool    // a firewall keeps all adverts from the daemon
	mute     bool    // a firewall lets none of its adverts out
	gateway  bool    // answers, unless the cable is cut
	flapping bool
	flaps    int             // counts beginnings and ends of a gateway that comes and goes
	blocked  map[string]bool // routers whose adverts a firewall keeps from the daemon
	running  bool            // the daemon lives
	paused   bool            // the daemon lives, but does not run
	lag      time.Duration   // how late its ticks come
	fence    fence
	modes    []keptMode // outlive the daemon
	fenced   bool       // in a file that outlives the daemon: the other host is off
	life     int        // counts power cuts and daemon starts: what was planned in an earlier life is void

	frozen   bool // does nothing at all
	stands   bool // with its clocks
	frozenAt time.Duration
	lost     time.Duration      // how far its clocks are behind
	packets  []supervisor.Event // what came meanwhile
	due      []call             // what was due meanwhile

	vips      []vip         // of each router, in the order of the configuration
	idle      time.Duration // for how long it has been well, and nobody held
	answering int           // how many of them the kernel answers for

	node    *supervisor.Node
	queue   []supervisor.Event // what a paused daemon will find
	failing map[string]bool    // probes that fail though the proxy serves
	hook    hook               // how the before_active hooks end
	bridge  bridge
	proxy   proxy

	// The last action of the trace, when it was, and how many times in a row.
	traced   string
	tracedAt time.Duration
	repeats  int
	way      way
	recorder recorder
}

func newHost(w *World, cfg supervisor.Config) *host {
	h := &host{world: w, cfg: cfg, number: byte(len(w.hosts)), gateway: true, blocked: map[string]bool{}, failing: map[string]bool{}}
	h.proxy.host = h
	for i := range h.cfg.Routers {
		h.vips = append(h.vips, vip{cfg: &h.cfg.Routers[i]})
	}
	h.plug()
	return h
}

// startDaemon begins a new life of the daemon.
func (h *host) startDaemon() {
	h.life++
	h.running, h.paused, h.queue = true, false, nil
	h.node = supervisor.NewNode(h.cfg)
	left := h.left()
	h.recordBegin(nil)
	h.tell(supervisor.Start{Session: uint64(h.number+1)<<32 | uint64(h.life), Fenced: h.fenced, Resumed: left})
	h.restoreModes()
	h.planned(notice, func() { h.proxy.tell() })
	h.planned(notice, func() { h.tellLinks() })
	for _, p := range h.cfg.Probes {
		h.planned(h.world.latency(notice), func() { h.proxy.look(p) })
	}
}

// tellLinks tells the daemon what the interfaces are like.
func (h *host) tellLinks() {
	for _, n := range h.nics {
		ev := supervisor.LinkChanged{Interface: n.name, Exists: true, Enabled: true, Up: n.carrier, MAC: h.mac()}
		ev.Addresses = append(ev.Addresses, n.addresses...)
		for i := range h.cfg.Routers {
			if r := &h.cfg.Routers[i]; r.Holder() == n.name && h.present(&h.vips[i]) {
				for _, a := range r.Addresses {
					ev.Addresses = append(ev.Addresses, a.Prefix)
				}
			}
		}
		h.tell(ev)
		h.tellVirtual(n)
	}
}

// tellVirtual tells of the virtual interfaces on top of another one.
func (h *host) tellVirtual(n *nic) {
	for i := range h.cfg.Routers {
		r := &h.cfg.Routers[i]
		if r.VirtualMAC.Name == "" || r.Interface != n.name {
			continue
		}
		ev := supervisor.LinkChanged{Interface: r.Holder(), Exists: true, Enabled: true, Up: n.carrier}
		if h.present(&h.vips[i]) {
			for _, a := range r.Addresses {
				ev.Addresses = append(ev.Addresses, a.Prefix)
			}
		}
		h.tell(ev)
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
		actions := h.node.Step(h.clock(), ev)
		h.record(ev, actions)
		h.do(actions)
		h.wake()
		h.restarting()
	}
}

func (h *host) clock() time.Time { return epoch.Add(h.world.now - h.lost) }

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
		case supervisor.KeepModes:
			h.keepModes(a)
		case supervisor.Remember:
			h.fenced = a.Fenced
		case supervisor.Bridge:
			h.bridge.left = a.Routers
		case supervisor.Shoot:
			h.shoot(a)
		case supervisor.AskVote:
			h.ask(a)
		case supervisor.LookNow:
			for _, p := range h.cfg.Probes {
				if a.Concerns(p.OnFail.Act) {
					h.proxy.lookOnce(p)
				}
			}
		}
	}
}

// trace logs an action, unless it is a periodic one.
func (h *host) trace(a supervisor.Action) {
	if h.world.quiet {
		h.world.notice(h, a)
		return
	}
	if r, ok := a.(supervisor.RouterAction); ok && !h.world.Verbose {
		switch act := r.Action.(type) {
		case vrrp.Refresh, vrrp.Renew:
			return
		case vrrp.Announce:
			if act.Reminder {
				return
			}
		case vrrp.Send:
			if act.Priority != vrrp.PriorityRelease && act.Interval == 0 {
				return
			}
		}
	}
	switch a.(type) {
	case supervisor.LookNow, supervisor.Beat, supervisor.AskVote, supervisor.KeepModes:
		if !h.world.Verbose {
			return
		}
	}
	if h.again(a.String()) {
		return
	}
	h.world.log(h.cfg.Node, "%s", a)
}

// again tells that a host asks once more who has an address, and has done nothing else since:
// who waits asks many times. The first few are traced.
func (h *host) again(what string) bool {
	if what != h.traced || !strings.HasSuffix(what, " probe") || h.world.now-h.tracedAt > time.Second {
		h.traced, h.repeats = what, 0
	}
	h.repeats++
	h.tracedAt = h.world.now
	return h.repeats > 3 && !h.world.Verbose
}

func (h *host) routerAction(name string, a vrrp.Action) {
	v := h.vip(name)
	switch a := a.(type) {
	case vrrp.Send:
		h.send(v.cfg, a)
	case vrrp.Linger:
		ordered := h.world.now
		h.planned(h.world.latency(netlink), func() { h.linger(v, ordered, a.For) })
	case vrrp.Own:
		h.planned(h.world.latency(netlink), func() {
			h.unlock(v, h.world.now)
			h.keep(v)
			h.tell(supervisor.RouterEvent{Router: name, Event: vrrp.Owned{}})
		})
	case vrrp.Refresh:
		h.planned(h.world.latency(netlink), func() { h.keep(v) })
	case vrrp.Renew:
		ordered := h.world.now
		h.planned(netlink, func() { h.renew(v, ordered) })
	case vrrp.Disown:
		if v.silent = a.Drain; a.Drain {
			return
		}
		v.guarded, v.open = true, 0
		h.planned(h.world.latency(netlink), func() {
			v.there, v.guarded = false, false
			h.tellLinks()
		})
	case vrrp.Probe:
		h.probe(v.cfg)
	}
}

// send puts an advert on the wire.
func (h *host) send(cfg *supervisor.Router, a vrrp.Send) {
	interval := a.Interval
	if interval == 0 {
		interval = cfg.VRRP.Interval
	}
	ev := supervisor.RouterEvent{Router: cfg.Name, Event: vrrp.Received{
		From: h.senderOf(cfg).Addr(),
		Advert: vrrp.Advert{
			Version: cfg.VRRP.Version, VRID: cfg.VRRP.VRID, Priority: a.Priority,
			Interval: interval, Addresses: cfg.VRRP.Addresses,
		},
	}}
	for _, peer := range h.world.hosts {
		if h.mute || !h.world.frame(h, peer, cfg.AdvertsOn()) || h.world.lost(h, peer) {
			continue
		}
		h.world.after(h.world.latency(wire), func() {
			if peer.powered && !peer.deaf && !peer.blocked[cfg.Name] {
				peer.arrive(ev)
			}
		})
	}
}

// beat puts a heartbeat on its link; a kernel without a daemon says so.
func (h *host) beat(a supervisor.Beat) {
	message := a.Heartbeat
	for _, peer := range h.world.hosts {
		if peer == h || !h.world.beats(h, peer, a.Link) || h.world.lost(h, peer) {
			continue
		}
		h.world.after(h.world.latency(wire), func() {
			switch {
			case !h.world.beats(h, peer, a.Link):
			case peer.running:
				peer.arrive(supervisor.HeartbeatHeard{Link: a.Link, Heartbeat: &message})
			case h.world.beats(peer, h, a.Link) && !h.world.lost(peer, h):
				h.planned(h.world.latency(wire), func() { h.tell(supervisor.HeartbeatGone{Link: a.Link}) })
			}
		})
	}
}

// probe asks the link who has the addresses; the kernel of the other host answers.
func (h *host) probe(cfg *supervisor.Router) {
	on, name := cfg.Interface, cfg.Name
	for _, peer := range h.world.hosts {
		there := h.world.frame(h, peer, on) && h.world.frame(peer, h, on)
		if there && peer.has(peer.vip(name)) && !h.world.lost(h, peer) && !h.world.lost(peer, h) {
			h.planned(2*h.world.latency(wire), func() {
				h.tell(supervisor.RouterEvent{Router: name, Event: vrrp.Answered{Holder: peer.seenAs()}})
			})
		}
	}
	h.world.stranger.answer(h, name)
}
