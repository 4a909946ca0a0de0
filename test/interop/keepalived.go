//go:build linux

// Package interop tests pairkeeper beside Debian's keepalived on one network.
package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// Keepalived is a running keepalived in a host of a netlab.
type Keepalived struct {
	host  *netlab.Host
	cmd   *exec.Cmd
	log   output
	ended chan struct{}

	instances []string // by name
}

var instanceLine = regexp.MustCompile(`(?m)^vrrp_instance (\S+)`)

// StartKeepalived runs keepalived in the host with this configuration until the test
// ends. It is PID 1 of a process namespace, so its children cannot outlive it, and it
// writes only to the test's own folder.
func StartKeepalived(t testing.TB, host *netlab.Host, conf string) *Keepalived {
	t.Helper()
	netlab.Need(t, "keepalived")
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("keepalived.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &Keepalived{host: host, ended: make(chan struct{})}
	for _, m := range instanceLine.FindAllStringSubmatch(conf, -1) {
		k.instances = append(k.instances, m[1])
	}
	k.cmd = exec.Command("keepalived", "--dont-fork", "--vrrp", "--log-console", "--log-detail", "--no-syslog",
		"--use-file", file("keepalived.conf"), "--pid", file("pid"), "--vrrp_pid", file("vrrp.pid"),
		"--checkers_pid", file("checkers.pid"), "--bfd_pid", file("bfd.pid"))
	k.cmd.Dir = dir
	k.cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	k.cmd.Stdout, k.cmd.Stderr = &k.log, &k.log
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	host.Start(k.cmd)
	go func() { _ = k.cmd.Wait(); close(k.ended) }()
	t.Cleanup(func() {
		k.Kill(t)
		if t.Failed() {
			t.Logf("keepalived on %s:\n%s", host.Name, k.Log())
		}
	})
	return k
}

// Stop ends it in order: it gives the address up and says so with priority 0.
func (k *Keepalived) Stop(t testing.TB) {
	t.Helper()
	_ = k.cmd.Process.Signal(unix.SIGTERM) // it may have ended by itself
	k.wait(t)
}

// Kill is kill -9 of all its processes at once: its addresses stay on the interface.
func (k *Keepalived) Kill(t testing.TB) {
	t.Helper()
	_ = k.cmd.Process.Kill()
	k.wait(t)
}

func (k *Keepalived) wait(t testing.TB) {
	t.Helper()
	select {
	case <-k.ended:
	case <-time.After(time.Minute):
		t.Fatalf("keepalived on %s does not end:\n%s", k.host.Name, k.Log())
	}
}

// Hang stops all its processes with SIGSTOP; Resume lets them go on.
func (k *Keepalived) Hang(t testing.TB)   { k.signal(t, unix.SIGSTOP) }
func (k *Keepalived) Resume(t testing.TB) { k.signal(t, unix.SIGCONT) }

// Reload makes it read its configuration again, which SetConfig may have changed.
func (k *Keepalived) Reload(t testing.TB) {
	t.Helper()
	if err := k.cmd.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// SetConfig replaces its configuration file.
func (k *Keepalived) SetConfig(t testing.TB, conf string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.cmd.Dir, "keepalived.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k *Keepalived) signal(t testing.TB, sig unix.Signal) {
	t.Helper()
	for _, pid := range append([]int{k.cmd.Process.Pid}, k.children()...) {
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatalf("keepalived on %s: %v to %d: %v", k.host.Name, sig, pid, err)
		}
	}
}

// children are the processes that do its work.
func (k *Keepalived) children() []int {
	pid := k.cmd.Process.Pid
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// Log is what it has printed.
func (k *Keepalived) Log() string { return k.log.String() }

// entering is how it tells of a change of state: "(VI_1) Entering MASTER STATE".
var entering = regexp.MustCompile(`\((\S+)\) Entering (\S+) STATE`)

// States are the states that its instances entered last, by its own word: MASTER, BACKUP
// or FAULT, in the order of the configuration.
func (k *Keepalived) States() []string {
	states := make([]string, len(k.instances))
	for _, m := range entering.FindAllStringSubmatch(k.Log(), -1) {
		if i := slices.Index(k.instances, m[1]); i >= 0 {
			states[i] = m[2]
		}
	}
	return states
}

// output collects what a process prints while others read it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
