package sim

import "github.com/pairkeeper/pairkeeper/supervisor"

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
