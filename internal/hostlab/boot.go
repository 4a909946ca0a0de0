//go:build linux

package hostlab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	systemd = "/lib/systemd/systemd"
	binPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// forbidden are the capabilities by which a host would reach the whole machine, such
// as its clock. No process of a host has them.
var forbidden = map[string]uintptr{
	"sys_module": unix.CAP_SYS_MODULE, "sys_time": unix.CAP_SYS_TIME, "syslog": unix.CAP_SYSLOG,
	"sys_rawio": unix.CAP_SYS_RAWIO, "audit_control": unix.CAP_AUDIT_CONTROL, "audit_read": unix.CAP_AUDIT_READ,
	"wake_alarm": unix.CAP_WAKE_ALARM, "block_suspend": unix.CAP_BLOCK_SUSPEND,
	"mac_admin": unix.CAP_MAC_ADMIN, "mac_override": unix.CAP_MAC_OVERRIDE,
}

// bootCommand is the process that becomes the host's systemd. It must be started in
// the host's cgroup; what it prints before that goes to console. It closes its file 3
// when its network namespace is there, and goes on when its file 4 is closed.
//
// It makes its namespaces itself, all but that of the processes: the kernel may need
// seconds for a network namespace, and the lab, with its client, stood still so long.
func bootCommand(host *Host, cgroup, console, ready, plugged *os.File) *exec.Cmd {
	cmd := again("host", host.name, host.dir)
	cmd.Stdout, cmd.Stderr = console, console
	cmd.ExtraFiles = []*os.File{ready, plugged}
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWPID,
		UseCgroupFD: true,
		CgroupFD:    int(cgroup.Fd()),
	}
	return cmd
}

// Namespaces and capabilities belong to a thread: a host boots on its first one, which
// is what others see as the process.
func init() {
	if os.Getenv(stageVar) == "host" {
		runtime.LockOSThread()
	}
}

// bootHost is PID 1 of a host until it becomes systemd; it returns only on error.
func bootHost() error {
	name, dir := os.Args[1], os.Args[2]
	const spaces = unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	if err := unix.Unshare(spaces); err != nil {
		return fmt.Errorf("namespaces of %s: %w", name, err)
	}
	if err := mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	os.NewFile(3, "ready").Close()
	if err := unix.Sethostname([]byte(name)); err != nil {
		return err
	}
	root := filepath.Join(dir, "root")
	steps := []func() error{
		func() error { return mountRoot(name, dir, root) },
		func() error { return mountKernel(dir, root) },
		func() error { return mountDevices(root) },
		func() error { return provision(name, root) },
		waitForCables,
		func() error { return changeRoot(root) },
		dropForbidden,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	args := []string{systemd, "--system", "--unit=multi-user.target", "--log-target=journal", "--show-status=no"}
	return os.NewSyscallError("exec "+systemd, unix.Exec(systemd, args, []string{binPath, "container=hostlab"}))
}

// waitForCables waits until the lab has plugged in the host's network.
func waitForCables() error {
	_, err := io.Copy(io.Discard, os.NewFile(4, "plugged"))
	return err
}

// changeRoot makes the overlay the root and lets go of the machine's.
func changeRoot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root %s: %w", root, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the machine's root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return mount("none", "/", "", unix.MS_REC|unix.MS_SHARED, "") // as at a real boot
}

func dropForbidden() error {
	for name, c := range forbidden {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("drop cap_%s: %w", name, err)
		}
	}
	return nil
}

// boundingSet is the same for setpriv(1).
func boundingSet() string {
	var set []string
	for name := range forbidden {
		set = append(set, "-"+name)
	}
	return strings.Join(set, ",")
}
