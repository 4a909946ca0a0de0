//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// host is one node: a network and a process namespace with its own /proc, so that
// ps(1) sees what runs on this node and nothing else.
type host struct {
	node
	lab   *lab
	net   *netlab.Host
	dir   string
	pidfd int    // of its PID 1
	space string // the process namespace, as /proc names it
}

func newHost(l *lab, net *netlab.Host, n node) *host {
	h := &host{node: n, lab: l, net: net, dir: filepath.Join(l.dir, n.name), pidfd: -1}
	l.must(os.Mkdir(h.dir, 0o755))
	cmd := again(stageHost)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		PidFD:      &h.pidfd,
	}
	out, err := cmd.StdoutPipe()
	l.must(err)
	net.Do(func() { l.must(cmd.Start()) })
	l.Cleanup(func() { // with PID 1 the kernel ends all that runs here
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = unix.Close(h.pidfd)
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		l.Fatalf("host %s does not start: %v", n.name, err)
	}
	h.space, err = os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", cmd.Process.Pid))
	l.must(err)
	return h
}

// start starts a command on the host.
func (h *host) start(cmd *exec.Cmd) {
	failed := make(chan error)
	go func() {
		// The thread changes for good, so it is never unlocked and ends here.
		runtime.LockOSThread()
		failed <- h.enter(cmd.Start)
	}()
	if err := <-failed; err != nil {
		h.lab.Fatalf("%s: %s: %v", h.name, cmd, err)
	}
}

func (h *host) enter(f func() error) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Setns(h.pidfd, unix.CLONE_NEWNS|unix.CLONE_NEWNET|unix.CLONE_NEWPID); err != nil {
		return os.NewSyscallError("setns", err)
	}
	return f()
}

// run runs a command on the host to its end.
func (h *host) run(name string, args ...string) {
	cmd := exec.Command(name, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // a daemon may keep the pipe
	h.start(cmd)
	if err := cmd.Wait(); err != nil {
		h.lab.Fatalf("%s: %s: %v\n%s", h.name, cmd, err, out.String())
	}
}

// write makes a file in the host's folder and returns its path.
func (h *host) write(name, text string, mode os.FileMode) string {
	path := filepath.Join(h.dir, name)
	h.lab.must(os.WriteFile(path, []byte(text), mode))
	return path
}

// processes are the host's processes of a name, the oldest first.
func (h *host) processes(name string) []int {
	entries, err := os.ReadDir("/proc")
	h.lab.must(err)
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if space, _ := os.Readlink(filepath.Join("/proc", e.Name(), "ns/pid")); space != h.space {
			continue
		}
		comm, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		if strings.TrimSpace(string(comm)) == name {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// signalAll sends a signal to processes, one right after the other.
func signalAll(pids []int, sig unix.Signal) {
	for _, pid := range pids {
		_ = unix.Kill(pid, sig) // it may have ended by itself
	}
}
