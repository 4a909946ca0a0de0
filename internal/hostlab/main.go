//go:build linux

package hostlab

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Environment of a new run of the test binary: which part of the lab it is, and the
// name of the lab's cgroup.
const (
	stageVar  = "PAIRKEEPER_HOSTLAB"
	cgroupVar = "PAIRKEEPER_HOSTLAB_CGROUP"
)

// M is what runs inside a lab: a testing.M, or another program's main part.
type M interface{ Run() int }

// Main runs the tests of m inside a new lab and returns the exit code. Where there
// can be no lab the tests run all the same, and New skips or fails them.
func Main(m M) int {
	stage := os.Getenv(stageVar)
	name := os.Getenv(cgroupVar)
	os.Unsetenv(stageVar)
	os.Unsetenv(cgroupVar)
	switch stage {
	case "lab":
		return runInside(m, name)
	case "host":
		fmt.Fprintln(os.Stderr, bootHost())
		return 1
	case "janitor":
		return janitor(name)
	}
	if !possible() {
		return m.Run()
	}
	code, err := enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostlab:", err)
		return 1
	}
	return code
}

// enter runs this program again as PID 1 of new namespaces and waits for it. The
// janitor outlives both, to remove their cgroups.
func enter() (int, error) {
	// The kernel ties the death signal to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name := cgroupMark + rand.Text()
	alive, sweeper, err := startJanitor(name)
	if err != nil {
		return 1, err
	}
	cmd := again("lab", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(cmd.Env, cgroupVar+"="+name)
	cmd.ExtraFiles = []*os.File{alive}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	err = cmd.Run()
	alive.Close()
	sweeper.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// again is the command that runs this program as another part of the lab.
func again(stage string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), stageVar+"="+stage)
	return cmd
}

// runInside is PID 1 of the lab.
func runInside(m M, cgroup string) int {
	unix.CloseOnExec(3) // the janitor waits for the end of this pipe
	if err := furnish(cgroup); err != nil {
		fmt.Fprintln(os.Stderr, "hostlab:", err)
		return 1
	}
	inLab = true
	return m.Run()
}

// furnish gives the lab its own /proc, /run and loopback, and a cgroup.
func furnish(cgroup string) error {
	if err := privateRun(); err != nil {
		return err
	}
	if err := mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := linkUp("lo"); err != nil {
		return err
	}
	return enterCgroup(cgroup)
}
