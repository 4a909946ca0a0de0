package program

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// endGroup ends a program and its children: with SIGTERM and some grace for the program
// itself, then for good.
func endGroup(pid int, grace time.Duration, exited <-chan struct{}) {
	if grace > 0 {
		_ = unix.Kill(-pid, unix.SIGTERM)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-exited:
		case <-timer.C:
		}
	}
	_ = killGroup(pid)
}

// killGroup ends a process and its children, but for those that left its group.
func killGroup(pid int) error { return unix.Kill(-pid, unix.SIGKILL) }

// reapGroup takes away children that were left to us, as PID 1 of a container.
func reapGroup(pid int) {
	if os.Getpid() != 1 {
		return
	}
	for range 20 {
		for {
			if got, err := unix.Wait4(-pid, nil, unix.WNOHANG, nil); err != nil || got <= 0 {
				break
			}
		}
		if errors.Is(unix.Kill(-pid, 0), unix.ESRCH) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
