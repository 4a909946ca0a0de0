//go:build linux

package hostlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	quiet    = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	readOnly = unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY
)

// mountRoot puts the host's disk over the machine's root, and its own /run and /tmp
// over that. The private /tmp is a must: systemd empties /tmp at boot.
func mountRoot(name, dir, root string) error {
	data := fmt.Sprintf("lowerdir=/,upperdir=%s/disk/up,workdir=%s/disk/work", dir, dir)
	if err := mount(name, root, "overlay", 0, data); err != nil {
		return err
	}
	if err := bind(dir+"/run", root+"/run"); err != nil {
		return err
	}
	return mount("tmp", root+"/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
}

// mountKernel mounts /proc, /sys and the cgroup tree. Of the sysctls only net.*, which
// are the host's own, can be written.
func mountKernel(dir, root string) error {
	proc := root + "/proc"
	if err := mount("proc", proc, "proc", quiet, ""); err != nil {
		return err
	}
	bootID, err := freshID(dir + "/boot_id") // else all hosts and boots share the machine's
	if err != nil {
		return err
	}
	for _, b := range [][2]string{
		{proc + "/sys", proc + "/sys"},
		{proc + "/sys/net", proc + "/sys/net"},
		{bootID, proc + "/sys/kernel/random/boot_id"},
		{os.DevNull, proc + "/sysrq-trigger"},
		{os.DevNull, proc + "/kcore"},
	} {
		if err := bind(b[0], b[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := mount("none", proc+"/sys", "", readOnly, ""); err != nil {
		return err
	}
	if err := mount("sysfs", root+"/sys", "sysfs", quiet|unix.MS_RDONLY, ""); err != nil {
		return err
	}
	return mount("cgroup2", root+"/sys/fs/cgroup", "cgroup2", quiet, "")
}

// mountDevices makes a small /dev with the harmless devices of the machine.
func mountDevices(root string) error {
	dev := root + "/dev"
	if err := mount("dev", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=4m"); err != nil {
		return err
	}
	for _, dir := range []string{"/pts", "/shm", "/mqueue", "/net"} {
		if err := os.Mkdir(dev+dir, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty", "net/tun"} {
		if err := bindDevice("/dev/"+name, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	for link, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(target, filepath.Join(dev, link)); err != nil {
			return err
		}
	}
	pts := "newinstance,ptmxmode=0666,mode=620,gid=5"
	if err := mount("devpts", dev+"/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, pts); err != nil {
		return err
	}
	return mount("shm", dev+"/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
}

// bindDevice shows one device of the machine, if it has it.
func bindDevice(source, target string) error {
	if _, err := os.Stat(source); err != nil {
		return nil
	}
	if err := os.WriteFile(target, nil, 0o644); err != nil {
		return err
	}
	return bind(source, target)
}
