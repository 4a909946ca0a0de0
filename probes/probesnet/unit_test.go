package probesnet

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/sdbus"
	"github.com/pairkeeper/pairkeeper/probes"
)

// startBus runs a bus of its own as the system's, at a path that it can come back to.
func startBus(t *testing.T, socket string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:path="+socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+socket)
	return cmd
}

// standIn answers in systemd's place.
type standIn struct{ active atomic.Value }

func (s *standIn) ListUnitsByNames(names []string) ([]unitState, *dbus.Error) {
	load := "loaded"
	if names[0] == "none.service" {
		load = "not-found"
	}
	return []unitState{{Name: names[0], Load: load, Active: s.active.Load().(string), Sub: "sub", Path: "/", JobPath: "/"}}, nil
}

func (s *standIn) serve(t *testing.T, socket string) {
	t.Helper()
	conn, err := dbus.Connect("unix:path=" + socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.Export(s, sdbus.ManagerPath, sdbus.Manager); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(sdbus.Systemd, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

func TestAUnitIsGoodWhileItIsActive(t *testing.T) {
	netlab.Need(t, "dbus-daemon")
	socket := filepath.Join(t.TempDir(), "bus")
	startBus(t, socket)
	s := &standIn{}
	s.serve(t, socket)
	for active, ok := range map[string]bool{
		"active": true, "reloading": true, "refreshing": true,
		"inactive": false, "failed": false, "activating": false, "deactivating": false, "maintenance": false,
	} {
		s.active.Store(active)
		r := lookOnce(t, probes.Unit{Name: "db.service"}, long)
		if want := "db.service: " + active + " (sub)"; r.OK != ok || r.Detail != want {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	if r := lookOnce(t, probes.Unit{Name: "none.service"}, long); r.OK || r.Detail != "none.service: not-found" {
		t.Errorf("%+v", r)
	}
}

func TestProbesOfUnitsShareAConnectionThatComesBack(t *testing.T) {
	netlab.Need(t, "dbus-daemon")
	socket := filepath.Join(t.TempDir(), "bus")
	bus := startBus(t, socket)
	s := &standIn{}
	s.active.Store("active")
	s.serve(t, socket)
	k := newKit()
	defer k.close()
	a, b := newUnitProbe(probes.Unit{Name: "a.service"}, long, k.units), newUnitProbe(probes.Unit{Name: "b.service"}, long, k.units)
	if r := a.look(t.Context()); !r.OK {
		t.Fatalf("%+v", r)
	}
	first := k.units.conn
	if r := b.look(t.Context()); !r.OK || k.units.conn != first {
		t.Fatalf("%+v", r)
	}
	bus.Process.Kill()
	bus.Wait()
	if r := a.look(t.Context()); r.OK || !strings.HasPrefix(r.Detail, "a.service: systemd cannot be asked over D-Bus: ") {
		t.Fatalf("%+v", r)
	}
	startBus(t, socket)
	s.serve(t, socket)
	for end := time.Now().Add(long); ; {
		r := a.look(t.Context())
		if r.OK {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", r)
		}
	}
}

func TestASilentBusIsGivenUp(t *testing.T) {
	netlab.Need(t, "dbus-daemon")
	socket := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", socket) // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+socket)
	silent := func(what string) {
		t.Helper()
		told := make(chan Result, 10)
		var cfg []probes.Config
		for i := range 3 {
			cfg = append(cfg, probes.Config{Check: probes.Unit{Name: fmt.Sprintf("%d.service", i)}, Interval: time.Hour, Timeout: 500 * time.Millisecond})
		}
		r := Run(t.Context(), cfg, func(_ int, r Result) { told <- r })
		defer r.Close()
		for range cfg {
			if r := <-told; r.OK || !strings.HasSuffix(r.Detail, ".service: systemd does not answer within 500ms") {
				t.Errorf("%s: %+v", what, r)
			}
		}
	}
	silent("authentication")
	other := filepath.Join(t.TempDir(), "other")
	bus := startBus(t, other)
	s := &standIn{}
	s.active.Store("active")
	s.serve(t, other)
	if r := lookOnce(t, probes.Unit{Name: "a.service"}, long); !r.OK {
		t.Fatalf("%+v", r)
	}
	if err := bus.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	silent("stopped")
}
