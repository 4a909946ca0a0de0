package daemon

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The priorities under SCHED_RR: the loop runs before the rest of the process, and both
// before everything that is not real-time itself. The rest has to, since the loop waits
// for it: the garbage collector stops all threads, and until each one has noticed, and
// the keeper has the addresses to renew.
const (
	rrRest = 1
	rrLoop = 2
)

// spin is how long a thread under SCHED_RR may run without waiting for anything: then the
// kernel kills the process (RLIMIT_RTTIME), before it takes the processors from the proxy.
const spin = 2 * time.Second

// lockThread gives the calling goroutine a thread of its own, under SCHED_RR where the
// kernel allows it (CAP_SYS_NICE).
func lockThread() error {
	runtime.LockOSThread()
	limit := unix.Rlimit{Cur: uint64(spin.Microseconds()), Max: uint64(spin.Microseconds())}
	return errors.Join(unix.Setrlimit(unix.RLIMIT_RTTIME, &limit), setRoundRobin(0, rrLoop))
}

// raiseThreads puts the threads of the process under SCHED_RR that are not yet: Go makes
// new ones when it likes. Where the kernel does not allow it, they stay as they are.
func raiseThreads() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil && !roundRobin(tid) {
			_ = setRoundRobin(tid, rrRest)
		}
	}
}

// resetOnFork keeps what the process starts, and its new threads, from being real-time.
const resetOnFork = 0x40000000

// setRoundRobin changes a thread; 0: the calling one.
func setRoundRobin(tid, priority int) error {
	param := struct{ priority int32 }{int32(priority)}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), unix.SCHED_RR|resetOnFork, uintptr(unsafe.Pointer(&param)))
	if errno != 0 {
		return errno
	}
	return nil
}

func roundRobin(tid int) bool {
	policy, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, uintptr(tid), 0, 0)
	return errno == 0 && policy&^resetOnFork == unix.SCHED_RR
}
