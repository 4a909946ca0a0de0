package vrrp

import (
	"net/netip"
	"time"
)

// maxSenders is how many senders a Replay remembers. More than two at once have no
// business with one virtual router of a pair; the one unheard for longest is forgotten.
const maxSenders = 8

// Replay refuses adverts that were recorded and are played back. It remembers the newest
// sequence of each sender of one virtual router, for adverts that Parse has accepted:
// nobody without the key can fill it or move a mark. The zero value is ready.
type Replay struct {
	marks [maxSenders]mark
	count uint64
}

type mark struct {
	from     netip.Addr
	sequence uint64
	at       time.Time // when it was accepted
	used     uint64    // count then; 0: a free mark
}

// Check judges the sequence of a signed advert of AuthHMAC, and remembers it when it is
// accepted. now is this host's real-time clock.
//
// The newest sequence of a sender has to grow, in the order of RFC 1982:
//
//   - Above the newest: accepted, whatever the clocks say. So neither a jump of a clock
//     nor one that runs wrong stops a sender that was once accepted; NextSequence grows
//     all the same.
//   - The newest again: replay. Below it: replay within window, stale further back. That
//     is also what comes of a sender that restarted with its clock set back.
//   - Below it, but now is within window of the sequence, and the newest is further ahead
//     of now: the sender had a wrong clock and has it no longer. Accepted.
//   - The first of a sender: accepted within window of now, else stale. Without a window
//     (0) it is accepted anyhow.
//
// keepalived with anti_replay time refuses everything that is further than its window
// from its clock, and with anti_replay monotonic nothing that grows. This is the first
// where a sender is new, and the second from then on: two hosts whose clocks part must
// not both become Active.
func (r *Replay) Check(now time.Time, from netip.Addr, sequence uint64, window time.Duration) Refusal {
	m, known := r.find(bare(from))
	clock := uint64(uint32(now.Unix())) << 32
	fresh := window <= 0 || distance(clock, sequence) <= window && distance(sequence, clock) <= window
	switch {
	case !known && !fresh:
		return RefusalStale
	case !known, after(sequence, m.sequence):
	case window > 0 && fresh && distance(m.sequence, clock) > window:
	case window > 0 && distance(m.sequence, sequence) > window:
		return RefusalStale
	default:
		return RefusalReplay
	}
	r.keep(m, bare(from), sequence, now)
	return ""
}

// CheckAH does the same for AuthAH, whose sequence is a counter that begins anew when a
// keepalived restarts: it has to grow, unless nothing of the sender was accepted for
// forget. That should be as long as a sender is missed before another takes over.
func (r *Replay) CheckAH(now time.Time, from netip.Addr, sequence uint64, forget time.Duration) Refusal {
	m, known := r.find(bare(from))
	if known && sequence <= m.sequence && now.Sub(m.at) < forget {
		return RefusalReplay
	}
	r.keep(m, bare(from), sequence, now)
	return ""
}

// find is the mark of a sender, or else the one to use for it.
func (r *Replay) find(from netip.Addr) (m *mark, known bool) {
	m = &r.marks[0]
	for i := range r.marks {
		switch n := &r.marks[i]; {
		case n.used > 0 && n.from == from:
			return n, true
		case n.used < m.used:
			m = n
		}
	}
	return m, false
}

func (r *Replay) keep(m *mark, from netip.Addr, sequence uint64, now time.Time) {
	r.count++
	*m = mark{from: from, sequence: sequence, at: now, used: r.count}
}

// distance is how much later a is than b in whole seconds; negative: earlier.
func distance(a, b uint64) time.Duration {
	return time.Duration(int32(uint32(a>>32)-uint32(b>>32))) * time.Second
}
