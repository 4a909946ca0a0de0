package orphans

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childInfo is how siginfo_t of waitid(2) begins.
type childInfo struct {
	_   [3]int32   // signal, error, code
	_   [0]uintptr // what follows is aligned like a pointer
	pid int32
}

// nextEnded is a child that has ended and is not reaped yet, or 0; it stays as it is.
func nextEnded() int {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil { // there is no child
			return 0
		}
		return int((*childInfo)(unsafe.Pointer(&info)).pid)
	}
}
