//go:build linux

package vmlab

import (
	"fmt"
	"os"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// stageVar is the environment variable that tells a new run of the test binary which part
// it plays. The kernel gives it to the first process.
const (
	stageVar   = "PAIRKEEPER_VMLAB"
	stageInit  = "init"
	stageTests = "tests"
)

// ShellVariable is the environment variable that asks for a shell inside the machine
// instead of the tests.
const ShellVariable = "PAIRKEEPER_VM_SHELL"

// M is what runs inside the machine: a testing.M.
type M interface{ Run() int }

// Main runs the tests of m inside a virtual machine and returns the exit code. Where there
// can be no such machine the tests run all the same, and Need skips or fails them.
func Main(m M, p Payload) int {
	stage := os.Getenv(stageVar)
	os.Unsetenv(stageVar)
	switch stage {
	case stageInit:
		begin()
		return 1 // not reached: the machine has ended
	case stageTests:
		inside = true
		return m.Run()
	}
	if impossible = lack(p); impossible != "" {
		return m.Run()
	}
	code, err := bootWith(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmlab:", err)
		return 1
	}
	return code
}

// bootWith prepares the machine, boots it with the payload, and returns what the tests
// exited with.
func bootWith(p Payload) (code int, err error) {
	base, err := getBase()
	if err != nil {
		return 1, err
	}
	shell := os.Getenv(ShellVariable) == "1"
	initrd, err := p.packAll(base, shell)
	if err != nil {
		return 1, err
	}
	defer initrd.Close()
	return boot(base, initrd, shell)
}

// packAll is pack, with a pairkeeper program that need not exist any longer when the
// machine runs.
func (p Payload) packAll(base string, shell bool) (*os.File, error) {
	if p.Pairkeeper {
		remove, err := testbin.Provide()
		if err != nil {
			return nil, err
		}
		defer remove()
	}
	return p.pack(base, shell)
}

// getBase is the folder of the base for this host.
func getBase() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	key, err := baseKey()
	if err != nil {
		return "", err
	}
	c := &cache{dir: dir, make: makeBase, log: os.Stderr}
	return c.get(key)
}
