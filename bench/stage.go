//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// The program runs itself again as parts of a scenario; this variable tells which.
const stageVar = "PAIRKEEPER_BENCH"

const (
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

// workDir is where the lab keeps its files, in memory and seen by nobody else.
const workDir = "/run/bench"

// furnish makes the folder of the runs, in the /run that is the lab's own.
func furnish() (err error) {
	defer rescue(&err)
	hostlab.Need(&lab{})
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
