package trace

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Log makes a segment. The zero value has to Begin.
type Log struct {
	types   table
	known   map[string]uint64 // events that the segment has, by their bytes
	beats   beats
	last    int64         // when the step before was
	ahead   time.Duration // of the wall clock, as last written
	pending []byte        // records that were not taken
	scratch []byte
	size    int // of the segment, with what is pending
}

// Begin begins a new segment; what is pending of the one before is lost unless it was taken.
func (l *Log) Begin(b Begin) {
	l.types, l.known, l.beats = table{}, map[string]uint64{}, beats{}
	l.last, l.ahead = b.At.UnixNano(), b.Wall.Sub(b.At)
	l.scratch = l.types.value(l.scratch[:0], b)
	l.pending = l.types.append(l.pending[:0])
	l.pending = appendText(append(l.pending, recBegin), l.scratch)
	l.size = len(magic) + len(l.pending)
	if cap(l.scratch) > 1<<16 { // of a state there is one a segment
		l.scratch = nil
	}
}

// Size is how many bytes the segment has so far.
func (l *Log) Size() int { return l.size }

// Pending is how many of them were not taken.
func (l *Log) Pending() int { return len(l.pending) }

// Step adds an event and what the Node answered. It tells whether that is more than routine.
// The answer's actions are looked at now, and not kept.
func (l *Log) Step(now time.Time, ev supervisor.Event, actions []supervisor.Action) bool {
	return l.Put(now, ev, AnswerOf(actions))
}

// Put is Step with an answer that is there already.
func (l *Log) Put(now time.Time, ev supervisor.Event, answer Answer) bool {
	before := len(l.pending)
	l.scratch = l.types.event(l.scratch[:0], ev)
	l.pending = l.types.append(l.pending)
	kind := byte(recStep)
	ref, again := l.known[string(l.scratch)]
	if again {
		kind = recAgain
	}
	if answer.Sum != 0 {
		kind |= flagAnswered
	}
	if len(answer.Lines) > 0 {
		kind |= flagLines
	}
	b := appendInt(append(l.pending, kind), now.UnixNano()-l.last)
	l.last = now.UnixNano()
	if again {
		b = appendUint(b, ref)
	} else {
		b = appendText(b, l.scratch)
		if len(l.known) < maxKnown {
			l.known[string(l.scratch)] = uint64(len(l.known))
		}
	}
	if beat, ok := ev.(supervisor.HeartbeatHeard); ok {
		b = l.beats.append(b, &beat)
	}
	if answer.Sum != 0 {
		b = binary.LittleEndian.AppendUint32(b, answer.Sum)
	}
	if len(answer.Lines) > 0 {
		b = appendLines(b, answer.Lines)
	}
	l.pending = b
	l.size += len(b) - before
	return len(answer.Lines) > 0
}

// clockMoves is by how much the wall clock has to move against the Node's to be written.
const clockMoves = time.Millisecond

// Clock tells what time it is.
func (l *Log) Clock(now, wall time.Time) {
	ahead := wall.Sub(now)
	if (ahead - l.ahead).Abs() < clockMoves {
		return
	}
	l.ahead = ahead
	l.add(appendInt(append(l.pending, recClock), int64(ahead)))
}

// End tells that the daemon ends in order.
func (l *Log) End() { l.add(append(l.pending, recEnd)) }

func (l *Log) add(pending []byte) {
	l.size += len(pending) - len(l.pending)
	l.pending = pending
}

// Take returns what is pending as a chunk, the first one of a segment with the magic line.
func (l *Log) Take() []byte {
	first := l.size == len(magic)+len(l.pending)
	b := make([]byte, 0, len(magic)+8+len(l.pending))
	if first {
		b = append(b, magic...)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.pending)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(l.pending, castagnoli))
	b = append(b, l.pending...)
	l.size += 8
	l.pending = slices.Delete(l.pending, 0, len(l.pending))
	return b
}
