//go:build linux

package vmlab

import (
	"os"
	"path/filepath"
	"strings"
)

// recipe is counted up when a base is made differently than before.
const recipe = "1"

// busyboxDir holds busybox's programs; they are searched last.
const busyboxDir = "/busybox"

// makeBase makes the files of a base in a directory: the kernel, and the archive of what
// every machine has.
func makeBase(dir string) (origin string, err error) {
	tmp, err := os.MkdirTemp(dir, "tmp")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	k, err := fetchKernel(tmp)
	if err != nil {
		return "", err
	}
	if err := os.Rename(k.vmlinux, filepath.Join(dir, "vmlinux")); err != nil {
		return "", err
	}
	f, err := os.Create(filepath.Join(dir, "base.cpio"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	a := newArchive(f)
	for _, d := range []string{"/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/mnt", "/var/log", "/var/lib/nginx", "/usr/sbin", "/usr/bin"} {
		a.dir(d)
	}
	a.link("/var/run", "/run")
	a.text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
	a.text("/etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n")
	a.text("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
	a.fail(k.addModules(a, tmp))
	a.fail(addBusybox(a))
	return k.origin, a.close()
}

// addModules adds the modules with an index that knows no others.
func (k kernel) addModules(a *archive, tmp string) error {
	files, err := moduleFiles(k.modules())
	if err != nil {
		return err
	}
	few := kernel{root: filepath.Join(tmp, "few"), version: k.version}
	for _, f := range append(files, "modules.order", "modules.builtin", "modules.builtin.modinfo") {
		to := filepath.Join(few.modules(), f)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(k.modules(), f), to); err != nil {
			return err
		}
	}
	if _, err := run(tmp, "depmod", "-b", few.root, few.version); err != nil {
		return err
	}
	a.tree(filepath.Join("/lib/modules", k.version), few.modules())
	return nil
}

// addBusybox adds busybox under all its names, and a shell that prefers other programs to
// busybox's own. The kernel calls /sbin/modprobe when something needs a module.
func addBusybox(a *archive) error {
	busybox, err := find("busybox")
	if err != nil {
		return err
	}
	dash, err := find("dash")
	if err != nil {
		return err
	}
	names, err := run("/", busybox, "--list")
	if err != nil {
		return err
	}
	program := busyboxDir + "/busybox"
	a.program(program, busybox)
	for _, name := range strings.Fields(names) {
		a.link(filepath.Join(busyboxDir, name), program)
	}
	a.link("/sbin/modprobe", program)
	a.program("/bin/sh", dash)
	return nil
}
