package daemon

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epoch is where the deciders' time starts: they only compare times.
var epoch = time.Unix(0, 0).UTC()

// now is the time since boot, suspend included: no clock setting moves it, and a host
// that slept sees the gap.
func now() time.Time {
	var ts unix.Timespec
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic("clock_gettime: " + errno.Error()) // every kernel since 2.6.39 has it
	}
	return epoch.Add(time.Duration(ts.Nano()))
}

// wall turns a decider's time into one that a person can read.
func wall(t time.Time) time.Time { return time.Now().Add(t.Sub(now())) }
