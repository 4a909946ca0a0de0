package supervisor

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// What both nodes should have in common: pairkeeper's configuration, the proxy's, and the
// version. When that they differ has lasted, an operator is told, once, and when it ends.

// agreement is what the nodes do not have in common.
type agreement struct {
	config, proxy, version, clock difference
	ahead                         time.Duration // the other node's clock
}

// difference is one of these.
type difference struct {
	since time.Time // zero: there is none
	told  bool
}

// How long a difference has to last. Files are edited one after the other.
const (
	configDiffers  = 5 * time.Second
	proxyDiffers   = time.Minute
	versionDiffers = 5 * time.Second
	clockDiffers   = 10 * time.Second
)

// apart is how much the clocks may differ: more, and the journals of both nodes do not fit together.
const apart = 2 * time.Second

// compare looks at a heartbeat that counts, and at what this node has instead.
func (s *step) compare(h *fencing.Heartbeat, ev *HeartbeatHeard) {
	a, own, mine := &s.agreement, &s.cfg.Heartbeat, ev.Proxy
	a.ahead = ev.Ahead
	s.differs(&a.clock, a.ahead.Abs() > apart, clockDiffers, ReasonClockDiffers, "the time of day", h.Node+"'s "+a.clockText())
	s.differs(&a.config, h.Config != own.Digest, configDiffers, ReasonConfigDiffers, "pairkeeper's configuration",
		"the configuration of pairkeeper on "+h.Node+" is another one: it has to be the same on both nodes; compare `pairkeeper check --print`")
	s.differs(&a.proxy, h.Proxy != mine && h.Proxy != 0 && mine != 0, proxyDiffers, ReasonProxyDiffers, "the proxy's configuration",
		"the proxy's configuration on "+h.Node+" is another one: compare the files of both nodes")
	s.differs(&a.version, h.Version != own.Version, versionDiffers, ReasonVersionDiffers, "the version of pairkeeper",
		"pairkeeper on "+h.Node+" is "+h.Version+", here "+own.Version)
}

// differs keeps a difference, and tells of it when it has lasted, and when it ends.
func (s *step) differs(d *difference, now bool, lasts time.Duration, reason vrrp.Reason, what, text string) {
	switch {
	case !now && d.told:
		s.note("", ReasonAgrees, "%s is the same on both nodes again", what)
		*d = difference{}
	case !now:
		*d = difference{}
	case d.since.IsZero():
		d.since = s.now
	case !d.told && s.now.Sub(d.since) >= lasts:
		d.told = true
		s.note("", reason, "%s", text)
	}
}

// clockText says how the other node's clock differs.
func (a *agreement) clockText() string {
	if a.ahead < 0 {
		return "clock is " + (-a.ahead).Round(time.Second).String() + " behind this one's"
	}
	return "clock is " + a.ahead.Round(time.Second).String() + " ahead of this one's"
}
