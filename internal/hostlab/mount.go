//go:build linux

package hostlab

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mount is mount(2) with an error that says where.
func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s (%s) on %s: %w", source, fstype, target, err)
	}
	return nil
}

// bind makes source visible at target too.
func bind(source, target string) error {
	return mount(source, target, "", unix.MS_BIND, "")
}

// privateRun cuts this mount namespace off from the machine's and gives it an empty
// /run with the cgroup tree in it. Nothing of it is seen outside.
func privateRun() error {
	if err := mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mount("hostlab", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, dir := range []string{base, cgroupRoot, "/run/lock"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return mount("cgroup2", cgroupRoot, "cgroup2", 0, "")
}
