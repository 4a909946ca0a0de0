package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// A host that is frozen does nothing at all, and its kernel answers nobody: a virtual
// machine that is paused. Afterwards its clocks go on from where they stood (frozen), so
// that gates and lifetimes last as much longer, or have jumped (suspended).

// ring is how many packets a network card keeps for a host that is frozen.
const ring = 64

// freeze stops a host; stands tells that its clocks stop, too.
func (h *host) freeze(stands bool) {
	if h.frozen || !h.powered {
		return
	}
	h.frozen, h.stands, h.frozenAt = true, stands, h.world.now
}

// thaw lets it go on: what lay there comes at once, then what was due.
func (h *host) thaw() {
	if !h.frozen {
		return
	}
	away := h.world.now - h.frozenAt
	h.frozen = false
	if h.stands {
		h.lost += away
		for i := range h.vips {
			v := &h.vips[i]
			v.until += away
			if v.open > h.frozenAt {
				v.open += away
			}
		}
	}
	packets, calls := h.packets, h.due
	h.packets, h.due = nil, nil
	for _, ev := range packets {
		h.tell(ev)
	}
	for _, c := range calls {
		left := time.Duration(0)
		if h.stands {
			left = c.at - h.frozenAt
		}
		h.planned(left, c.do)
	}
}

// arrive is a packet for the daemon.
func (h *host) arrive(ev supervisor.Event) {
	switch {
	case !h.frozen:
		h.tell(ev)
	case len(h.packets) < ring:
		h.packets = append(h.packets, ev)
	}
}

// planned runs do later on the host's own clock, unless the daemon has ended or begun anew
// by then.
func (h *host) planned(d time.Duration, do func()) {
	life, lost := h.life, h.lost
	h.world.after(d, func() {
		switch {
		case h.life != life || !h.running:
		case h.frozen:
			h.due = append(h.due, call{at: h.world.now, do: do})
		case h.lost > lost:
			h.planned(h.lost-lost, do)
		default:
			do()
		}
	})
}
