package sim

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// ledger keeps book of who holds the addresses and who serves.
type ledger struct {
	holders  uint          // the last line's, a bit for each host
	none     time.Duration // nobody reachable holds the addresses and serves
	two      time.Duration // both hold them
	longest  time.Duration // the longest time with two that clients could reach
	stretch  time.Duration
	half     time.Duration // the longest time in which a daemon that runs held only some of a group
	failed   time.Duration // the longest time in which a failed node held though the other one could
	failing  time.Duration
	halves   map[*host]time.Duration
	unserved time.Duration // the longest time with no holder that clients reach, though a host was well
	moves    int
	last     uint // the last single holder

	services []*service
	heldOff  heldOff
}

// pass accounts for the time until the next call; kernels forget addresses in between.
func (l *ledger) pass(w *World, until time.Duration) {
	for {
		ends := l.look(w)
		l.report(w)
		if w.now >= until {
			return
		}
		next := min(until, ends)
		l.account(w, next-w.now)
		w.now = next
		if ends > until {
			return
		}
	}
}

// look asks the kernels who answers for what, and returns when that will be otherwise by
// itself.
func (l *ledger) look(w *World) time.Duration {
	ends := time.Duration(flushed)
	for _, h := range w.hosts {
		h.answering = 0
		for i := range h.vips {
			v := &h.vips[i]
			if v.answers = h.has(v); v.answers {
				h.answering++
			}
			ends = v.ends(w.now, ends)
		}
	}
	return ends
}

func (l *ledger) account(w *World, d time.Duration) {
	for _, s := range l.services {
		s.pass(w, d)
	}
	l.accountHalves(w, d)
	l.accountFailed(w, d)
	l.heldOff.account(w, d)
	holders, reachable, served := 0, 0, false
	for _, h := range w.hosts {
		served = served || h.drains() && h.front().passes() && h.proxy.serves()
		if h.holds() {
			holders++
			if h.front().passes() {
				reachable++
				served = served || h.proxy.serves()
			}
		}
	}
	if !served {
		l.none += d
	}
	if holders > 1 {
		l.two += d
	}
	for _, h := range w.hosts {
		if h.idle += d; reachable > 0 || !h.healthy() || h.lossIn+h.lossOut > 0 || w.decided() {
			h.idle = 0
		}
		l.unserved = max(l.unserved, h.idle)
	}
	if reachable < 2 || w.parted() && !w.decided() {
		l.stretch = 0
		return
	}
	l.stretch += d
	l.longest = max(l.longest, l.stretch)
}

// parted tells that the hosts cannot know of each other, whatever they do: packets between
// them get lost.
func (w *World) parted() bool {
	for _, h := range w.hosts {
		if h.severed || h.lossIn+h.lossOut > 0 {
			return true
		}
	}
	return false
}

// decided tells that no two may hold even then: there is a third vote, or a fence that is waited
// for.
func (w *World) decided() bool {
	cfg := &w.hosts[0].cfg
	return cfg.Arbitration.Prefer == fencing.Consistency || cfg.Fence.After
}

// accountHalves looks for hosts that hold only some of a group.
func (l *ledger) accountHalves(w *World, d time.Duration) {
	for _, h := range w.hosts {
		held := h.answering
		if held == 0 || held == len(h.cfg.Routers) || !h.running || h.paused {
			delete(l.halves, h)
			continue
		}
		if l.halves == nil {
			l.halves = map[*host]time.Duration{}
		}
		l.halves[h] += d
		l.half = max(l.half, l.halves[h])
	}
}

// accountFailed looks for a last resort that holds beside a node that could.
func (l *ledger) accountFailed(w *World, d time.Duration) {
	for i, h := range w.hosts {
		if other := w.hosts[1-i]; h.works() && h.holds() && h.lastResort() && w.connected(h, other) && other.works() && other.ready() {
			l.failing += d
			l.failed = max(l.failed, l.failing)
			return
		}
	}
	l.failing = 0
}

// works tells whether a host's daemon does, and hears all.
func (h *host) works() bool {
	return h.powered && h.running && !h.paused && !h.blocked["mail"]
}

// lastResort tells whether a host takes part though it fails.
func (h *host) lastResort() bool {
	first := &h.cfg.Routers[0]
	return first.VRRP.LastResort && h.node.Router(first.Name).LastResort
}

// ready tells whether a host takes part because it can serve.
func (h *host) ready() bool {
	v := h.node.Router(h.cfg.Routers[0].Name)
	return !v.State.Out() && !v.LastResort
}

// holds tells whether a host holds any of the addresses.
func (h *host) holds() bool { return h.answering > 0 }

// report logs a change of holders.
func (l *ledger) report(w *World) {
	holders := uint(0)
	for i, h := range w.hosts {
		if h.holds() {
			holders |= 1 << i
		}
	}
	if holders == l.holders {
		return
	}
	l.holders = holders
	now := w.names(holders)
	if bits.OnesCount(holders) == 1 && l.last != holders {
		l.moves++
		l.last = holders
	}
	if now == "" {
		now = "nobody"
	}
	w.log("", "held by %s", now)
}

// names are those of some hosts, each a bit.
func (w *World) names(hosts uint) string {
	var names []string
	for i, h := range w.hosts {
		if hosts&(1<<i) != 0 {
			names = append(names, h.cfg.Node)
		}
	}
	return strings.Join(names, " and ")
}

// summary is one line: the seconds with no service, those with two holders, the moves.
func (l *ledger) summary() string {
	return fmt.Sprintf("none %.3fs, two %.3fs, moves %d", l.none.Seconds(), l.two.Seconds(), l.moves)
}
