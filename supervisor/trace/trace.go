// Package trace is the flight recorder's format: what a Node was told and what it answered,
// so that the same can be gone through again. It is bytes in, bytes out; package daemon
// writes the files, and reads no more of the format than Read and Player offer.
//
// A file is a segment: the magic line, then chunks. A chunk is its length and its CRC-32C,
// each four bytes, little-endian, then records. A record is a byte, of which the low four bits
// are its kind:
//
//	types  how values that follow are built: kinds and names of fields, so that another
//	       version knows what it does not know
//	begin  a Begin: the configuration in force, and the Node as it is; always the first
//	clock  how far the wall clock is ahead of the Node's
//	step   an event, how long after the one before, and what the Node answered
//	again  a step with an event that the segment has had, by its number
//	end    the daemon ended in order
//
// Events that come often (adverts, heartbeats, ticks) have a form of their own; every other
// one is written by the names of its fields. What repeats itself is written once a segment.
//
// Secrets of the configuration are left out; see masked.
package trace

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// magic begins every file; the number is the format's.
const magic = "pairkeeper trace 1\n"

// Begin is what a segment begins with.
type Begin struct {
	Version string    // of the software that recorded
	At      time.Time // on the Node's clock
	Wall    time.Time // what time that was
	Lost    uint64    // events that were not recorded before this one: the disk was too slow
	Config  *supervisor.Config
	// State is the Node as it was; nil: a new one of Config.
	State *supervisor.Node
}

// The kinds of records.
const (
	recTypes = iota
	recBegin
	recClock
	recStep
	recAgain
	recEnd
)

// The flags of a step.
const (
	flagAnswered = 1 << 4 // the Node answered: its sum follows
	flagLines    = 1 << 5 // lines of what matters follow
)

// maxKnown bounds how many events of a segment may be repeated by number.
const maxKnown = 4096

// maxChunk bounds a chunk: the state of a node with some thousands of routers.
const maxChunk = 64 << 20
