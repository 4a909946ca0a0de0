package demo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// built is the program, where every user can run it.
var built string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "demo")
		if err == nil {
			defer os.RemoveAll(dir)
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// build copies the program to where other users may run it.
func build(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	remove, err := testbin.Provide()
	if err != nil {
		return err
	}
	defer remove()
	built = filepath.Join(dir, "pairkeeper")
	return exec.Command("cp", testbin.Path(), built).Run()
}
