package daemon

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rrPriority is enough to run before everything that is not real-time itself.
const rrPriority = 1

// lockThread gives the calling goroutine a thread of its own, under SCHED_RR where the
// kernel allows it (CAP_SYS_NICE). Nothing else in the process runs under it: the
// garbage collector must not starve.
func lockThread() error {
	runtime.LockOSThread()
	param := struct{ priority int32 }{rrPriority}
	const resetOnFork = 0x40000000 // children are not real-time
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_RR|resetOnFork, uintptr(unsafe.Pointer(&param)))
	if errno != 0 {
		return errno
	}
	return nil
}
