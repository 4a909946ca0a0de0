package program

import (
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
