package sim

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// bridge is a restart of the daemon, and what it left in a file for the next one.
type bridge struct {
	gap  time.Duration // until the next one begins; zero: it does not end for another one
	left []supervisor.Bridged
}

// restartWindow is as in a configuration that does not say.
const restartWindow = 3 * time.Second

// restart is systemctl restart.
func (h *host) restart(gap time.Duration) {
	h.bridge.gap = gap
	h.tell(supervisor.Stop{For: restartWindow})
}

// restarting ends a daemon that has done all for the next one, which begins after the gap.
func (h *host) restarting() {
	gap := h.bridge.gap
	if gap == 0 || h.node == nil || !h.node.Stopping() {
		return
	}
	h.bridge.gap = 0
	h.planned(10*time.Millisecond, func() {
		h.running = false
		h.life++
		life := h.life
		h.world.after(gap, func() {
			if h.powered && h.life == life {
				h.startDaemon()
			}
		})
	})
}

// left is what the daemon before has left. All other gates are adopted shut.
func (h *host) left() []supervisor.Bridged {
	left := h.bridge.left
	h.bridge.left = nil
	for i := range h.vips {
		v := &h.vips[i]
		kept := func(b supervisor.Bridged) bool { return b.Router == v.cfg.Name && b.Until.After(h.clock()) }
		if !slices.ContainsFunc(left, kept) {
			v.open = 0
		}
	}
	return left
}
