package daemon

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
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

// put drops what the log does not take: going on matters more.
func (q *queue) put(r record) {
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

func (q *queue) say(r record) {
	if n := q.dropped.Swap(0); n > 0 {
		r.text += fmt.Sprintf(" (%d records before it were lost: the log did not take them)", n)
	}
	_ = q.write(r) // there is nowhere to tell it
}

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
