package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	namespaces = unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC

	// exitRefused is how Init says that the kernel does not let it furnish its namespaces.
	exitRefused = 77
)

// Run plays the demo in namespaces of its own and returns its exit status. When it
// ends, in whatever way, the kernel ends every process in them.
func Run(o Options) (code int, err error) {
	if _, err := chosen(o.Only); err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer signal.Stop(signals)
	// The kernel ties the death signal to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd, err := enter(o)
	if err != nil {
		return 0, refused(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case s := <-signals:
		_ = cmd.Process.Kill() // it may just have ended
		<-ended
		fmt.Println("\ninterrupted: everything the demo made is gone")
		return 128 + int(s.(syscall.Signal)), nil
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if exit.ExitCode() == exitRefused {
			return 0, refused(unix.EPERM)
		}
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// enter starts Init in new namespaces: as root, else as root of a user namespace.
func enter(o Options) (*exec.Cmd, error) {
	flags := []uintptr{namespaces | unix.CLONE_NEWUSER}
	if os.Geteuid() == 0 {
		flags = append([]uintptr{namespaces}, flags...)
	}
	var problem error
	for _, f := range flags {
		cmd := initCommand(o, f)
		if problem = cmd.Start(); problem == nil {
			return cmd, nil
		}
	}
	return nil, problem
}

func initCommand(o Options, flags uintptr) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{"demo", "init"}, o.args()...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: flags,
		Pdeathsig:  unix.SIGKILL,
		Setsid:     true, // a terminal's Ctrl-C reaches Run alone
	}
	if flags&unix.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

// Refused says that the kernel gives no namespaces, and what to do.
type Refused struct {
	Err  error
	todo string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the demo runs in namespaces of its own, and the kernel refuses them (%v): %s", r.Err, r.todo)
}

func (r *Refused) Unwrap() error { return r.Err }

func refused(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	if os.Geteuid() == 0 {
		return &Refused{err, "in a container, start it with --privileged; else run the demo on the host"}
	}
	return &Refused{err, "run it as root (sudo)" + permission("/proc/sys")}
}

// permission names the switch that keeps user namespaces from ordinary users.
func permission(sysctls string) string {
	for _, s := range []struct{ file, bad, set string }{
		{"kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone=1"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", "kernel.apparmor_restrict_unprivileged_userns=0"},
		{"user/max_user_namespaces", "0\n", "user.max_user_namespaces=1000"},
	} {
		if value, err := os.ReadFile(sysctls + "/" + s.file); err == nil && string(value) == s.bad {
			return ", or let ordinary users have them (sysctl -w " + s.set + ")"
		}
	}
	return ""
}
