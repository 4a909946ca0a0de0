package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// recordsWaiting is how many records wait for a log that does not take them: a few of
// each of a thousand routers. More are dropped and counted.
const recordsWaiting = 4096

// queue is what waits for the one goroutine that writes.
type queue struct {
	records chan record
	dropped atomic.Uint64
	end     chan struct{} // closed when no more need be waited for
	done    chan struct{} // closed when all is written
	write   func(record) error
}

func newQueue(write func(record) error) *queue {
	return &queue{records: make(chan record, recordsWaiting), end: make(chan struct{}), done: make(chan struct{}), write: write}
}

// put drops what the log does not take: going on matters more. What has no kind, as the
// output of a proxy, leaves half of the room to what has one.
func (q *queue) put(r record) {
	if r.id == "" && len(q.records) >= recordsWaiting/2 {
		q.dropped.Add(1)
		return
	}
	select {
	case q.records <- r:
	default:
		q.dropped.Add(1)
	}
}

func (q *queue) run() {
	defer close(q.done)
	for {
		select {
		case r := <-q.records:
			q.say(r)
			continue
		default:
		}
		select {
		case r := <-q.records:
			q.say(r)
			q.rest()
		case <-q.end:
			return
		}
	}
}

// restTime lets records gather: waking up for each of many costs the loop more than
// handing them over.
const restTime = time.Millisecond

func (q *queue) rest() {
	select {
	case <-time.After(restTime):
	case <-q.end:
	}
}

// say writes a record, and before it how many were lost.
func (q *queue) say(r record) {
	if n := q.dropped.Swap(0); n > 0 && !q.deliver(lost(r.at, n)) {
		q.dropped.Add(n)
	}
	if !q.deliver(r) {
		q.dropped.Add(1)
	}
}

func lost(at time.Time, n uint64) record {
	r := record{at: at, level: slog.LevelError, text: fmt.Sprintf("records lost: %d; the log did not take them", n)}
	r.add(logbook.As(logbook.RecordsLost))
	r.identify()
	return r
}

// tryEvery is how often a log is tried that is not there.
const tryEvery = time.Second

// deliver writes a record as soon as there is a log again; false: it is lost.
func (q *queue) deliver(r record) bool {
	for {
		err := q.write(r)
		if !away(err) {
			return err == nil
		}
		select {
		case <-time.After(tryEvery):
		case <-q.end:
			return false
		}
	}
}

// away tells that nobody listens at journald's socket, or that it is not there: journald
// is stopped, and may come back.
func away(err error) bool { return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) }

// flushTime is how long the end waits for a log that does not take its records.
const flushTime = 2 * time.Second

// flushOnce waits for what is still to be written, once.
func (q *queue) flushOnce() func() {
	return sync.OnceFunc(func() {
		close(q.end)
		select {
		case <-q.done:
		case <-time.After(flushTime):
		}
	})
}
