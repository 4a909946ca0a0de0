package probes

import "strconv"

// Act is what a failed probe does.
type Act uint8

// The acts.
const (
	Guard     Act = iota // the local proxy is to blame: its restart ladder begins
	Fatal                // the node leaves
	Weigh                // the priority changes
	Arbitrate            // nothing by itself: it is evidence of the gateway, see package fencing
	AskPeer              // nothing by itself: it is evidence of the other node's proxy
)

// Evidence tells that a failed probe does nothing by itself: the arbiter weighs it.
func (a Act) Evidence() bool { return a == Arbitrate || a == AskPeer }

// OnFail is what a failed probe does. The zero value has the proxy restarted.
type OnFail struct {
	Act Act
	// Weight changes the priority as keepalived's does: a positive one is added while
	// the probe is good, a negative one while it is failed; Reverse turns that round.
	// The value of a file is multiplied with it.
	Weight  int
	Reverse bool // of Fatal: the node leaves while the probe is good
}

// String is what the file says: restart, leave, penalty 30, weight 20; with "reversed".
func (o OnFail) String() string {
	text := "restart"
	switch {
	case o.Act.Evidence():
		return "arbitrate"
	case o.Act == Fatal:
		text = "leave"
	case o.Act == Weigh && o.Weight < 0 && !o.Reverse:
		text = "penalty " + strconv.Itoa(-o.Weight)
	case o.Act == Weigh:
		text = "weight " + strconv.Itoa(o.Weight)
	}
	if o.Reverse {
		text += " reversed"
	}
	return text
}

// The bounds of what one probe does to a priority, as keepalived has them: a value that
// comes to leave or less takes the node out.
const (
	most  = 253
	leave = -254
)

// Offset is what a probe does to the priority.
func (o OnFail) Offset(good bool) int {
	switch {
	case o.Reverse && good:
		return min(-o.Weight, 0)
	case o.Reverse:
		return max(-o.Weight, 0)
	case good:
		return max(o.Weight, 0)
	}
	return min(o.Weight, 0)
}

// Loss is how much less an offset is than the best.
func (o OnFail) Loss(offset int) int { return max(o.Offset(true), o.Offset(false)) - offset }

// OffsetOf is what a value does to the priority; out: it takes the node out.
func (o OnFail) OffsetOf(value int) (offset int, out bool) {
	value = max(-maxValue, min(value, maxValue)) * o.Weight
	if o.Reverse {
		value = -value
	}
	return max(leave, min(value, most)), value <= leave
}

// maxValue is more than any value that matters.
const maxValue = 1 << 20

// Out tells that a probe takes the node out.
func (o OnFail) Out(good bool) bool { return o.Act == Fatal && good == o.Reverse }
