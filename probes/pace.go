package probes

import (
	"math/bits"
	"time"
)

// Pace says when the looks of one of many probes begin. Each probe has a place in its
// interval, which its number alone decides, so that however many there are they are spread
// evenly over it, from the first one on, and after a pause again.
type Pace struct {
	number           int
	interval, jitter time.Duration
	slot             time.Time // when the look would begin without jitter
	looks            int
}

// moments is how many places an interval has. Looks that share one cost fewer wakings: a
// process that wakes for each of 200 looks a second spends most of its time on that.
const moments = 100

// firstApart is how far apart the first looks of several probes are at the least. Few
// probes are all looked at as good as at once.
const firstApart = time.Millisecond

// NewPace returns the pace of a probe by its number among those that begin now, and when its
// first look begins: within its warm-up, if it has one, else within the interval.
func NewPace(c Config, number int, now time.Time) (p Pace, first time.Time) {
	place := share(number, moments) * (c.Interval / moments)
	p = Pace{number: number, interval: c.Interval, jitter: c.Jitter, slot: now.Add(place)}
	if c.WarmUp > 0 {
		return p, now.Add(share(number, c.WarmUp))
	}
	return p, now.Add(min(place, time.Duration(number)*firstApart))
}

// Next is when the look after one that began then is to begin: in the probe's place, but no
// sooner than half an interval later.
func (p *Pace) Next(began time.Time) time.Time {
	p.looks++
	if late := began.Add(p.interval / 2).Sub(p.slot); late > 0 && p.interval > 0 {
		p.slot = p.slot.Add((late + p.interval - 1) / p.interval * p.interval)
	}
	return p.slot.Add(share(p.number+p.looks, p.jitter))
}

// share is a part of d. Those of consecutive numbers lie apart, and those of any run of
// numbers are spread evenly over d: multiples of the golden ratio.
func share(n int, d time.Duration) time.Duration {
	const golden = 0x9e3779b97f4a7c15 // of 1 << 64
	part, _ := bits.Mul64(uint64(n)*golden, uint64(d))
	return time.Duration(part)
}
