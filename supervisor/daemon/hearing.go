package daemon

import "time"

// hearing is since when another router's adverts come without a gap. Its times are the
// deciders' own.
type hearing struct{ since, last time.Time }

// hear takes in an advert; patience is how long its sender may be silent after it.
func (h *hearing) hear(at time.Time, priority uint8, patience time.Duration) {
	switch {
	case priority == 0: // it gives the addresses up
		*h = hearing{}
		return
	case h.since.IsZero() || at.Sub(h.last) > patience:
		h.since = at
	}
	h.last = at
}
