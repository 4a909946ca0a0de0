package proxynet

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// What follows tells an order of ours from an operator's.

// given notes the job that an order of ours was given.
func (u *Unit) given(path dbus.ObjectPath) {
	_, name, _ := strings.Cut(string(path), "/job/")
	if id, err := strconv.ParseUint(name, 10, 32); err == nil {
		u.mu.Lock()
		u.lastJob = uint32(id)
		u.mu.Unlock()
	}
}

// ordered tells whether a job is of an order of ours. One of unknown kind may be our stop.
func (u *Unit) ordered(id uint32, kind string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if id == u.lastJob {
		return true
	}
	for _, verb := range u.waiting {
		switch {
		case verb == "restart" && starts(kind), verb == "reload" && kind == verb,
			verb == "stop" && (kind == verb || kind == ""):
			return true
		}
	}
	return false
}

// memorize keeps in mind that we ask the unit's present run to stop.
func (u *Unit) memorize() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = u.run
	if u.Memory == "" {
		return
	}
	text := u.name + " " + strconv.FormatUint(u.run, 10) + "\n"
	if err := os.WriteFile(u.Memory, []byte(text), 0o600); err != nil {
		u.log.Warn("after a restart of pairkeeper its own stop of the proxy will look like an operator's", logbook.As(logbook.StopUnrecorded), slog.Any("error", err))
	}
}

// remember reads what an earlier process memorized. The file does not outlive a boot, and
// so names a run of this one.
func (u *Unit) remember() {
	text, err := os.ReadFile(u.Memory)
	if u.Memory == "" || err != nil {
		return
	}
	name, run, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if n, err := strconv.ParseUint(run, 10, 64); err == nil && name == u.name {
		u.mu.Lock()
		u.stopped = n
		u.mu.Unlock()
	}
}

// asked is the run that we last asked to stop.
func (u *Unit) asked() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stopped
}

// await waits a little for a connection that was lost just now: an order during a restart
// of the bus is none that failed.
func (u *Unit) await(ctx context.Context) {
	for end := time.Now().Add(lostAfter); ctx.Err() == nil && time.Now().Before(end); time.Sleep(firstRetry) {
		u.mu.Lock()
		connected := u.conn != nil
		u.mu.Unlock()
		if connected {
			return
		}
	}
}
