//go:build linux

package hostlab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// poweroff is what systemd takes as an order to power off, see systemd(1).
const poweroff = syscall.Signal(34 + 4) // SIGRTMIN+4

// Start boots a host that is off and waits until it is up. Its disk is as Stop or
// Crash left it, its /run is empty.
func (h *Host) Start(t T) {
	t.Helper()
	h.powerOn(t)
	h.awaitBoot(t)
}

// Stop powers the host off in an orderly way and waits for it.
func (h *Host) Stop(t T) {
	t.Helper()
	h.mustRun(t)
	if err := h.boot.Process.Signal(poweroff); err != nil {
		t.Fatalf("hostlab: %s: power off: %v", h.name, err)
	}
	h.tidy(t)
}

// Crash is a power cut: at once silent, nothing is stopped or written any more.
func (h *Host) Crash(t T) {
	t.Helper()
	h.mustRun(t)
	h.kill(t)
}

// scrap makes an end of the host in whatever state it is.
func (h *Host) scrap(t T) {
	t.Helper()
	if h.boot != nil {
		h.kill(t)
	}
	unix.Unmount(h.dir+"/run", unix.MNT_DETACH) // there if the boot went wrong early
}

func (h *Host) kill(t T) {
	t.Helper()
	h.stun()
	setCables(h.name, nil, false)
	if err := h.boot.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("hostlab: %s: crash: %v", h.name, err)
	}
	h.tidy(t)
}

// stun stops every process of the host, so that none notices that its cables go before its
// power does. One that hangs in the kernel is not waited for.
func (h *Host) stun() {
	if os.WriteFile(h.cgroup()+"/cgroup.freeze", []byte("1"), 0) != nil {
		return // it has powered itself off
	}
	for end := time.Now().Add(100 * time.Millisecond); !frozen(h.cgroup()) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// Freeze stalls every process of the host, as a paused virtual machine or a starved
// one; its kernel still answers ARP and ping.
func (h *Host) Freeze(t T) {
	t.Helper()
	h.freeze(t, "1", true)
}

// Thaw lets a frozen host go on.
func (h *Host) Thaw(t T) {
	t.Helper()
	h.freeze(t, "0", false)
}

func (h *Host) freeze(t T, value string, want bool) {
	t.Helper()
	h.mustRun(t)
	if err := os.WriteFile(h.cgroup()+"/cgroup.freeze", []byte(value), 0); err != nil {
		t.Fatalf("hostlab: %s: freeze: %v", h.name, err)
	}
	for end := time.Now().Add(patience); frozen(h.cgroup()) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("hostlab: %s: cgroup.freeze=%s has no effect", h.name, value)
		}
	}
}

// Cut unplugs the host's cables at the switch: those named ("eth0"), or all.
func (h *Host) Cut(t T, nics ...string) {
	t.Helper()
	h.plug(t, nics, false)
}

// Join plugs the cables in again.
func (h *Host) Join(t T, nics ...string) {
	t.Helper()
	h.plug(t, nics, true)
}

func (h *Host) plug(t T, nics []string, up bool) {
	t.Helper()
	h.mustRun(t)
	if err := setCables(h.name, nics, up); err != nil {
		t.Fatalf("hostlab: %s: %v", h.name, err)
	}
}

func (h *Host) running() bool {
	if h.boot == nil {
		return false
	}
	select {
	case <-h.gone:
		return false
	default:
		return true
	}
}

func (h *Host) mustRun(t T) {
	t.Helper()
	if !h.running() {
		t.Fatalf("hostlab: %s is off", h.name)
	}
}

func (h *Host) cgroup() string { return filepath.Join(labCgroup, h.name) }

// powerOn starts PID 1, plugs in its cables and lets it become systemd.
func (h *Host) powerOn(t T) {
	t.Helper()
	if h.running() {
		t.Fatalf("hostlab: %s is on already", h.name)
	}
	if h.boot != nil {
		h.tidy(t) // it powered itself off
	}
	if err := h.spawn(); err != nil {
		t.Fatalf("hostlab: %s does not start: %v\n%s", h.name, err, h.console())
	}
}

func (h *Host) spawn() error {
	for _, dir := range []string{"/disk/up", "/disk/work", "/root", "/run"} {
		if err := os.MkdirAll(h.dir+dir, 0o755); err != nil {
			return err
		}
	}
	if err := mount("run", h.dir+"/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return err
	}
	if err := os.MkdirAll(h.cgroup(), 0o755); err != nil {
		return err
	}
	cgroup, err := os.Open(h.cgroup())
	if err != nil {
		return err
	}
	defer cgroup.Close()
	console, err := os.Create(h.dir + "/console")
	if err != nil {
		return err
	}
	defer console.Close()
	ready, isReady, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	plugged, isPlugged, err := os.Pipe()
	if err != nil {
		isReady.Close()
		return err
	}
	defer isPlugged.Close()
	boot, gone := bootCommand(h, cgroup, console, isReady, plugged), make(chan struct{})
	err = boot.Start()
	isReady.Close()
	plugged.Close()
	if err != nil {
		return err
	}
	go func() { boot.Wait(); close(gone) }()
	h.boot, h.gone = boot, gone
	io.Copy(io.Discard, ready)
	return plugIn(h.name, h.number, boot.Process.Pid)
}

// awaitBoot waits until systemd has started everything it was to start.
func (h *Host) awaitBoot(t T) {
	t.Helper()
	state := "no systemd"
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if !h.running() {
			t.Fatalf("hostlab: %s died at boot: %s", h.name, h.console())
		}
		if _, err := os.Stat(h.dir + "/run/systemd/private"); err != nil {
			continue
		}
		state, _ = h.Try("systemctl", "is-system-running", "--wait")
		switch state {
		case "running":
			return
		case "degraded":
			failed, _ := h.Try("systemctl", "--failed", "--no-legend", "--plain")
			t.Logf("hostlab: %s is up, degraded: %s", h.name, failed)
			return
		}
	}
	t.Fatalf("hostlab: %s is not up after %v (%s): %s", h.name, patience, state, h.console())
}

// tidy waits for the end of a host and removes what a machine without power loses.
func (h *Host) tidy(t T) {
	t.Helper()
	select {
	case <-h.gone:
	case <-time.After(patience):
		t.Fatalf("hostlab: %s does not end within %v", h.name, patience)
	}
	h.boot = nil
	unplug(h.name)
	if err := unix.Unmount(h.dir+"/run", unix.MNT_DETACH); err != nil {
		t.Errorf("hostlab: unmount /run of %s: %v", h.name, err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		removeCgroup(h.cgroup())
		if _, err := os.Stat(h.cgroup()); err != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("hostlab: cgroup of %s stays", h.name)
		}
	}
}

func (h *Host) console() string {
	text, err := os.ReadFile(h.dir + "/console")
	if err != nil {
		return fmt.Sprint(err)
	}
	return strings.TrimSpace(string(text))
}
