//go:build linux

package proxynet

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// late asks for the type of a job only when it is gone.
func late(u *Unit) {
	ask := u.jobKind
	u.jobKind = func(ctx context.Context, job dbus.BusObject) (string, error) {
		for {
			if kind, err := ask(ctx, job); err != nil {
				return kind, err
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// count counts the jobs that were gone before they could be asked.
func count(n *atomic.Int64) func(*Unit) {
	return func(u *Unit) {
		ask := u.jobKind
		u.jobKind = func(ctx context.Context, job dbus.BusObject) (string, error) {
			kind, err := ask(ctx, job)
			if err != nil {
				n.Add(1)
			}
			return kind, err
		}
	}
}

func TestSystemctlStopIsAsked(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/sleeper.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1000\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	for _, tt := range []struct {
		name, unit string
		asks       func(*Unit)
		seen       bool // the stop can be told while it is under way
	}{
		{"nginx", "nginx.service", func(*Unit) {}, true},
		{"haproxy", "haproxy.service", func(*Unit) {}, true},
		{"a unit that stops at once", "sleeper.service", func(*Unit) {}, false},
		{"nginx and a late watcher", "nginx.service", late, false},
		{"haproxy and a late watcher", "haproxy.service", late, false},
		{"a unit that stops at once and a late watcher", "sleeper.service", late, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.Run(t, "systemctl", "start", tt.unit)
			var gone atomic.Int64
			w := watchUnit(t, h, tt.unit, tt.asks, count(&gone))
			w.untilActive()
			underWay := false
			for i := range rounds {
				h.Run(t, "systemctl", "stop", tt.unit)
				all := w.untilDown()
				// Not one state may look like a failure: the ladder would act on it.
				if !w.last.StopAsked || anyState(all, func(s supervisor.UnitState) bool { return down(s) && !s.StopAsked }) {
					t.Fatalf("round %d: a stop looks like a failure:\n%s", i, lines(all))
				}
				underWay = underWay || anyState(all, func(s supervisor.UnitState) bool {
					return s.Job == "stop" && s.Active == "deactivating" && s.StopAsked
				})
				h.Run(t, "systemctl", "start", tt.unit)
				w.untilActive()
				if w.last.StopAsked {
					t.Fatalf("round %d: a started unit is still said to be stopped", i)
				}
			}
			h.Run(t, "systemctl", "stop", tt.unit)
			if tt.seen && !underWay {
				t.Error("no stop was told while it was under way")
			}
			t.Logf("%d jobs were gone before they could be asked", gone.Load())
		})
	}
}

func TestDeathOfTheMainProcessIsNoStop(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/haproxy.service.d/once.conf", "[Service]\nRestart=no\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	for unit, signals := range map[string][]string{
		"nginx.service":   {"TERM", "QUIT", "KILL"},
		"haproxy.service": {"TERM", "INT", "KILL"}, // QUIT only makes it talk
	} {
		h.Run(t, "systemctl", "start", unit)
		w := watchUnit(t, h, unit)
		w.untilActive()
		for _, sig := range signals {
			t.Run(unit+" "+sig, func(t *testing.T) {
				w.t = t
				for i := range rounds {
					// nginx forgets a signal that comes while it starts: again until it is gone.
					h.Run(t, "sh", "-c", "while kill -$1 $2; do sleep 0.02; done 2>/dev/null", "-", sig, strconv.Itoa(mainPID(t, h, unit)))
					all := w.untilDown()
					all = append(all, w.gather()...)
					if anyState(all, stopAsked) {
						t.Fatalf("round %d: a death looks like a stop:\n%s", i, lines(all))
					}
					if sig == "KILL" && (w.last.Result != "signal" || w.last.Exit != "SIGKILL" || w.last.Active != "failed") {
						t.Fatalf("round %d: %#v", i, w.last)
					}
					h.Run(t, "systemctl", "start", unit)
					w.untilActive()
				}
			})
		}
		w.t = t
		h.Run(t, "systemctl", "stop", unit)
		w.untilDown()
		w.stop()
	}
}

func TestOperatorsRestartIsNoStop(t *testing.T) {
	h := host(t)
	for _, unit := range []string{"nginx.service", "haproxy.service"} {
		t.Run(unit, func(t *testing.T) {
			h.Run(t, "systemctl", "start", unit)
			w := watchUnit(t, h, unit)
			w.untilActive()
			pid, underWay := w.last.MainPID, false
			for i := range rounds {
				h.Run(t, "systemctl", "restart", unit)
				all := w.until("active again", func(s supervisor.UnitState) bool {
					return s.Active == "active" && s.Job == "" && s.MainPID != pid && s.MainPID != 0
				})
				pid = w.last.MainPID
				if anyState(all, stopAsked) {
					t.Fatalf("round %d:\n%s", i, lines(all))
				}
				underWay = underWay || anyState(all, func(s supervisor.UnitState) bool { return s.Job == "restart" && s.Active != "active" })
			}
			h.Run(t, "systemctl", "stop", unit)
			if !underWay {
				t.Error("no restart was told while it was under way")
			}
		})
	}
}

func TestSystemdsOwnRestartIsNoStop(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "haproxy")
	w := watchUnit(t, h, "haproxy.service")
	w.untilActive()
	pid := w.last.MainPID
	h.Run(t, "kill", "-KILL", strconv.Itoa(mainPID(t, h, "haproxy")))
	all := w.until("active again", func(s supervisor.UnitState) bool {
		return s.Active == "active" && s.MainPID != pid && s.MainPID != 0
	})
	if anyState(all, stopAsked) || !anyState(all, func(s supervisor.UnitState) bool { return s.Sub == "auto-restart" && s.Exit == "SIGKILL" }) {
		t.Fatalf("told were:\n%s", lines(all))
	}
}

// A conflicting unit stops the proxy by a stop job, too.
func TestConflictingUnitIsAStop(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/rival.service", "[Unit]\nConflicts=nginx.service\n[Service]\nExecStart=/bin/sleep 1000\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	h.Run(t, "systemctl", "start", "rival")
	if all := w.untilDown(); !w.last.StopAsked {
		t.Fatalf("told were:\n%s", lines(all))
	}
}

func TestFirstLookTellsHowTheUnitEnded(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/sleeper.service", "[Service]\nExecStart=/bin/sleep 1000\n", 0o644)
	// Something must refer to a unit, or systemd forgets it with its end: an enabled unit
	// has its target, any other one the sidecar's After=.
	h.Write(t, "/etc/systemd/system/sidecar.service", "[Unit]\nAfter=sleeper.service\n[Service]\nExecStart=/bin/sleep 1000\n", 0o644)
	h.Run(t, "systemctl", "start", "sidecar")
	first := func() supervisor.UnitState {
		w := watchUnit(t, h, "sleeper.service")
		w.until("a state", func(supervisor.UnitState) bool { return true })
		w.stop()
		return w.last
	}
	if s := first(); s.Active != "inactive" || s.StopAsked {
		t.Errorf("never started: %#v", s)
	}
	h.Run(t, "systemctl", "start", "sleeper")
	if s := first(); s.Active != "active" || s.StopAsked || s.MainPID == 0 {
		t.Errorf("running: %#v", s)
	}
	h.Run(t, "systemctl", "stop", "sleeper")
	if s := first(); s.Active != "inactive" || !s.StopAsked {
		t.Errorf("stopped: %#v", s)
	}
	h.Run(t, "systemctl", "start", "sleeper")
	h.Run(t, "systemctl", "kill", "-s", "KILL", "sleeper")
	watchUnit(t, h, "sleeper.service").until("failed", func(s supervisor.UnitState) bool { return s.Active == "failed" && !s.StopAsked })
	h.Run(t, "systemctl", "mask", "nginx")
	watchUnit(t, h, "nginx.service").until("masked", func(s supervisor.UnitState) bool { return s.Load == "masked" })
}

// While it is watched a unit keeps its history, enabled or not.
func TestWatchedUnitIsNotForgotten(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	h.Run(t, "systemctl", "stop", "nginx")
	w.untilDown()
	h.Run(t, "systemctl", "daemon-reload")
	w.gather()
	if got := h.Run(t, "systemctl", "show", "-P", "InactiveEnterTimestampMonotonic", "nginx"); got == "0" {
		t.Error("systemd forgot the unit")
	}
	if !w.last.StopAsked {
		t.Errorf("%#v", w.last)
	}
}
