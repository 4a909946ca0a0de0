// Package realtime puts the process under SCHED_RR, and keeps its children out of it.
//
// All threads have one priority. A Go program's threads wait for each other, also in loops
// that only yield the processor: one of a lower priority, or none, would be waited for
// until the kernel's limit for real-time threads lets it run.
package realtime

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
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

// starting keeps Raise from raising a thread that is about to start a command.
var starting sync.RWMutex

// Raise puts all threads of the process under SCHED_RR; what they start inherits it.
// Without CAP_SYS_NICE it changes nothing and says so.
func Raise() error {
	starting.Lock()
	defer starting.Unlock()
	if err := set(0, unix.SCHED_RR); err != nil {
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
				_ = set(tid, unix.SCHED_RR) // it may have ended
			}
		}
	}
	return problem
}

// resetOnFork keeps what a thread starts from being real-time.
const resetOnFork = 0x40000000

// Start starts a command that is not real-time. As PID 1 the process reaps orphans; the
// command is none.
func Start(cmd *exec.Cmd) error {
	return orphans.Started(cmd, func() error { return start(cmd) })
}

func start(cmd *exec.Cmd) error {
	starting.RLock()
	defer starting.RUnlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if policy, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, 0, 0, 0); errno != 0 || policy != unix.SCHED_RR {
		return cmd.Start()
	}
	if err := set(0, unix.SCHED_RR|resetOnFork); err != nil {
		return err
	}
	defer func() { _ = set(0, unix.SCHED_RR) }() // what was allowed once still is
	return cmd.Start()
}

// set changes a thread; 0: the calling one.
func set(tid int, policy uintptr) error {
	param := struct{ priority int32 }{priority}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), policy, uintptr(unsafe.Pointer(&param)))
	if errno != 0 {
		return errno
	}
	return nil
}
