//go:build linux

package vmlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// aliveEvery is how often the first process inside gives a sign of life.
const aliveEvery = 5 * time.Second

// begin is the first process inside: it furnishes the machine, runs the task and ends the
// machine with its result.
func begin() {
	code, err := perform()
	if err != nil {
		fmt.Println("vmlab:", err) // on the console
	} else {
		err = finish(code)
		fmt.Println("vmlab: the result cannot be told:", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // without a result
}

// perform runs the task and returns its exit code.
func perform() (int, error) {
	if err := furnish(); err != nil {
		return 0, err
	}
	t, err := readTask()
	if err != nil {
		return 0, err
	}
	line, err := openLine(t.Shell == "")
	if err != nil {
		return 0, err
	}
	cmd := t.command()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for {
			_, _ = os.Stdout.Write([]byte{alive})
			time.Sleep(aliveEvery)
		}
	}()
	code, err := reap(cmd.Process.Pid)
	if err != nil || t.Shell != "" { // the end of a session hangs the line up
		return code, err
	}
	return code, drain(line)
}

// mounts are the file systems of the machine besides the one in memory.
var mounts = []struct{ kind, at, options string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"devpts", "/dev/pts", ""},
	{"tmpfs", "/dev/shm", ""},
	{"cgroup2", "/sys/fs/cgroup", ""},
}

// furnish gives the machine what a Linux host has.
func furnish() error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, m.options); err != nil {
			return os.NewSyscallError("mount "+m.at, err)
		}
	}
	for name, target := range map[string]string{"/dev/fd": "/proc/self/fd", "/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2"} {
		if err := os.Symlink(target, name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	for _, dir := range []string{"/run/netns", "/run/lock", "/dev/net"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// The module comes when somebody opens it.
	if err := unix.Mknod("/dev/net/tun", unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))); err != nil && !errors.Is(err, os.ErrExist) {
		return os.NewSyscallError("mknod /dev/net/tun", err)
	}
	if err := unix.Sethostname([]byte("vmlab")); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	return preload()
}

// preload loads the schedulers that keep something for each network namespace. IPVS asks
// for a scheduler while it holds its lock; such a one waits, to be registered, for the
// namespaces that are just being removed, and their removal waits for the lock.
func preload() error {
	_, err := run("/", "/sbin/modprobe", "-a", "ip_vs_lblc", "ip_vs_lblcr")
	return err
}

func readTask() (t task, err error) {
	b, err := os.ReadFile(taskFile)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(b, &t)
}

// command is what the task runs. In a shell the test binary runs its tests, too.
func (t task) command() *exec.Cmd {
	cmd := exec.Command(testBinary)
	cmd.Args = t.Args
	cmd.Dir = t.Dir
	cmd.Env = append(t.Env, stageVar+"="+stageTests, "PATH="+searchPath+":"+busyboxDir, "HOME=/root")
	if t.Shell != "" {
		cmd.Path, cmd.Args = t.Shell, []string{t.Shell}
		cmd.Env = append(cmd.Env, "TERM="+terminal, `PS1=\w # `)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}
	return cmd
}

// openLine opens the serial line on which the task speaks; raw: what is written arrives
// as it is.
func openLine(raw bool) (*os.File, error) {
	line, err := os.OpenFile("/dev/ttyS1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil || !raw {
		return line, err
	}
	settings, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	if err != nil {
		return nil, os.NewSyscallError("tcgetattr "+line.Name(), err)
	}
	settings.Iflag, settings.Lflag = 0, 0
	settings.Oflag &^= unix.OPOST
	return line, os.NewSyscallError("tcsetattr "+line.Name(), unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, settings))
}

// drain waits until everything written to the line is out.
func drain(line *os.File) error {
	for {
		err := unix.IoctlSetInt(int(line.Fd()), unix.TCSBRK, 1)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("tcdrain "+line.Name(), err)
		}
	}
}

// reap waits for the process, and for those that others left behind meanwhile. Its exit
// code is that of a shell.
func reap(pid int) (code int, err error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, os.NewSyscallError("wait4", err)
		case got == pid && status.Signaled():
			fmt.Println("vmlab: the tests were ended by a signal:", status.Signal())
			return 128 + int(status.Signal()), nil
		case got == pid:
			return status.ExitStatus(), nil
		}
	}
}

// debugExit is the port at which qemu ends with what is written there.
const debugExit = 0xf4

// finish ends the machine with an exit code; it returns only if it cannot.
func finish(code int) error {
	const most = 127 - exitBias // qemu's exit status has eight bits
	port, err := os.OpenFile("/dev/port", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = port.WriteAt([]byte{byte(min(code, most) + exitBias)}, debugExit)
	return err
}
