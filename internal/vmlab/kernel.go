//go:build linux

package vmlab

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// kernelPackage depends on Debian's newest kernel. That of linux-image-cloud-amd64 is
// smaller, and has no /dev/port, by which the machine tells its result.
const kernelPackage = "linux-image-amd64"

// kernel is Debian's, unpacked.
type kernel struct {
	origin  string // the name of the package's file
	version string // what uname -r will say
	root    string // holds lib/modules
	vmlinux string
}

// fetchKernel downloads the kernel and unpacks it below a directory. Nothing is installed.
func fetchKernel(dir string) (kernel, error) {
	k := kernel{root: filepath.Join(dir, "unpacked"), vmlinux: filepath.Join(dir, "vmlinux")}
	deb, err := download(dir)
	if err != nil {
		return k, err
	}
	k.origin = filepath.Base(deb)
	if _, err := run(dir, "dpkg-deb", "-x", deb, k.root); err != nil {
		return k, err
	}
	compressed, err := one(filepath.Join(k.root, "boot/vmlinuz-*"))
	if err != nil {
		return k, err
	}
	_, k.version, _ = strings.Cut(filepath.Base(compressed), "-")
	// Debian 13 has it below /usr, and depmod looks below /lib.
	if err := os.Rename(filepath.Join(k.root, "usr/lib/modules"), filepath.Join(k.root, "lib/modules")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return k, err
	}
	if err := decompress(compressed, k.vmlinux); err != nil {
		return k, err
	}
	_, err = run(dir, "depmod", "-b", k.root, k.version)
	return k, err
}

// modules is the directory of the kernel's modules.
func (k kernel) modules() string { return filepath.Join(k.root, "lib/modules", k.version) }

var kernelImage = regexp.MustCompile(`(?m)^\s*Depends: (linux-image-\S+)$`)

// download fetches the package's file into a directory. Where the lists of packages are
// missing or old, they are fetched too, if we may.
func download(dir string) (string, error) {
	deb, err := tryDownload(dir)
	if err != nil && os.Geteuid() == 0 {
		if _, err := run(dir, "apt-get", "update", "-q"); err != nil {
			return "", err
		}
		deb, err = tryDownload(dir)
	}
	return deb, err
}

func tryDownload(dir string) (string, error) {
	out, err := run(dir, "apt-cache", "depends", kernelPackage)
	if err != nil {
		return "", err
	}
	m := kernelImage.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("apt knows no %s: run apt-get update; a Debian is needed", kernelPackage)
	}
	if _, err := run(dir, "apt-get", "download", "-q", m[1]); err != nil {
		return "", err
	}
	return one(filepath.Join(dir, "*.deb"))
}

// compressions of a kernel: how it begins, and what unpacks it.
var compressions = []struct {
	begins  string
	program []string
}{
	{"\xfd7zXZ\x00", []string{"xz", "-dc"}},
	{"\x02\x21\x4c\x18", []string{"lz4", "-dc"}},
	{"\x28\xb5\x2f\xfd", []string{"zstd", "-dc"}},
}

// decompress finds the kernel proper in its bootable image: unpacking it in the emulated
// machine would take longer than the boot.
func decompress(image, to string) error {
	b, err := os.ReadFile(image)
	if err != nil {
		return err
	}
	for _, c := range compressions {
		for at := bytes.Index(b, []byte(c.begins)); at >= 0; {
			cmd := exec.Command(c.program[0], c.program[1:]...)
			cmd.Stdin = bytes.NewReader(b[at:])
			plain, _ := cmd.Output() // what follows the kernel is an error to it
			if bytes.HasPrefix(plain, []byte(elf.ELFMAG)) {
				return os.WriteFile(to, plain, 0o644)
			}
			next := bytes.Index(b[at+1:], []byte(c.begins))
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return fmt.Errorf("%s: no kernel compressed by xz, lz4 or zstd was found in it", image)
}

// one is the only file of a pattern.
func one(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s: %d files instead of one", pattern, len(found))
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// run runs a program to its end and returns what it wrote. It dies with us.
func run(dir, name string, args ...string) (string, error) {
	path, err := find(name)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
