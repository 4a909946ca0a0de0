package vrrp

import "time"

// LeastBridge is the least time in which a process can be replaced.
const LeastBridge = time.Second

// bridgeAdverts is how many adverts tell the others to wait: one may get lost.
const bridgeAdverts = 3

// BridgeFor is for how long the addresses may stay with nobody to advertise them, of the time
// that is wanted: others who do not know of it (informed) wait for as long as they always do.
func (c *Config) BridgeFor(want time.Duration, informed bool) time.Duration {
	if informed {
		return min(want, c.mostBridge())
	}
	return min(want, c.patience(c.Interval))
}

// TellsInterval tells that adverts say how long others are to wait for the next one (RFC 9568
// 5.2.6).
func (c *Config) TellsInterval() bool { return c.Version == V3 }

// mostInterval is the longest that an advert of version 3 can tell: 12 bits of centiseconds.
const mostInterval = 40950 * time.Millisecond

func (c *Config) mostBridge() time.Duration {
	return c.patience(mostInterval) - c.bridgeSlack()
}

// bridgeSlack is how much later than wanted the kernel may let go.
func (c *Config) bridgeSlack() time.Duration {
	if c.Gate > 0 {
		return 0
	}
	return lifetimeSlack
}

// BridgeLifetime is the lifetime, in whole seconds, of addresses that are to stay for a time:
// where there is a gate, that one ends it in time.
func (c *Config) BridgeLifetime(long time.Duration) time.Duration {
	if c.Gate > 0 {
		long += time.Second - 1
	}
	return max(long.Truncate(time.Second), time.Second)
}

// bridgeInterval is the advert interval with which others wait for a bridge to end.
func (c *Config) bridgeInterval(long time.Duration) time.Duration {
	if !c.TellsInterval() {
		return 0
	}
	const unit = 10 * time.Millisecond
	adverts := c.patience(c.Interval) / c.Interval
	every := (long + c.bridgeSlack() + adverts*unit - 1) / (adverts * unit) * unit
	return max(every, c.Interval)
}

// bridge leaves without a word of release. One that has not run for a while must not: others
// may rule by now.
func (s *step) bridge(ev Bridge) {
	if s.state != Active || s.slept() {
		return
	}
	for range bridgeAdverts {
		s.do(Send{Priority: s.cfg.Priority, Interval: s.cfg.bridgeInterval(ev.For)})
	}
	s.do(Linger(ev))
	s.enter(Initialize, ReasonRestarts)
}
