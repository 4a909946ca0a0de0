package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Flap damping: a node that breaks and mends again and again waits longer each time before it
// comes back before one that is well. Taking over from nobody is never delayed.

// damping is when a router gave its addresses up by its own node's fault.
type damping struct {
	losses []time.Time   // the last ones within the window
	flaps  int           // how many of them counted when the delay was last told
	told   time.Duration // the delay
}

// flapsMost bounds what is remembered; by then the delay is at its most.
const flapsMost = 32

// leastDamped is what the delay of a router doubles from where preempt_delay is less.
const leastDamped = time.Second

// ownFaults are the faults of a node that make a flap: what an operator does is none.
var ownFaults = map[vrrp.Reason]bool{
	ReasonProxyDown: true, ReasonProbe: true, ReasonTrack: true, ReasonLinkDown: true, ReasonIsolated: true, ReasonGroup: true,
	vrrp.ReasonOutranked: true, vrrp.Reason(fencing.RuleWorse): true, vrrp.Reason(fencing.RuleHandOver): true,
}

// damped keeps book of a transition.
func (s *step) damped(r *router, e vrrp.Enter) {
	if e.From != vrrp.Active || !ownFaults[e.Reason] {
		return
	}
	d := &r.damping
	d.losses = append(d.losses, s.now)
	if len(d.losses) > flapsMost {
		d.losses = slices.Delete(d.losses, 0, len(d.losses)-flapsMost)
	}
}

// within counts the losses within the window.
func (d *damping) within(now time.Time, window time.Duration) int {
	n := 0
	for _, at := range d.losses {
		if now.Sub(at) < window {
			n++
		}
	}
	return n
}

// preemptDelay is how long a router waits before it pre-empts: the configured delay after one
// loss, twice as long with each further one.
func preemptDelay(delay, most time.Duration, flaps int) time.Duration {
	if flaps < 2 {
		return delay
	}
	damped := max(delay, leastDamped)
	for range flaps - 1 {
		if damped >= most {
			break
		}
		damped *= 2
	}
	return max(delay, min(damped, most))
}

// damp tells the machine how long it has to wait.
func (s *step) damp(r *router) {
	c := &r.cfg
	r.damping.flaps = r.damping.within(s.now, c.FlapWindow)
	want := preemptDelay(c.VRRP.PreemptDelay, c.PreemptDelayMax, r.damping.flaps)
	if want != r.damping.told {
		r.damping.told = want
		s.routerStep(r, vrrp.Delayed{PreemptDelay: want})
	}
}
