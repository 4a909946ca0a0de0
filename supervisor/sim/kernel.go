package sim

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// vip is what a host's kernel has of the addresses of one router, and of their gate.
type vip struct {
	cfg     *supervisor.Router
	there   bool
	until   time.Duration // the end of their lifetime
	guarded bool          // there is a gate
	open    time.Duration // until when it lets anybody reach them
	silent  bool          // it says nothing of them any more, and serves who sends to it all the same
	answers bool          // what has told the ledger when it last looked
}

// flushed is a gate that somebody removed: open until the daemon puts it back.
const flushed = 1000 * time.Hour

// vip returns what there is of a router.
func (h *host) vip(router string) *vip {
	for i := range h.vips {
		if h.vips[i].cfg.Name == router {
			return &h.vips[i]
		}
	}
	panic("no router " + router)
}

func (h *host) router(name string) *supervisor.Router { return h.vip(name).cfg }

// present tells whether the addresses are on their interface.
func (h *host) present(v *vip) bool { return v.there && v.until > h.world.now && h.powered }

// has tells whether the kernel answers for the addresses.
func (h *host) has(v *vip) bool {
	return h.reached(v) && !v.silent
}

// reached tells whether who knows where the addresses are gets there.
func (h *host) reached(v *vip) bool {
	return h.present(v) && !h.frozen && (!v.guarded || v.open > h.world.now)
}

// drains tells whether a host serves though it says nothing of the addresses any more.
func (h *host) drains() bool {
	return slices.ContainsFunc(h.vips, func(v vip) bool { return v.silent && h.reached(&v) })
}

// ends is when the kernel forgets the addresses or shuts their gate; what is past does not
// count.
func (v *vip) ends(now, first time.Duration) time.Duration {
	if v.there && v.until > now && v.until < first {
		first = v.until
	}
	if v.guarded && v.open > now && v.open < first {
		first = v.open
	}
	return first
}

// keep puts the addresses into the kernel, which forgets them after their lifetime.
func (h *host) keep(v *vip) {
	late := time.Duration(h.world.rand.Int64N(int64(250 * time.Millisecond)))
	v.there, v.until = true, h.world.now+v.cfg.VRRP.Lifetime+late
}

// unlock opens the gate, or ends the guard where there is no gate.
func (h *host) unlock(v *vip, from time.Duration) {
	v.guarded, v.silent = v.cfg.VRRP.Gate > 0, false
	v.open = from + v.cfg.VRRP.Gate
}

// renew keeps the gate open unless it has run out; what was not opened yet stays as it is.
func (h *host) renew(v *vip, ordered time.Duration) {
	switch {
	case v.silent:
	case v.guarded && v.open > h.world.now:
		h.unlock(v, ordered)
	case v.guarded:
		h.tell(supervisor.RouterEvent{Router: v.cfg.Name, Event: vrrp.Shut{}})
	}
}

// forget is what the kernel has after a power cut: nothing.
func (h *host) forget() {
	for i := range h.vips {
		h.vips[i] = vip{cfg: h.vips[i].cfg}
	}
}

// linger keeps addresses and gate without a daemon; the lifetime is in whole seconds.
func (h *host) linger(v *vip, ordered, long time.Duration) {
	if !h.present(v) {
		return
	}
	h.keep(v)
	v.until += v.cfg.VRRP.BridgeLifetime(long) - v.cfg.VRRP.Lifetime
	if v.guarded && v.open > h.world.now {
		v.open = ordered + long
	}
}

// flush removes the gates.
func (h *host) flush() {
	for i := range h.vips {
		if h.vips[i].guarded {
			h.vips[i].open = flushed
		}
	}
}

// stick keeps the addresses whatever the daemon does.
func (h *host) stick() {
	h.flush()
	for i := range h.vips {
		if h.vips[i].there {
			h.vips[i].until = flushed
		}
	}
}

// lose removes the addresses, as an operator may.
func (h *host) lose() {
	for i := range h.vips {
		h.vips[i].there = false
	}
	h.tellLinks()
}
