package sim

import "time"

// heldOff keeps book of how long both nodes stayed out after a conflict.
type heldOff struct{ stretch, longest time.Duration }

func (b *heldOff) account(w *World, d time.Duration) {
	for _, h := range w.hosts {
		if h.node == nil || !h.running || h.paused || len(h.node.HeldOff()) == 0 {
			b.stretch = 0
			return
		}
	}
	b.stretch += d
	b.longest = max(b.longest, b.stretch)
}
