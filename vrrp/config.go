package vrrp

import (
	"net/netip"
	"time"
)

// Config is one virtual router as a Machine sees it.
type Config struct {
	VRID      uint8
	Version   Version
	Priority  uint8 // 1..254, or 255 for the owner
	Interval  time.Duration
	Addresses []netip.Addr

	// Preempt lets a higher priority take over from a lower one (RFC 9568 6.1
	// Preempt_Mode), PreemptDelay after the lower one was first heard.
	Preempt      bool
	PreemptDelay time.Duration

	// DownAdverts is how many adverts in a row must be missing; zero: 3, as in RFC 9568.
	DownAdverts int
	// Pair tells that there is one other router: nobody else waits after a release, so
	// Skew_Time has nothing to sort. PeerPriority is what it has by configuration; 0:
	// not known.
	Pair         bool
	PeerPriority uint8
	// LastResort tells that a router which has PriorityLastResort is one that must not
	// serve while anybody else can: it is pre-empted at once, whatever Preempt says.
	LastResort bool
	// Grouped lets others decide when the router becomes Active: see Machine.Willing.
	Grouped bool

	// Patient tells that whoever answers for an address is alive: the other node's kernel
	// lets go of what its daemon does not renew. Then it is not taken, however long that
	// lasts. Else it is taken when any lifetime would have ended (RFC 9568).
	Patient bool

	// Lifetime is how long the kernel keeps an address that nobody refreshes.
	Lifetime time.Duration
	// Gate is how long the kernel lets anybody reach an address without a renewal; zero: as
	// long as it is there.
	Gate time.Duration

	// AnnounceAgain and AnnounceEvery repeat the gratuitous ARP: once after a
	// take-over, and periodically. Zero: never.
	AnnounceAgain, AnnounceEvery time.Duration
}

// Skew is Skew_Time for adverts sent every interval (RFC 9568 6.1, RFC 3768 6.1).
func (c *Config) Skew(interval time.Duration) time.Duration {
	if c.Version == V2 {
		interval = time.Second
	}
	return time.Duration(256-int(c.Priority)) * interval / 256
}

// DownInterval is Active_Down_Interval (RFC 9568 6.1).
func (c *Config) DownInterval(interval time.Duration) time.Duration {
	return c.patience(interval) + c.Skew(interval)
}

// Silence is the down interval after an Active router that was heard. In a pair nobody
// else waits for it, so that Skew_Time need only cover an advert that is late.
func (c *Config) Silence(interval time.Duration) time.Duration {
	skew := c.Skew(interval)
	if c.Pair {
		skew = min(skew, max(interval/8, advertLate))
	}
	return c.patience(interval) + skew
}

// Overdue is how long after an advert another one must have come, and the gate of a daemon that
// ended right after it is shut.
func (c *Config) Overdue(interval time.Duration) time.Duration {
	return max(interval+max(interval/8, advertLate), c.Gate)
}

// advertLate is how late a busy host's advert may be, at the least.
const advertLate = 5 * time.Millisecond

// patience is for how long nothing may be heard, before Skew_Time.
func (c *Config) patience(interval time.Duration) time.Duration {
	if c.DownAdverts > 0 {
		return time.Duration(c.DownAdverts) * interval
	}
	return 3 * interval
}

// lifetimeSlack is how much later than its lifetime the kernel may remove an
// address: check_lifetime works in whole seconds.
const lifetimeSlack = 1250 * time.Millisecond

// LifetimeFor sizes the lifetime of an address: as long as the kernel of a hung
// router still lets go before a peer's down interval ends, within 1..3 s.
func LifetimeFor(interval time.Duration) time.Duration {
	l := (3*interval - lifetimeSlack).Round(time.Second)
	return min(max(l, time.Second), 3*time.Second)
}
