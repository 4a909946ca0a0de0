package demo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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

func build(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	built = filepath.Join(dir, "pairkeeper")
	cmd := exec.Command("go", "build", "-o", built, "../../cmd/pairkeeper")
	if given := os.Getenv("PAIRKEEPER_BINARY"); given != "" {
		cmd = exec.Command("cp", given, built)
	}
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
