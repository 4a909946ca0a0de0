package proxynet

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
)

// reload is the last run of ExecReload=. systemd forgets it at a daemon-reload.
type reload struct {
	start  uint64 // monotonic; 0: there was none
	failed bool
}

// execRun is one command of ExecReload= and its last run, as systemd sends it.
type execRun struct {
	Path                                       string
	Argv                                       []string
	IgnoreFailure                              bool
	Start, StartMonotonic, Exit, ExitMonotonic uint64
	PID                                        uint32
	Code, Status                               int32
}

func readReload(v dbus.Variant) reload {
	var runs []execRun
	if err := v.Store(&runs); err != nil || len(runs) == 0 {
		return reload{}
	}
	r := reload{start: runs[0].StartMonotonic}
	for _, run := range runs {
		bad := run.Code != cldExited || run.Status != 0
		if run.StartMonotonic >= r.start && run.Code != 0 && bad && !run.IgnoreFailure {
			r.failed = true
		}
	}
	return r
}

// askReload asks how ExecReload= ended, which no signal tells, when a unit has reloaded.
func (s *session) askReload(ctx context.Context) error {
	if !s.rec.reloads() || s.half.active != "active" {
		return nil
	}
	v, err := sdbus.Property[[][]any](ctx, s.object(), serviceIface, "ExecReload")
	if err != nil {
		if gone(err) {
			return nil
		}
		return err
	}
	s.half.reload = readReload(dbus.MakeVariant(v))
	return nil
}

// reloads tells that the unit reloaded when it was last seen.
func (r *record) reloads() bool { return r.seen.active == "reloading" || r.seen.active == "refreshing" }

// sameMoment is how far the start of ExecReload= lies from the change of state, in
// microseconds.
const sameMoment = 1_000_000

// load notes when the unit last read its configuration: when its main process started, or
// when it began to reload, unless that failed. A unit may reload without ExecReload=, and
// tell systemd of it.
func (r *record) load(s snapshot) {
	switch {
	case !s.alive():
		return
	case s.reload.start > s.started && !s.reload.failed:
		r.loaded = max(r.loaded, s.reload.start)
	case s.reload.start == 0 && !r.known && s.active == "active": // a reload may have been forgotten
		r.loaded = max(r.loaded, s.changed)
	}
	r.loaded = max(r.loaded, s.started)
	began := r.reloading
	r.reloading = 0
	switch {
	case s.active == "reloading" || s.active == "refreshing":
		if r.reloading = began; began == 0 {
			r.reloading = s.changed
		}
	case began > s.reload.start+sameMoment && s.active == "active":
		r.loaded = max(r.loaded, began)
	}
}

// Uptime is now on the kernel's monotonic clock, which systemd's time stamps have, too.
func Uptime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0 // not known
	}
	return time.Duration(ts.Nano())
}
