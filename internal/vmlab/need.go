//go:build linux

package vmlab

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// tools are the programs that make the machine and run it, with Debian's packages.
var tools = []struct{ program, pkg string }{
	{"qemu-system-x86_64", "qemu-system-x86"},
	{"busybox", "busybox-static"},
	{"depmod", "kmod"},
	{"xz", "xz-utils"},
	{"lz4", "lz4"},
	{"dash", "dash"},
	{"ldd", "libc-bin"},
	{"apt-get", "apt"},
	{"dpkg-deb", "dpkg"},
}

// inside is true in the process that runs the tests inside the machine.
var inside bool

// why the tests cannot run inside a machine.
var impossible string

// Need skips the test where there can be no virtual machine, or fails it where a skip
// is not allowed.
func Need(t netlab.T) {
	t.Helper()
	switch {
	case inside:
	case impossible != "":
		netlab.Lacking(t, impossible)
	default:
		t.Fatalf("vmlab: not inside the virtual machine: call vmlab.Main first, as TestMain does")
	}
}

// lack says what this host needs before it can boot a machine, and nothing if it can.
func lack(p Payload) string {
	if runtime.GOARCH != "amd64" {
		return "needs an amd64 host: the virtual machine runs the host's own programs"
	}
	var programs, packages []string
	for _, t := range tools {
		if _, err := find(t.program); err != nil {
			programs, packages = append(programs, t.program), append(packages, t.pkg)
		}
	}
	if len(programs) > 0 {
		return fmt.Sprintf("needs %s for the virtual machine (apt-get install %s)",
			strings.Join(programs, ", "), strings.Join(packages, " "))
	}
	for _, name := range p.Programs {
		if _, err := find(name); err != nil {
			return fmt.Sprintf("needs the program %s, to take it into the virtual machine", name)
		}
	}
	return ""
}
