package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// workDir is where the demo keeps its files: in memory, seen by nobody else.
	workDir = "/tmp"
	// logDir is where nginx opens a log before it reads where its log is.
	logDir = "/var/log"
	// program is this program, by a name that reads well in ps and logs.
	program = workDir + "/pairkeeper"
	// webProgram is this program too, as the built-in web server. It is in the PATH.
	webProgram = "web-server"
	// mountSource tells the demo's mounts from others.
	mountSource = "pairkeeper-demo"
)

// Init is PID 1 of the namespaces: it furnishes them, has the demo played, and reaps
// whatever is orphaned. It returns the exit status.
func Init(o Options) (int, error) {
	if err := furnish(); err != nil {
		return exitRefused, err
	}
	if err := os.Setenv("PATH", workDir+":"+os.Getenv("PATH")+sbin); err != nil {
		return 0, err
	}
	argv := append([]string{program, "demo", "play"}, o.args()...)
	pid, err := syscall.ForkExec(program, argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", program, err)
	}
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case ended == pid && status.Exited():
			return status.ExitStatus(), nil
		case ended == pid:
			return 128 + int(status.Signal()), nil
		}
	}
}

// furnish hides the folders the demo writes to behind memory of its own.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	for _, dir := range []string{workDir, logDir} {
		if err := unix.Mount(mountSource, dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mount a tmpfs on %s: %w", dir, err)
		}
	}
	// Some containers do not allow it; then the outer /proc serves as well.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	return errors.Join(
		os.Mkdir(filepath.Join(logDir, "nginx"), 0o755),
		os.Symlink("/proc/self/exe", program),
		os.Symlink("/proc/self/exe", filepath.Join(workDir, webProgram)),
	)
}
