// Package testbin gives the pairkeeper program to tests that run it, and collects what
// programs print.
package testbin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Variable is the environment variable that names the program.
const Variable = "PAIRKEEPER_BINARY"

// Path is the program, after Provide.
func Path() string { return os.Getenv(Variable) }

// Provide builds the program, unless Variable names one already, and sets Variable.
// What it built is taken away by remove.
func Provide() (remove func(), err error) {
	if Path() != "" {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "pairkeeper-test")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path := filepath.Join(dir, "pairkeeper")
	build := exec.Command("go", "build", "-o", path, "github.com/pairkeeper/pairkeeper/cmd/pairkeeper")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return remove, os.Setenv(Variable, path)
}
