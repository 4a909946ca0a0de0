//go:build linux

package vmlab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// Payload is what the tests of a package need inside the machine, besides the test binary.
type Payload struct {
	// Programs of the host, by name or path. They lie where they do on the host, with
	// their libraries.
	Programs []string
	// Files of the host, and directories with everything in them. They lie where they do
	// on the host; a relative path is one from the package's directory, where the tests
	// run inside, too.
	Files []string
	// Pairkeeper: the tests run the pairkeeper program, found by testbin.Path.
	Pairkeeper bool
}

// task is what the first process inside is told.
type task struct {
	Args  []string
	Env   []string
	Dir   string
	Shell string // a program for somebody at the terminal, instead of the tests
}

// Where the task and the test binary lie inside.
const (
	taskFile   = "/vmlab/task.json"
	testBinary = "/vmlab/test"
)

// pack makes the archive of a run, the base's and the payload's, in memory.
func (p Payload) pack(base string, shell bool) (*os.File, error) {
	fd, err := unix.MemfdCreate("vmlab", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "vmlab")
	if err := p.packInto(f, base, shell); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (p Payload) packInto(f *os.File, base string, shell bool) error {
	common, err := os.Open(filepath.Join(base, "base.cpio"))
	if err != nil {
		return err
	}
	defer common.Close()
	if _, err := f.ReadFrom(common); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	a := newArchive(f)
	a.program(testBinary, self)
	a.dir(dir)
	programs := p.Programs
	if p.Pairkeeper {
		programs = append(programs[:len(programs):len(programs)], testbin.Path())
	}
	for _, name := range programs {
		path, err := find(name)
		if err != nil {
			return err
		}
		a.program(path, path)
	}
	for _, name := range p.Files {
		path := filepath.Join(dir, name)
		if filepath.IsAbs(name) {
			path = name
		}
		a.tree(path, path)
	}
	t := task{Args: testArgs(os.Args), Env: environment(), Dir: dir}
	if shell {
		t.Shell = a.shell()
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	a.text(taskFile, string(text))
	if err := a.close(); err != nil {
		return fmt.Errorf("packing the virtual machine: %w", err)
	}
	return nil
}

// terminal is the kind that a shell is told, by terminfo(5).
const terminal = "linux"

// shell adds the best shell of the host.
func (a *archive) shell() string {
	description := "/lib/terminfo/l/" + terminal
	if _, err := os.Stat(description); err == nil {
		a.copy(description, description)
	}
	path, err := find("bash")
	if err != nil {
		return "/bin/sh"
	}
	a.program(path, path)
	return path
}

// outside are the flags whose files go test reads on the host: a log by which it would
// cache the result, and coverage, which is not brought out.
var outside = []string{"-test.testlogfile=", "-test.coverprofile=", "-test.gocoverdir="}

// testArgs are the arguments for the test binary inside.
func testArgs(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return slices.ContainsFunc(outside, func(flag string) bool { return strings.HasPrefix(arg, flag) })
	})
}

// environment is the part of ours that the tests inside have.
func environment() []string {
	var out []string
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "PAIRKEEPER_") || strings.HasPrefix(e, "GODEBUG=") || strings.HasPrefix(e, "GOTRACEBACK=") {
			out = append(out, e)
		}
	}
	return out
}
