//go:build linux

package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// Pairkeeper is a running pairkeeper in a host of a netlab.
type Pairkeeper struct {
	process
	socket string
}

// StartPairkeeper runs pairkeeper as a node in the host with this configuration until
// the test ends.
func StartPairkeeper(t testing.TB, host *netlab.Host, node, conf string) *Pairkeeper {
	t.Helper()
	dir := shortDir(t)
	file := filepath.Join(dir, "pairkeeper.yaml")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Pairkeeper{process: process{what: "pairkeeper " + node, host: host}, socket: filepath.Join(dir, "control.sock")}
	cmd := exec.Command(testbin.Path(), "run", "-c", file, "--node", node, "--socket", p.socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	p.start(t, cmd)
	return p
}

// shortDir is a folder for the test alone; the path of a Unix socket has 107 bytes.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Hang stops it with SIGSTOP; Resume lets it go on.
func (p *Pairkeeper) Hang(t testing.TB)   { p.signal(t, unix.SIGSTOP) }
func (p *Pairkeeper) Resume(t testing.TB) { p.signal(t, unix.SIGCONT) }

// Status asks it over its control socket.
func (p *Pairkeeper) Status() (daemon.Status, error) {
	var s daemon.Status
	text, err := p.ask("--json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// Screen is what status shows to people.
func (p *Pairkeeper) Screen(t testing.TB) string {
	t.Helper()
	text, err := p.ask()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *Pairkeeper) ask(flags ...string) (string, error) {
	args := append([]string{"status", "--socket", p.socket}, flags...)
	out, err := exec.Command(testbin.Path(), args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("status: %w: %s", err, out)
	}
	return string(out), nil
}

// Await waits until the status of its first router is as wished.
func (p *Pairkeeper) Await(t testing.TB, what string, limit time.Duration, ok func(daemon.RouterStatus) bool) daemon.RouterStatus {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		s, err := p.Status()
		if err == nil && ok(s.Routers[0]) {
			return s.Routers[0]
		}
		if time.Now().After(end) {
			t.Fatalf("pairkeeper on %s: not within %v: %s; status %+v, %v", p.host.Name, limit, what, s.Routers, err)
		}
	}
}

// States are the states of its routers, ACTIVE, BACKUP, FAULT or INIT, in the order of
// the configuration; none as long as it does not answer.
func (p *Pairkeeper) States() []string {
	s, _ := p.Status()
	var states []string
	for _, r := range s.Routers {
		states = append(states, r.State)
	}
	return states
}
