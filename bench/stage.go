//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The program runs itself again as parts of the lab; this variable tells which.
const stageVar = "PAIRKEEPER_BENCH"

const (
	stageLab    = "lab"    // PID 1 of everything
	stageHost   = "host"   // PID 1 of a host
	stageClient = "client" // who asks the virtual address
)

func stage() string { return os.Getenv(stageVar) }

// again is the command that runs this program as another part.
func again(stage string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), stageVar+"="+stage)
	cmd.Stderr = os.Stderr
	return cmd
}

// enterLab runs the benchmark in namespaces of its own. When it ends, in whatever way,
// the kernel ends every process in them and takes the networks and mounts away.
func enterLab() (int, error) {
	// The kernel ties the death signal to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := again(stageLab, os.Args[1:]...)
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
		Pdeathsig:  unix.SIGKILL,
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// workDir is where the lab keeps its files, in memory and seen by nobody else.
const workDir = "/run/bench"

func furnish() error {
	if err := privateProc(); err != nil {
		return err
	}
	if err := unix.Mount("run", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	return os.Mkdir(workDir, 0o755)
}

// privateProc gives a process namespace its own /proc.
func privateProc() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

// keepHouse is PID 1 of a host: it reaps what is left to it, until it is killed.
func keepHouse() error {
	if err := privateProc(); err != nil {
		return err
	}
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	fmt.Println("ready")
	for {
		for {
			if pid, _ := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 {
				break
			}
		}
		select {
		case <-child:
		case <-time.After(time.Second):
		}
	}
}
