// Package proxynet does to the proxy what package supervisor decides: it watches and
// restarts a systemd unit over D-Bus, or a child process, and runs the proxy's test.
package proxynet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// A connection that is back within lostAfter was no event. The waits between two
// attempts grow from the first to the second of the others.
const (
	lostAfter  = 2 * time.Second
	firstRetry = 20 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// Unit is the proxy as a unit of systemd.
type Unit struct {
	// Address is the bus; empty: the system bus. It is set before Watch.
	Address string
	// Memory is a file in which a stop of ours outlives this process, so that the next one
	// does not take it for an operator's; empty: none. It is set before Watch.
	Memory string

	name string
	log  *slog.Logger
	// jobKind asks a job for its type.
	jobKind func(context.Context, dbus.BusObject) (string, error)

	mu      sync.Mutex
	conn    *dbus.Conn // nil while there is none
	last    supervisor.UnitState
	waiting map[chan ended]string // the orders of ours that are under way, by their verb
	lastJob uint32                // the last job that one of them was given
	run     uint64                // the unit's present or last run, by when it began
	stopped uint64                // the run that we last asked to stop
}

// NewUnit returns the unit with this name, for instance nginx.service. Watch connects.
func NewUnit(name string, log *slog.Logger) *Unit {
	return &Unit{
		name: name, log: log, waiting: map[chan ended]string{},
		jobKind: func(ctx context.Context, job dbus.BusObject) (string, error) {
			return sdbus.Property[string](ctx, job, jobIface, "JobType")
		},
	}
}

// Watch tells the unit's state at the start and at every change, until ctx ends. It
// connects again whenever the connection is lost, and tells UnitState.Lost where that
// takes long. The other methods need a running Watch.
func (u *Unit) Watch(ctx context.Context, tell func(supervisor.UnitState)) {
	u.remember()
	w := &watch{unit: u, rec: newRecord(), tell: tell, since: time.Now()}
	for retry := firstRetry; ctx.Err() == nil; retry = min(2*retry, lastRetry) {
		served, err := w.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		if served {
			retry = firstRetry
		}
		u.log.Debug("no connection to systemd", "unit", u.name, "error", err)
		w.pause(ctx, retry, err)
	}
}

// watch is the state of one Watch.
type watch struct {
	unit  *Unit
	rec   *record
	tell  func(supervisor.UnitState)
	since time.Time // when the connection was lost
	told  bool
}

// serve connects and follows the unit; it tells whether it came that far.
func (w *watch) serve(ctx context.Context) (served bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stuck := time.AfterFunc(patience, cancel) // authentication has no limit of its own
	s, err := open(ctx, w.unit, w.rec)
	if err == nil && !stuck.Stop() {
		_ = s.conn.Close()
		err = ctx.Err()
	}
	if err != nil {
		return false, err
	}
	w.unit.attach(s.conn)
	err = s.serve(ctx, w.publish)
	w.unit.detach()
	_ = s.conn.Close()
	w.since = time.Now()
	return true, err
}

// publish tells the state if it is another one.
func (w *watch) publish() {
	w.unit.mu.Lock()
	w.unit.run = w.rec.seen.began
	w.unit.mu.Unlock()
	w.say(w.rec.state())
}

func (w *watch) say(s supervisor.UnitState) {
	w.unit.mu.Lock()
	same := w.told && w.unit.last == s
	w.unit.last = s
	w.unit.mu.Unlock()
	w.told = true
	if !same {
		w.tell(s)
	}
}

// pause waits before the next attempt. What is lost for long is told.
func (w *watch) pause(ctx context.Context, wait time.Duration, err error) {
	for end := time.Now().Add(wait); ctx.Err() == nil; {
		left := time.Until(w.since.Add(lostAfter))
		if left <= 0 {
			w.say(supervisor.UnitState{Lost: "no connection to systemd over D-Bus: " + err.Error()})
			left = lastRetry
		}
		rest := time.Until(end)
		if rest <= 0 {
			return
		}
		timer := time.NewTimer(min(left, rest))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (u *Unit) attach(c *dbus.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn = c
}

// detach takes the connection away and wakes those who wait for a job on it.
func (u *Unit) detach() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn = nil
	for ch := range u.waiting {
		close(ch)
	}
	clear(u.waiting)
}
