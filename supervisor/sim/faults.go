package sim

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Faults are what can happen to a host, by the word that a story uses.
var faults = map[string]func(*host){
	"power on":     (*host).powerOn,
	"power cut":    (*host).powerCut,
	"daemon start": (*host).startDaemon,
	"daemon stop": func(h *host) {
		h.tell(supervisor.Stop{})
		h.planned(10*time.Millisecond, func() { h.running = false; h.life++ })
	},
	"daemon restarts":        func(h *host) { h.restart(400 * time.Millisecond) },
	"daemon restarts slowly": func(h *host) { h.restart(2200 * time.Millisecond) },
	"daemon restarts late":   func(h *host) { h.restart(4 * time.Second) },
	"daemon killed":          func(h *host) { h.running = false; h.life++ },
	"daemon paused":          func(h *host) { h.paused = true },
	"daemon hangs":           func(h *host) { h.paused = true },
	"daemon resumes":         (*host).resume,
	"daemon slow":            func(h *host) { h.lag = 200 * time.Millisecond },
	"daemon quick":           func(h *host) { h.lag = 0 },
	"host frozen":            func(h *host) { h.freeze(true) },
	"host suspended":         func(h *host) { h.freeze(false) },
	"host thaws":             (*host).thaw,
	"cable cut":              func(h *host) { h.cable(h.front(), "cut")() },
	"cable back":             func(h *host) { h.cable(h.front(), "back")() },
	// isolated: the switch drops the frames, the carrier stays.
	"isolated": func(h *host) { h.isolated(nil)() },
	// a firewall keeps the adverts of one router from the host.
	"mail blocked": func(h *host) { h.blocked["mail"] = true },
	"mail passes":  func(h *host) { h.blocked["mail"] = false },
	"hook vetoes":  func(h *host) { h.hook = vetoes },
	"hook hangs":   func(h *host) { h.hook = hangs },
	"hook agrees":  func(h *host) { h.hook = agrees },
	// a firewall keeps all adverts from the host.
	"vrrp blocked":        func(h *host) { h.deaf = true },
	"vrrp passes":         func(h *host) { h.deaf, h.mute = false, false },
	"gateway lost":        func(h *host) { h.gatewayIs(false) },
	"gateway found":       func(h *host) { h.gatewayIs(true) },
	"gateway flaps":       (*host).flap,
	"uplink lost":         func(h *host) { h.interfaceOf(uplink).carrier = false; h.tellLinks() },
	"uplink found":        func(h *host) { h.interfaceOf(uplink).carrier = true; h.tellLinks() },
	"proxy killed":        func(h *host) { h.proxy.kill() },
	"proxy hangs":         func(h *host) { h.proxy.hung = h.proxy.up },
	"proxy wrong once":    func(h *host) { h.proxy.wrong = 1 }, // a reload mends it
	"proxy wrong":         func(h *host) { h.proxy.wrong = 1000 },
	"proxy right":         func(h *host) { h.proxy.wrong = 0 },
	"proxy start hangs":   func(h *host) { h.proxy.hangs() },
	"proxy stopped":       func(h *host) { h.proxy.stop() },
	"proxy started":       func(h *host) { h.proxy.start() },
	"proxy breaks":        func(h *host) { h.proxy.broken = true; h.proxy.kill() },
	"proxy config broken": func(h *host) { h.proxy.refused = true; h.proxy.kill() },
	"proxy config mended": func(h *host) { h.proxy.broken, h.proxy.refused = false, false }, // nobody starts it
	"proxy mended": func(h *host) {
		h.proxy.broken, h.proxy.refused, h.proxy.wrong = false, false, 0
		h.proxy.start()
	},
	// an operator.
	"handover":         func(h *host) { h.handOver(supervisor.HandOver{}) },
	"handover for 10s": func(h *host) { h.handOver(supervisor.HandOver{Lasts: 10 * time.Second}) },
	"maintenance on": func(h *host) {
		h.maintain(supervisor.SetMode{Mode: supervisor.Maintenance, On: true, Reason: "new disks"})
	},
	"maintenance on for 20s": func(h *host) {
		h.maintain(supervisor.SetMode{Mode: supervisor.Maintenance, On: true, Lasts: 20 * time.Second})
	},
	"maintenance off": func(h *host) { h.tell(supervisor.SetMode{Mode: supervisor.Maintenance}) },
	"freeze on": func(h *host) {
		h.tell(supervisor.SetMode{Mode: supervisor.Freeze, On: true, Reason: "a demonstration"})
	},
	"freeze on for 20s": func(h *host) {
		h.tell(supervisor.SetMode{Mode: supervisor.Freeze, On: true, Lasts: 20 * time.Second})
	},
	"freeze off":  func(h *host) { h.tell(supervisor.SetMode{Mode: supervisor.Freeze}) },
	"take forced": func(h *host) { h.tell(supervisor.TakeForced{}) },
	// a kernel that does not let go, whatever the daemon does: an address that somebody put there by hand.
	"addresses stick": (*host).stick,
	"cleared":         func(h *host) { h.tell(supervisor.Clear{}) },
	// a third host is given the addresses.
	"stranger comes": func(h *host) { h.world.stranger.comes(h.world) },
	"stranger goes":  func(h *host) { h.world.stranger.there = false },
	// nft flush ruleset.
	"ruleset flushed": (*host).flush,
	"address removed": (*host).lose,
}

// uplink is the interface that may be tracked in stories.
const uplink = "eth1"

func (h *host) powerOn() {
	h.powered = true
	h.proxy.start()
	h.startDaemon()
}

func (h *host) powerCut() {
	h.powered, h.running, h.frozen, h.proxy.up, h.fenced = false, false, false, false, false
	h.packets, h.due, h.bridge = nil, nil, bridge{}
	h.life++
	h.forget()
}

// Happen lets something happen to a host now, or to both.
func (w *World) Happen(who, what string) error {
	if who == "both" {
		for _, h := range w.hosts {
			if err := w.Happen(h.cfg.Node, what); err != nil {
				return err
			}
		}
		return nil
	}
	h := w.host(who)
	if h == nil {
		return fmt.Errorf("%s %s: no such node", who, what)
	}
	do := h.named(what)
	if plain := faults[what]; plain != nil {
		do = func() { plain(h) }
	}
	if do == nil {
		return fmt.Errorf("%s %s: no such fault", who, what)
	}
	w.log(who, "* %s", what)
	do()
	w.ledger.look(w)
	w.ledger.report(w)
	return nil
}
