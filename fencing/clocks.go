package fencing

import "time"

// Clocks compares the clocks of both nodes by their heartbeats. A message was made after the
// message of ours that it names, and before it came: so what the other clock is ahead of ours
// lies between two bounds. When they contradict each other, one of the clocks has stood still:
// a virtual machine was stopped, with all its clocks.
type Clocks struct {
	known bool
	at    time.Time // when the bounds were last drawn
	// The other node's clock is ahead of ours by something between these.
	least, most time.Duration
}

// drift is how much two clocks may differ: a thousandth is more than any clock is wrong.
const drift = 1000

// Heard takes a message that came now, was made when the other node's clock showed uptime, and
// names one of ours that was sent at the time given. It returns for how long our own clock has
// stood still since the messages before; as many as tolerance are not told.
func (c *Clocks) Heard(now, sent time.Time, uptime, tolerance time.Duration) (stood time.Duration) {
	ours := now.Sub(time.Unix(0, 0))
	least, most := uptime-ours, uptime-ours+now.Sub(sent)
	if !c.known {
		*c = Clocks{known: true, at: now, least: least, most: most}
		return 0
	}
	slack := now.Sub(c.at) / drift
	c.at = now
	c.least, c.most = c.least-slack, c.most+slack
	switch {
	case least > c.most+tolerance:
		stood = least - c.most
		c.least, c.most = least, most
	case most < c.least: // the other one's stood still
		c.least, c.most = least, most
	default:
		c.most = min(c.most, most)
		c.least = min(max(c.least, least), c.most)
	}
	return stood
}
