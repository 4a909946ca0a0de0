// Package realtime puts the process under SCHED_RR, and keeps its children out of it.
//
// All threads have one priority. A Go program's threads wait for each other, also in loops
// that only yield the processor: one of a lower priority, or none, would be waited for
// until the kernel's limit for real-time threads lets it run.
package realtime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/orphans"
)

// priority is enough to run before everything that is not real-time itself.
const priority = 1

// spin is how long a thread may run without waiting for anything: then the kernel kills
// the process (RLIMIT_RTTIME), before it takes the processors from the proxy.
const spin = 2 * time.Second

// Raise puts all threads of the process under SCHED_RR; what they start inherits it.
// Without CAP_SYS_NICE it changes nothing and says so.
func Raise() error {
	if err := set(0, unix.SCHED_RR, priority); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: uint64(spin.Microseconds()), Max: uint64(spin.Microseconds())}
	problem := unix.Setrlimit(unix.RLIMIT_RTTIME, &limit)
	for range 2 { // a thread that was not seen may have started another one meanwhile
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return errors.Join(problem, err)
		}
		for _, t := range tasks {
			if tid, err := strconv.Atoi(t.Name()); err == nil {
				_ = set(tid, unix.SCHED_RR, priority) // it may have ended
			}
		}
	}
	return problem
}

// Start starts a command that is not real-time.
//
// Until it has become the command's program, the child is: the thread that starts it waits
// for that in the kernel, where nothing can interrupt it, and the garbage collector, with
// all other threads, waits for this thread. A child of normal priority needs as long as
// the host is busy.
//
// As PID 1 the process reaps orphans; the command is none.
func Start(cmd *exec.Cmd) error {
	return orphans.Started(cmd, func() error { return start(cmd) })
}

func start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil || !raised() {
		return err
	}
	if err := lower(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("%s would be real-time: %w", cmd.Path, err)
	}
	return nil
}

// raised tells whether what this thread starts is real-time.
func raised() bool {
	attr, err := unix.SchedGetAttr(0, 0)
	return err != nil || attr.Policy == unix.SCHED_RR
}

// lower takes a new process, and what it may have started by now, out of SCHED_RR. It is
// no error if they have ended.
//
// The process stands still meanwhile: one that is being started is real-time, and not yet
// among the children.
func lower(pid int) error {
	if hold(pid) {
		defer func() { _ = unix.Kill(pid, unix.SIGCONT) }()
	}
	if err := setOther(pid); err != nil {
		return err
	}
	dir := filepath.Join("/proc", strconv.Itoa(pid), "task")
	tasks, _ := os.ReadDir(dir)
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil && tid != pid {
			if err := setOther(tid); err != nil {
				return err
			}
		}
		children, _ := os.ReadFile(filepath.Join(dir, t.Name(), "children"))
		for _, child := range strings.Fields(string(children)) {
			if pid, err := strconv.Atoi(child); err == nil {
				if err := lower(pid); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// still is how long a process may need until it stands still.
const still = 100 * time.Millisecond

// hold stops a process and waits until it stands still; false: it is not ours to stop, or stands
// still by itself.
func hold(pid int) bool {
	if !runs(pid) || unix.Kill(pid, unix.SIGSTOP) != nil {
		return false
	}
	for end := time.Now().Add(still); runs(pid) && time.Now().Before(end); {
		time.Sleep(50 * time.Microsecond)
	}
	return true
}

// runs tells whether a process has neither stopped nor ended (proc_pid_stat(5)).
func runs(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	state := stat[bytes.LastIndexByte(stat, ')')+1:]
	return err == nil && !bytes.ContainsAny(state[:min(2, len(state))], "TZX")
}

// setOther puts a thread that is under SCHED_RR under the usual policy.
func setOther(tid int) error {
	attr, err := unix.SchedGetAttr(tid, 0)
	if err == nil && attr.Policy == unix.SCHED_RR {
		err = set(tid, unix.SCHED_NORMAL, 0)
	}
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// set changes a thread; 0: the calling one.
func set(tid int, policy uintptr, priority int32) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), policy, uintptr(unsafe.Pointer(&priority)))
	if errno != 0 {
		return errno
	}
	return nil
}
