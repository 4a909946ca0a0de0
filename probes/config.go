// Package probes decides what a node's probes say of it: how many results in a row
// make an opinion. Package probesnet asks.
package probes

import "time"

// Config is one probe.
type Config struct {
	Name     string
	Check    Check
	Interval time.Duration // between the starts of two looks
	Jitter   time.Duration // how much later than that a look may start
	WarmUp   time.Duration // over how long first looks are spread; 0: the interval
	Timeout  time.Duration // of one look; a look that takes longer has failed
	Grace    time.Duration // from the start, how long bad looks do not count
	Rise     int           // good looks in a row that make a failed probe good
	Fall     int           // bad looks in a row that make a good probe failed
	OnFail   OnFail
}

// Check is what a probe looks at: one of the types of this package that are made for it.
type Check interface{ isCheck() }

// HasValue tells that the probe's looks bring a value for its weight.
func (c Config) HasValue() bool {
	f, ok := c.Check.(File)
	return ok && f.Value
}
