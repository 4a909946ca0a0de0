//go:build linux

package hostlab

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startJanitor starts the process that removes the lab's cgroups after its end, which
// it sees by the last copy of alive being closed. It has its own session, so neither
// Ctrl-C nor kill -9 of the test reaches it; it ends by itself right after.
func startJanitor(cgroup string) (alive *os.File, cmd *exec.Cmd, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	cmd = again("janitor")
	cmd.Dir = "/"
	cmd.Env = append(cmd.Env, cgroupVar+"="+cgroup)
	cmd.ExtraFiles = []*os.File{r}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNS}
	return w, cmd, cmd.Start()
}

// janitor waits for the lab's end, which takes the kernel a moment, and sweeps.
func janitor(cgroup string) int {
	io.Copy(io.Discard, os.NewFile(3, "alive"))
	if privateRun() != nil {
		return 1
	}
	for range 200 {
		sweep()
		if _, err := os.Stat(filepath.Join(cgroupRoot, cgroup)); err != nil {
			return 0
		}
		time.Sleep(25 * time.Millisecond)
	}
	return 1
}
