package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// primaryPrefix is a host's own address, as wide as its virtual one.
func primaryPrefix(r supervisor.Router) netip.Prefix {
	return netip.PrefixFrom(r.Source, r.Addresses[0].Prefix.Bits())
}

// Faults are what can happen to a host, by the word that a story uses.
var faults = map[string]func(*host){
	"power on": func(h *host) {
		h.powered = true
		h.proxy.start()
		h.startDaemon()
	},
	"power cut": func(h *host) {
		h.powered, h.running, h.proxy.up = false, false, false
		h.life++
		clear(h.kept)
		clear(h.gates)
	},
	"daemon start": (*host).startDaemon,
	"daemon stop": func(h *host) {
		h.tell(supervisor.Stop{})
		h.planned(10*time.Millisecond, func() { h.running = false; h.life++ })
	},
	"daemon killed":  func(h *host) { h.running = false; h.life++ },
	"daemon paused":  func(h *host) { h.paused = true },
	"daemon resumes": (*host).resume,
	"daemon slow":    func(h *host) { h.lag = 200 * time.Millisecond },
	"daemon quick":   func(h *host) { h.lag = 0 },
	"cable cut":      func(h *host) { h.cable = false; h.tellLinks() },
	// isolated: the switch drops the frames, the carrier stays.
	"isolated":   func(h *host) { h.cable = false },
	"cable back": func(h *host) { h.cable = true; h.tellLinks() },
	// a firewall keeps the adverts of one router from the host.
	"mail blocked": func(h *host) { h.blocked["mail"] = true },
	"mail passes":  func(h *host) { h.blocked["mail"] = false },
	"hook vetoes":  func(h *host) { h.hook = vetoes },
	"hook hangs":   func(h *host) { h.hook = hangs },
	"hook agrees":  func(h *host) { h.hook = agrees },
	// a firewall keeps all adverts from the host.
	"vrrp blocked":        func(h *host) { h.deaf = true },
	"vrrp passes":         func(h *host) { h.deaf = false },
	"heartbeat cut":       func(h *host) { h.wire = false },
	"heartbeat back":      func(h *host) { h.wire = true },
	"gateway lost":        func(h *host) { h.gateway = false },
	"gateway found":       func(h *host) { h.gateway = true },
	"uplink lost":         func(h *host) { h.uplink = false; h.tellLinks() },
	"uplink found":        func(h *host) { h.uplink = true; h.tellLinks() },
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
	// a kernel that does not let go, whatever the daemon does: an address that somebody put there by hand.
	"addresses stick": func(h *host) {
		for _, a := range h.kept {
			a.until = flushed
		}
		for router := range h.gates {
			h.gates[router] = flushed
		}
	},
	"cleared": func(h *host) { h.tell(supervisor.Clear{}) },
	// a third host is given the addresses.
	"stranger comes": func(h *host) { h.world.stranger.comes(h.world) },
	"stranger goes":  func(h *host) { h.world.stranger.there = false },
	// nft flush ruleset.
	"ruleset flushed": func(h *host) {
		for router := range h.gates {
			h.gates[router] = flushed
		}
	},
	"address removed": func(h *host) { clear(h.kept); h.tellLinks() },
}

// Happen lets something happen to a host now.
func (w *World) Happen(node, what string) error {
	h, do := w.host(node), faults[what]
	if h == nil || do == nil {
		return fmt.Errorf("%s %s: no such node or fault", node, what)
	}
	w.log(node, "* %s", what)
	do(h)
	w.ledger.report(w)
	return nil
}
