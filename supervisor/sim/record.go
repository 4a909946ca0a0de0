package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// recorder keeps what a host's daemon was told, as the flight recorder of a real one does.
type recorder struct {
	size     int      // of a segment, or twice what its beginning takes; 0: nothing is recorded
	begun    int      // what the beginning took
	segments [][]byte // the last one is being written
	log      trace.Log
}

// Record has every node's daemon recorded from its next start on, in segments of a size.
func (w *World) Record(size int) {
	for _, h := range w.hosts {
		h.recorder.size = size
	}
}

// Recorded are the segments of a node.
func (w *World) Recorded(node string) [][]byte {
	h := w.host(node)
	h.recorder.flush()
	return h.recorder.segments
}

// recordBegin begins a segment with the node as it is; nil: as it is when it is new.
func (h *host) recordBegin(state *supervisor.Node) {
	r := &h.recorder
	if r.size == 0 {
		return
	}
	r.flush()
	r.segments = append(r.segments, nil)
	r.log.Begin(trace.Begin{Version: "simulated", At: h.clock(), Wall: h.wall(), Config: &h.cfg, State: state})
	r.begun = r.log.Size()
}

// recordWorld is what time it is when virtual time begins.
var recordWorld = time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)

func (h *host) wall() time.Time { return recordWorld.Add(h.world.now) }

func (h *host) record(ev supervisor.Event, actions []supervisor.Action) {
	r := &h.recorder
	if r.size == 0 {
		return
	}
	r.log.Clock(h.clock(), h.wall())
	r.log.Step(h.clock(), ev, actions)
	if r.log.Size() >= max(r.size, 2*r.begun) {
		h.recordBegin(h.node)
	}
}

func (r *recorder) flush() {
	if n := len(r.segments); n > 0 && r.log.Pending() > 0 {
		r.segments[n-1] = append(r.segments[n-1], r.log.Take()...)
	}
}

// TellRecorded runs a story and returns the segments that its nodes recorded.
func TellRecorded(story string, size int) (map[string][][]byte, error) {
	s, err := read(story)
	if err != nil {
		return nil, err
	}
	w := s.world(1)
	w.Record(size)
	if err := s.play(w, 0); err != nil {
		return nil, err
	}
	recorded := map[string][][]byte{}
	for _, h := range w.hosts {
		recorded[h.cfg.Node] = w.Recorded(h.cfg.Node)
	}
	return recorded, nil
}
