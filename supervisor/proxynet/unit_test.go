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
	"go.uber.org/goleak"

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

// mainPID is the main process as the host counts, which systemd is asked for.
func mainPID(t *testing.T, h *hostlab.Host, unit string) int {
	t.Helper()
	pid, err := strconv.Atoi(h.Run(t, "systemctl", "show", "-P", "MainPID", unit))
	if err != nil || pid == 0 {
		t.Fatalf("MainPID of %s: %d, %v", unit, pid, err)
	}
	return pid
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

// Everybody on the bus may send a signal to one connection, past its match rules.
func TestForgedSignalIsIgnored(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	w.gather()
	w.mu.Lock()
	victim := w.conn.Names()[0]
	w.mu.Unlock()
	forger, err := dbus.Connect(h.BusAddress())
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	msg := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(victim),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/systemd1/unit/nginx_2eservice")),
		dbus.FieldInterface:   dbus.MakeVariant(properties),
		dbus.FieldMember:      dbus.MakeVariant("PropertiesChanged"),
	}}
	msg.Body = []any{unitIface, map[string]dbus.Variant{"ActiveState": dbus.MakeVariant("failed")}, []string{}}
	msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(msg.Body...))
	if c := forger.Send(msg, nil); c != nil && c.Err != nil {
		t.Fatal(c.Err)
	}
	// The bus keeps the order: what it answers the forger comes after the forgery.
	if err := forger.BusObject().Call(busName+".GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
	h.Run(t, "systemctl", "restart", "nginx")
	all := w.until("the restart", func(s supervisor.UnitState) bool { return s.Job == "restart" || s.Active == "failed" })
	if anyState(all, func(s supervisor.UnitState) bool { return s.Active == "failed" }) {
		t.Errorf("a forged signal was believed:\n%s", lines(all))
	}
}

func TestWatchLeavesNothingRunning(t *testing.T) {
	h := host(t)
	before := goleak.IgnoreCurrent()
	w := watchUnit(t, h, "nginx.service")
	w.until("a state", func(supervisor.UnitState) bool { return true })
	w.stop()
	goleak.VerifyNone(t, before)
}

func TestKillIsToldWithinMilliseconds(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	best := time.Hour
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
