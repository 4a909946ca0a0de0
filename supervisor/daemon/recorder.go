package daemon

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// The recorder's measures.
const (
	segmentsKept  = 8                      // or more, that share the size
	segmentMost   = 32 << 20               // for who reads one
	piecesWaiting = 64                     // for a disk that does not take them
	pieceBytes    = 32 << 10               // after which one is handed over
	pieceTime     = 250 * time.Millisecond // after which one is: what a kill may lose
	recorderPause = 10 * time.Second       // after a failure
)

// recorder hands what the Node is told, and what it answers, to the files. Only the loop's
// thread uses it; the disk is waited for elsewhere, and what it does not take is dropped and
// counted. Dropped events are a gap that no replay can cross: a new segment begins behind it.
type recorder struct {
	version string
	cfg     supervisor.Config
	files   *traceFiles // nil: nothing is recorded
	log     trace.Log
	begun   int       // bytes that the segment's beginning took
	flushed time.Time // when a piece was last handed over
	steps   uint64    // in the piece that is not
	lost    uint64    // since the segment broke off; 0: it goes on
	since   time.Time // of that
	losses  uint64    // events lost altogether
}

// begin begins a segment with the node as it is; nil: as a new one is.
func (r *recorder) begin(now time.Time, node *supervisor.Node) {
	if r.files == nil {
		return
	}
	r.log.Begin(trace.Begin{Version: r.version, At: now, Wall: wall(now), Lost: r.lost, Config: &r.cfg, State: node})
	r.begun, r.lost, r.steps, r.flushed = r.log.Size(), 0, 0, now
	r.hand(true, now)
}

// step records an event after the node has answered it.
func (r *recorder) step(now time.Time, node *supervisor.Node, ev supervisor.Event, actions []supervisor.Action) {
	if c, ok := ev.(supervisor.Reconfigured); ok {
		r.cfg = c.Config
	}
	if r.files == nil {
		return
	}
	if r.lost > 0 || r.files.broken.Load() {
		r.gap(now, node)
		return
	}
	r.steps++
	matters := r.log.Step(now, ev, actions)
	if matters || r.log.Pending() >= pieceBytes {
		r.flush(now)
	}
	if r.log.Size() >= max(r.files.segment(), 2*r.begun) && r.lost == 0 {
		r.flush(now)
		r.begin(now, node)
	}
}

// gap counts what is lost, and goes on with a new segment once there is room for one.
func (r *recorder) gap(now time.Time, node *supervisor.Node) {
	if r.lost == 0 {
		r.since = now
	}
	r.lost++
	r.losses++
	if now.Sub(r.since) < recorderPause || !r.files.roomy() {
		return
	}
	r.since = now
	r.files.broken.Store(false)
	r.begin(now, node)
}

// sweep hands over what has waited for long enough.
func (r *recorder) sweep(now time.Time) {
	if r.files != nil && r.lost == 0 && r.log.Pending() > 0 && now.Sub(r.flushed) >= pieceTime {
		r.flush(now)
	}
}

func (r *recorder) flush(now time.Time) {
	r.log.Clock(now, wall(now))
	r.hand(false, now)
}

// hand hands over what is pending.
func (r *recorder) hand(begins bool, now time.Time) {
	if r.log.Pending() > 0 && !r.files.put(piece{begins, r.log.Take()}) {
		r.lost, r.since = r.steps+1, now
		r.losses += r.lost
	}
	r.flushed, r.steps = now, 0
}

// end says that the daemon ends in order.
func (r *recorder) end(now time.Time) {
	if r.files != nil && r.lost == 0 {
		r.log.End()
		r.flush(now)
	}
}

// piece is a chunk of a segment, or the first of a new one.
type piece struct {
	begins bool
	data   []byte
}

// traceFiles are the segments in their folder. One goroutine writes them.
type traceFiles struct {
	folder  string
	size    atomic.Int64 // of all together
	pieces  chan piece
	done    chan struct{}
	broken  atomic.Bool // the segment cannot go on
	problem func(error)
	told    time.Time // when a problem was last told
}

// segment is how big one file may grow.
func (f *traceFiles) segment() int { return int(min(f.size.Load()/segmentsKept, segmentMost)) }

func (f *traceFiles) roomy() bool { return len(f.pieces) < piecesWaiting/2 }

// put never waits; false: the disk is behind, and the piece is dropped.
func (f *traceFiles) put(p piece) bool {
	select {
	case f.pieces <- p:
		return true
	default:
		return false
	}
}

// record has the flight recorder keep so many bytes from now on; 0: none. It is called on the
// loop's thread, or before that runs.
func (d *Daemon) record(size int64) {
	r := &d.loop.recorder
	switch {
	case d.opts.Trace == "" || size == 0 && r.files == nil:
	case size == 0:
		r.files.close()
		r.files = nil
	case r.files != nil:
		r.files.size.Store(size)
	default:
		r.files = newTraceFiles(d.opts.Trace, size, d.notRecorded)
		if d.loop.beats.Load() > 0 { // under way
			r.begin(now(), d.loop.node)
		}
	}
}

func (d *Daemon) notRecorded(err error) {
	d.warn(logbook.RecorderFailed, fmt.Sprintf("the flight recorder cannot write: %v; what happens meanwhile is missing in `pairkeeper explain --at` and `pairkeeper replay`", err))
}
