// Package sim runs a whole pair in virtual time: two nodes with the deciders that the
// daemon runs, links, kernels that keep addresses, proxies that die. What happens is a
// pure function of the story and the seed.
package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// World is a pair of hosts on their networks, and a clock.
type World struct {
	now      time.Duration
	queue    queue
	serial   int
	rand     *rand.Rand
	luck     *rand.Rand // of packets that may get lost
	hosts    []*host
	lines    []string
	ledger   ledger
	Verbose  bool // every action is a line, also the periodic ones
	quiet    bool // no lines: what moves is kept, see notice
	moved    []moved
	marked   time.Duration
	stranger stranger
	shots    int // that hit
	witness  witness
}

// epoch is where virtual time starts: the deciders only compare times.
var epoch = time.Unix(1_000_000, 0).UTC()

// New returns a world in which both nodes of the pair are powered off. The seed moves
// the phases of everything periodic and the latencies.
func New(seed uint64, nodes ...supervisor.Config) *World {
	w := &World{rand: rand.New(rand.NewPCG(seed, 1)), luck: rand.New(rand.NewPCG(seed, 4))}
	w.witness.book = fencing.NewWitness(epoch.Add(-time.Hour))
	for _, cfg := range nodes {
		w.hosts = append(w.hosts, newHost(w, cfg))
	}
	w.ledger.services = services(&w.hosts[0].cfg)
	return w
}

// call is something that happens at a time.
type call struct {
	at     time.Duration
	serial int
	do     func()
}

// queue is a heap of calls; those of one moment keep their order.
type queue []call

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].serial < q[j].serial
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop serve package heap.
func (q *queue) Push(x any) { *q = append(*q, x.(call)) }

// Pop removes the last element.
func (q *queue) Pop() any {
	old := *q
	c := old[len(old)-1]
	*q = old[:len(old)-1]
	return c
}

// after plans a call.
func (w *World) after(d time.Duration, do func()) {
	w.serial++
	heap.Push(&w.queue, call{at: w.now + d, serial: w.serial, do: do})
}

// latency is what a small job or a packet takes.
func (w *World) latency(around time.Duration) time.Duration {
	return around + time.Duration(w.rand.Int64N(int64(around)/2+1))
}

// RunUntil lets time pass.
func (w *World) RunUntil(end time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= end {
		c := heap.Pop(&w.queue).(call)
		w.ledger.pass(w, c.at)
		w.now = c.at
		c.do()
	}
	w.ledger.pass(w, end)
	w.now = end
}

// log adds a line to the trace.
func (w *World) log(who, format string, args ...any) {
	if w.quiet {
		return
	}
	w.lines = append(w.lines, fmt.Sprintf("%8.3f  %-4s  %s", w.now.Seconds(), who, fmt.Sprintf(format, args...)))
}

// Trace is all that happened, a line each.
func (w *World) Trace() string { return strings.Join(w.lines, "\n") + "\n" }

func (w *World) host(name string) *host {
	for _, h := range w.hosts {
		if h.cfg.Node == name {
			return h
		}
	}
	return nil
}
