package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// handOver is an operator's order, which the daemon may refuse.
func (h *host) handOver(ev supervisor.HandOver) {
	if !h.running || h.paused || h.node == nil {
		return
	}
	if why := h.node.MayHandOver(ev.Name); why != "" {
		h.world.log(h.cfg.Node, "refused: %s", why)
		return
	}
	h.tell(ev)
}

// maintain puts a host into maintenance as the command does: what it holds is handed over
// first, and if that is refused it keeps it.
func (h *host) maintain(ev supervisor.SetMode) {
	if !h.running || h.paused || h.node == nil {
		return
	}
	if h.node.States()[vrrp.Active] == 0 {
		h.tell(ev)
		return
	}
	if why := h.node.MayHandOver(""); why != "" {
		h.world.log(h.cfg.Node, "refused: %s", why)
		return
	}
	h.tell(supervisor.HandOver{})
	var look func()
	look = func() {
		switch v := h.node.Handover(); {
		case !v.Over:
			h.planned(2*time.Millisecond, look)
		case v.Problem != "":
			h.world.log(h.cfg.Node, "refused: %s", v.Problem)
		default:
			h.tell(ev)
		}
	}
	look()
}

// keepModes is what a daemon leaves to the next one.
func (h *host) keepModes(a supervisor.KeepModes) {
	h.modes = nil
	for _, m := range a.Modes {
		h.modes = append(h.modes, keptMode{m, m.Until.Sub(h.clock()) + h.world.now})
	}
}

// keptMode is a mode with its end in the world's time.
type keptMode struct {
	supervisor.ModeView
	until time.Duration
}

// restoreModes tells a new daemon of them.
func (h *host) restoreModes() {
	for _, m := range h.modes {
		ev := supervisor.SetMode{Mode: m.Mode, On: true, Reason: m.Reason, Kept: true}
		if !m.Until.IsZero() {
			if ev.Lasts = m.until - h.world.now; ev.Lasts <= 0 {
				continue
			}
		}
		h.tell(ev)
	}
}
