// Package probes decides what a node's probes say of it: how many results in a row
// make an opinion. Package probesnet asks.
package probes

import "time"

// Config is one probe.
type Config struct {
	Name     string
	HTTP     HTTP
	Interval time.Duration // between the starts of two looks
	Timeout  time.Duration // of one look; a look that takes longer has failed
	Rise     int           // good looks in a row that make a failed probe good
	Fall     int           // bad looks in a row that make a good probe failed
}

// HTTP is what an HTTP probe asks and what it accepts.
type HTTP struct {
	URL    string
	Method string
	Host   string // the Host header; empty: the URL's
	Status []StatusRange
}

// StatusRange is an inclusive range of HTTP status codes.
type StatusRange struct{ From, To int }
