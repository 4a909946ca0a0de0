//go:build linux

package hostlab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience bounds what a host may take for a command or a boot on a busy machine.
const patience = 90 * time.Second

// Host is one machine of the lab.
type Host struct {
	name   string
	number int
	dir    string // its disk, /run and cgroup's name, in the lab's own /run

	boot *exec.Cmd     // PID 1 while it runs
	gone chan struct{} // closed when PID 1 and everything below it has ended
}

// Name is the host's name, which its site answers.
func (h *Host) Name() string { return h.name }

// Addr is the host's address on eth0.
func (h *Host) Addr() string { return addrOf(0, h.number) }

// HeartbeatAddr is the host's address on eth1.
func (h *Host) HeartbeatAddr() string { return addrOf(1, h.number) }

// PID is the host's systemd, seen from the lab; 0 while the host is off.
func (h *Host) PID() int {
	if !h.running() {
		return 0
	}
	return h.boot.Process.Pid
}

// BusAddress is the host's system bus, for a D-Bus client in the lab. It changes hands
// at every boot: dial again after Start.
func (h *Host) BusAddress() string { return "unix:path=" + h.dir + "/run/dbus/system_bus_socket" }

// Command is a command inside the host: in its namespaces, as root, with the
// capabilities of a host. It is not in the host's cgroup: Freeze does not stop it.
func (h *Host) Command(ctx context.Context, args ...string) *exec.Cmd {
	enter := []string{
		"--target", strconv.Itoa(h.PID()), "--all", "--",
		"setpriv", "--pdeathsig", "KILL", "--bounding-set", boundingSet(),
		"env", "-i", "HOME=/root", "TERM=dumb", "LANG=C.UTF-8", binPath,
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.WaitDelay = time.Second
	return cmd
}

// Run runs a command inside the host and returns what it printed, without the last
// line end; the test fails if the command does.
func (h *Host) Run(t T, args ...string) string {
	t.Helper()
	out, err := h.Try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Try is Run that returns the error, which contains all that was printed.
func (h *Host) Try(args ...string) (string, error) { return h.pipe(nil, args...) }

func (h *Host) pipe(stdin io.Reader, args ...string) (string, error) {
	if !h.running() {
		return "", fmt.Errorf("%s: %s: the host is off", h.name, strings.Join(args, " "))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := h.Command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	out := strings.TrimRight(stdout.String(), "\n")
	if err != nil {
		err = fmt.Errorf("%s: %s: %w\n%s%s", h.name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return out, err
}

// Write puts a file on the host's disk, its folder too.
func (h *Host) Write(t T, path, content string, mode os.FileMode) {
	t.Helper()
	h.put(t, strings.NewReader(content), path, mode)
}

// Install copies a program of the machine to the host's disk.
func (h *Host) Install(t T, localBinary, path string) {
	t.Helper()
	f, err := os.Open(localBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h.put(t, f, path, 0o755)
}

// put goes through the host, as an overlay must not be written behind its back.
func (h *Host) put(t T, content io.Reader, path string, mode os.FileMode) {
	t.Helper()
	if _, err := h.pipe(content, "install", "-D", "-m", fmt.Sprintf("%o", mode.Perm()), "/dev/stdin", path); err != nil {
		t.Fatal(err)
	}
}

// Journal is what journalctl prints in the host; that of a host that is off is read
// from its disk.
func (h *Host) Journal(t T, args ...string) string {
	t.Helper()
	out, err := h.journal(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *Host) journal(args ...string) (string, error) {
	if h.running() && !frozen(h.cgroup()) {
		if out, err := h.Try("journalctl", "--sync"); err != nil {
			return out, err
		}
		return h.Try(append([]string{"journalctl", "--no-pager"}, args...)...)
	}
	dir := filepath.Join(h.dir, "disk/up/var/log/journal")
	out, err := exec.Command("journalctl", append([]string{"--no-pager", "-D", dir}, args...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s (off): journalctl %s: %w\n%s", h.name, strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// lastWords is what helps to see why a test failed.
func (h *Host) lastWords() string {
	out, err := h.journal("-n", "60", "-o", "short-precise")
	if err != nil {
		console, _ := os.ReadFile(h.dir + "/console")
		return fmt.Sprintf("%v\nconsole: %s", err, console)
	}
	return out
}
