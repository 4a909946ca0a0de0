//go:build linux

// Package interop tests pairkeeper beside Debian's keepalived on one network.
package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// Keepalived is a running keepalived in a host of a netlab.
type Keepalived struct {
	process
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
	k := &Keepalived{process: process{what: "keepalived", host: host}}
	for _, m := range instanceLine.FindAllStringSubmatch(conf, -1) {
		k.instances = append(k.instances, m[1])
	}
	cmd := exec.Command("keepalived", "--dont-fork", "--vrrp", "--log-console", "--log-detail", "--no-syslog",
		"--use-file", file("keepalived.conf"), "--pid", file("pid"), "--vrrp_pid", file("vrrp.pid"),
		"--checkers_pid", file("checkers.pid"), "--bfd_pid", file("bfd.pid"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	k.start(t, cmd)
	return k
}

// Hang stops all its processes with SIGSTOP; Resume lets them go on.
func (k *Keepalived) Hang(t testing.TB)   { k.signal(t, unix.SIGSTOP, k.children()...) }
func (k *Keepalived) Resume(t testing.TB) { k.signal(t, unix.SIGCONT, k.children()...) }

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
