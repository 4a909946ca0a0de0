package vrrp

import "time"

// gating is when an Active router has the gate of its addresses renewed, which the kernel
// shuts by itself after Config.Gate.
type gating struct {
	renewAt time.Time // zero: there is no gate
	anew    bool      // there is a gate since, or is none any more: at renewAt the addresses are taken anew
	shut    bool      // it ran out, and Owned has not come since
}

// The least and the most that a gate stays open. A daemon that is late by less than the
// least, for no fault of its own, is not shut out; and one that hangs is, soon.
const (
	leastGate = 100 * time.Millisecond
	mostGate  = 600 * time.Millisecond
)

// GateFor sizes the gate of a router that advertises every interval, of whose adverts so
// many in a row must be missing: it is shut before those who heard the last one lose their
// patience, within 100..600 ms.
func GateFor(interval time.Duration, missing int) time.Duration {
	return min(max(time.Duration(missing-1)*interval, leastGate), mostGate)
}

// nextRenewal is at the same moment for all routers with the same gate: the kernel then
// gets one transaction.
func (s *step) nextRenewal() time.Time {
	if s.cfg.Gate == 0 {
		return time.Time{}
	}
	every := s.cfg.Gate / 3
	return s.now.Add(every).Truncate(every)
}

func (s *step) gateTick() {
	g := &s.active.gating
	if !due(s.now, g.renewAt) {
		return
	}
	anew := g.anew
	g.renewAt, g.anew = s.nextRenewal(), false
	if anew {
		s.do(Own{})
		return
	}
	s.do(Renew{})
}

// gateRanOut opens the gate again. Nobody else can hold the addresses by now unless this
// router slept, and then it is not Active any more.
func (s *step) gateRanOut() {
	g := &s.active.gating
	if g.shut || s.cfg.Gate == 0 {
		return
	}
	g.shut = true
	s.note(ReasonGateShut, "the kernel shut the gate of the addresses before it was renewed: opened again")
	s.do(Own{})
}
