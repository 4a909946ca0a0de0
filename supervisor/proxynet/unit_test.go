//go:build linux

package proxynet

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const soon = 60 * time.Second

// rounds is how often each way to end a proxy is tried.
const rounds = 30

// host boots a host on which both proxies are down, and may be started as often as it
// takes.
func host(t *testing.T) *hostlab.Host {
	h := hostlab.New(t, "h1").Host("h1")
	h.Run(t, "systemctl", "disable", "--now", "nginx", "haproxy")
	for _, unit := range []string{"nginx", "haproxy"} {
		h.Run(t, "mkdir", "-p", "/etc/systemd/system/"+unit+".service.d")
		h.Write(t, "/etc/systemd/system/"+unit+".service.d/lab.conf", "[Unit]\nStartLimitIntervalSec=0\n", 0o644)
	}
	h.Write(t, "/etc/haproxy/haproxy.cfg", "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n"+
		"  timeout server 1s\nfrontend web\n  bind 127.0.0.1:8080\n  http-request return status 200\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	return h
}

// watched is a Unit under Watch.
type watched struct {
	*Unit
	t      *testing.T
	states chan told
	last   supervisor.UnitState
	stop   func()
}

type told struct {
	supervisor.UnitState
	at time.Time
}

func watchUnit(t *testing.T, h *hostlab.Host, name string, change ...func(*Unit)) *watched {
	t.Helper()
	w := &watched{Unit: NewUnit(name, slog.New(slog.DiscardHandler)), t: t, states: make(chan told, 10000)}
	w.Address = h.BusAddress()
	for _, c := range change {
		c(w.Unit)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Watch(ctx, func(s supervisor.UnitState) { w.states <- told{s, time.Now()} })
	}()
	w.stop = func() { cancel(); <-ended }
	t.Cleanup(w.stop)
	return w
}

// until reads states up to the first one that suits, and returns all that it read.
func (w *watched) until(what string, suits func(supervisor.UnitState) bool) []told {
	w.t.Helper()
	var all []told
	limit := time.After(soon)
	for {
		select {
		case s := <-w.states:
			all = append(all, s)
			w.last = s.UnitState
			if suits(s.UnitState) {
				return all
			}
		case <-limit:
			w.t.Fatalf("not told: %s; told were:\n%s", what, lines(all))
		}
	}
}

func (w *watched) untilActive() []told {
	w.t.Helper()
	return w.until("active and idle", func(s supervisor.UnitState) bool { return s.Active == "active" && s.Job == "" && s.MainPID != 0 })
}

func (w *watched) untilDown() []told {
	w.t.Helper()
	return w.until("down", down)
}

// down is at rest, and not only on the way through a restart.
func down(s supervisor.UnitState) bool {
	return (s.Active == "inactive" || s.Active == "failed") && !starts(s.Job)
}

func lines(all []told) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "  %s sub=%s pid=%d\n", s.UnitState, s.Sub, s.MainPID)
	}
	return b.String()
}

func anyState(all []told, suits func(supervisor.UnitState) bool) bool {
	for _, s := range all {
		if suits(s.UnitState) {
			return true
		}
	}
	return false
}

func stopAsked(s supervisor.UnitState) bool { return s.StopAsked }

// gather is the end of the states: nothing more comes within a moment.
func (w *watched) gather() []told {
	var all []told
	for {
		select {
		case s := <-w.states:
			all = append(all, s)
			w.last = s.UnitState
		case <-time.After(50 * time.Millisecond):
			return all
		}
	}
}

// blind makes every job vanish before its type can be asked.
func blind(u *Unit) {
	u.jobKind = func(context.Context, dbus.BusObject) (string, error) {
		return "", dbus.Error{Name: "org.freedesktop.DBus.Error.UnknownObject"}
	}
}

// mainPID is the main process as the host counts, which systemd is asked for.
func mainPID(t *testing.T, h *hostlab.Host, unit string) int {
	t.Helper()
	pid, err := strconv.Atoi(h.Run(t, "systemctl", "show", "-P", "MainPID", unit))
	if err != nil || pid == 0 {
		t.Fatalf("MainPID of %s: %d, %v", unit, pid, err)
	}
	return pid
}

func TestSystemctlStopIsAsked(t *testing.T) {
	h := host(t)
	for _, tt := range []struct {
		name, unit string
		change     []func(*Unit)
	}{
		{"nginx", "nginx.service", nil},
		{"haproxy", "haproxy.service", nil},
		{"nginx with job types that nobody could ask for", "nginx.service", []func(*Unit){blind}},
		{"haproxy with job types that nobody could ask for", "haproxy.service", []func(*Unit){blind}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.Run(t, "systemctl", "start", tt.unit)
			w := watchUnit(t, h, tt.unit, tt.change...)
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
			if tt.change == nil && !underWay {
				t.Error("no stop was told while it was under way")
			}
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
					h.Run(t, "sh", "-c", "while kill -$1 $2; do sleep 0.2; done 2>/dev/null", "-", sig, strconv.Itoa(mainPID(t, h, unit)))
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

func TestRestartRestarts(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx", "haproxy")
	for _, unit := range []string{"nginx.service", "haproxy.service"} {
		w := watchUnit(t, h, unit)
		w.untilActive()
		pid := w.last.MainPID
		detail, err := w.Restart(t.Context())
		if err != nil || !strings.HasPrefix(detail, "restarted in ") {
			t.Fatalf("%q, %v", detail, err)
		}
		t.Log(unit, detail)
		all := w.until("a new process", func(s supervisor.UnitState) bool { return s.Active == "active" && s.MainPID != pid && s.MainPID != 0 })
		all = append(all, w.gather()...)
		if anyState(all, func(s supervisor.UnitState) bool { return s.StopAsked || s.Job != "" }) {
			t.Fatalf("our own restart was taken for somebody else's:\n%s", lines(all))
		}
	}
}

func TestRestartStartsADeadUnit(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	if err := w.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := w.untilDown()
	if w.last.StopAsked || w.last.Result != "signal" {
		t.Fatalf("told were:\n%s", lines(all))
	}
	if _, err := w.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untilActive()
}

func TestRestartSaysWhatWentWrong(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	h.Write(t, "/etc/nginx/nginx.conf", "nonsense;\n", 0o644)
	_, err := w.Restart(t.Context())
	if err == nil || !strings.Contains(err.Error(), "restart nginx.service: exit-code") {
		t.Fatal(err)
	}
	w.until("failed", func(s supervisor.UnitState) bool { return s.Active == "failed" && !s.StopAsked })

	missing := watchUnit(t, h, "nothing.service")
	missing.until("not-found", func(s supervisor.UnitState) bool { return s.Load == "not-found" && s.NeverRan && !s.StopAsked })
	if _, err := missing.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
}

func TestRestartDoesNotFightAPendingStop(t *testing.T) {
	h := host(t)
	// A stop that lasts until the file is there.
	h.Write(t, "/etc/systemd/system/slow.service",
		"[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sh -c 'until test -e /run/go; do sleep 0.05; done'\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "start", "slow")
	w := watchUnit(t, h, "slow.service")
	w.untilActive()
	h.Run(t, "systemctl", "stop", "--no-block", "slow")
	w.until("a pending stop", func(s supervisor.UnitState) bool { return s.Job == "stop" && s.StopAsked && s.Active == "deactivating" })
	if _, err := w.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), "another order that is still pending") {
		t.Fatal(err)
	}
	h.Run(t, "touch", "/run/go")
	if w.untilDown(); !w.last.StopAsked || w.last.Active != "inactive" {
		t.Fatalf("%#v", w.last)
	}
}

func TestStopDuringOurRestartIsAsked(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/slow.service",
		"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'until test -e /run/go; do sleep 0.05; done'\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	w := watchUnit(t, h, "slow.service")
	w.until("never ran", func(s supervisor.UnitState) bool { return s.Active == "inactive" && s.NeverRan && !s.StopAsked })
	res := make(chan error, 1)
	go func() { _, err := w.Restart(t.Context()); res <- err }()
	w.until("activating", func(s supervisor.UnitState) bool { return s.Active == "activating" && s.Job == "" })
	h.Run(t, "systemctl", "stop", "slow")
	if err := <-res; err == nil || !strings.Contains(err.Error(), "canceled: somebody gave the unit another order") {
		t.Fatal(err)
	}
	if w.untilDown(); !w.last.StopAsked {
		t.Fatalf("%#v", w.last)
	}
}

func TestStartLimitIsToldAndCleared(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/nginx.service.d/lab.conf", "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=3\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	w := watchUnit(t, h, "nginx.service")
	w.untilDown()
	var err error
	for range 4 {
		if _, err = w.Restart(t.Context()); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "start-limit-hit") {
		t.Fatal(err)
	}
	w.until("start-limit-hit", func(s supervisor.UnitState) bool { return s.Result == "start-limit-hit" && !s.StopAsked })
	if err := w.ResetFailed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untilActive()
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
	if s := first(); s.Active != "inactive" || !s.NeverRan || s.StopAsked {
		t.Errorf("never started: %#v", s)
	}
	h.Run(t, "systemctl", "start", "sleeper")
	if s := first(); s.Active != "active" || s.NeverRan || s.StopAsked || s.MainPID == 0 {
		t.Errorf("running: %#v", s)
	}
	h.Run(t, "systemctl", "stop", "sleeper")
	if s := first(); s.Active != "inactive" || s.NeverRan || !s.StopAsked {
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
	if w.last.NeverRan || !w.last.StopAsked {
		t.Errorf("%#v", w.last)
	}
}

func TestWatchSurvivesWhatHappensToSystemdAndTheBus(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	for _, what := range [][]string{
		{"systemctl", "daemon-reload"},
		{"systemctl", "daemon-reexec"},
		{"systemctl", "restart", "dbus.service"},
		{"systemctl", "reload", "dbus.service"},
	} {
		t.Run(strings.Join(what, " "), func(t *testing.T) {
			w.t = t
			h.Run(t, what...)
			h.Run(t, "kill", "-KILL", strconv.Itoa(mainPID(t, h, "nginx")))
			all := w.until("failed", func(s supervisor.UnitState) bool { return s.Active == "failed" })
			if anyState(all, func(s supervisor.UnitState) bool { return s.StopAsked || s.Lost != "" }) {
				t.Fatalf("told were:\n%s", lines(all))
			}
			if _, err := restartWhenConnected(t, w); err != nil {
				t.Fatal(err)
			}
			w.untilActive()
			h.Run(t, "systemctl", "stop", "nginx")
			if all := w.untilDown(); !w.last.StopAsked {
				t.Fatalf("told were:\n%s", lines(all))
			}
			h.Run(t, "systemctl", "start", "nginx")
			w.untilActive()
		})
	}
}

// restartWhenConnected restarts as the ladder would: again where there was no bus.
func restartWhenConnected(t *testing.T, w *watched) (string, error) {
	for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		detail, err := w.Restart(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no connection") || time.Now().After(end) {
			return detail, err
		}
	}
}

func TestLostBusIsToldAndFoundAgain(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	h.Run(t, "systemctl", "stop", "dbus.socket", "dbus.service")
	all := w.until("lost", func(s supervisor.UnitState) bool { return s.Lost != "" })
	if want := "no connection to systemd over D-Bus: "; !strings.HasPrefix(w.last.Lost, want) {
		t.Errorf("%q", w.last.Lost)
	}
	if len(all) != 1 {
		t.Errorf("told were:\n%s", lines(all))
	}
	h.Run(t, "systemctl", "start", "dbus.socket")
	w.untilActive()
}

// A stop that nobody saw because the bus was away is taken for an operator's; a death is not.
func TestStopWithoutABusIsGuessedByTheResult(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	for _, tt := range []struct {
		cmd   []string
		asked bool
	}{
		{[]string{"systemctl", "stop", "nginx"}, true},
		{[]string{"systemctl", "kill", "-s", "KILL", "nginx"}, false},
	} {
		h.Run(t, "systemctl", "restart", "nginx")
		w.untilActive()
		h.Run(t, "systemctl", "stop", "dbus.socket", "dbus.service")
		h.Run(t, tt.cmd...)
		h.Run(t, "systemctl", "start", "dbus.socket")
		if w.untilDown(); w.last.StopAsked != tt.asked {
			t.Errorf("%q: %#v", tt.cmd, w.last)
		}
	}
}

func TestKillIsToldWithinMilliseconds(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	var best time.Duration = time.Hour
	for range 20 {
		start := time.Now()
		if err := w.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := w.until("a dead main process", func(s supervisor.UnitState) bool { return s.Exit == "SIGKILL" && s.MainPID == 0 })
		best = min(best, all[len(all)-1].at.Sub(start))
		w.untilDownIfNot()
		h.Run(t, "systemctl", "start", "nginx")
		w.untilActive()
	}
	t.Log("best of 20: ", best)
	if best > 100*time.Millisecond { // polling would take longer
		t.Error("best of 20: ", best)
	}
}

func (w *watched) untilDownIfNot() {
	if !down(w.last) {
		w.untilDown()
	}
}
