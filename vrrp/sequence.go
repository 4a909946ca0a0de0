package vrrp

import "time"

// NextSequence is the Advert.Sequence of the next signed advert of AuthHMAC: 32 bits of
// seconds since 1970, 16 bits of their fraction, 16 bits of counter. last is the one
// before, 0 at the start; wall is read from the real-time clock. It always grows, also
// while the clock stands or has been set back, so a receiver that has heard the last one
// accepts the next one; it is never 0. Nothing has to survive a restart: the clock has
// gone on.
//
// A keepalived with anti_replay time refuses adverts whose sequence is further from its
// clock than its window. Whoever has to follow a clock that was set back for such a
// peer's sake begins anew with last 0.
func NextSequence(last uint64, wall time.Time) uint64 {
	next := uint64(uint32(wall.Unix()))<<32 | uint64(wall.Nanosecond())<<16/uint64(time.Second)<<16
	if last != 0 && !after(next, last) {
		next = last + 1
	}
	if next == 0 {
		return 1
	}
	return next
}

// NextSequenceAH is the same for AuthAH: a counter of 32 bits, which all routers of a
// virtual router share: keepalived refuses what is not above the highest that it has
// sent or heard. So last is the highest sent or heard. It begins with the seconds of the
// clock, so that a router that restarted is not below itself.
func NextSequenceAH(last uint64, wall time.Time) uint64 {
	next := max(last+1, uint64(uint32(wall.Unix())), 1)
	if next > maxSequenceAH {
		return 1
	}
	return next
}

// after compares serial numbers of 64 bits (RFC 1982 3.2).
func after(a, b uint64) bool { return int64(a-b) > 0 }
