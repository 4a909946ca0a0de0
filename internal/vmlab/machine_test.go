//go:build linux

package vmlab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// The tests of this file run the test binary again, so that it boots a machine, and look
// at what becomes of it.

// sacrifice is the environment variable that tells TestSacrifice what to do inside.
const sacrifice = "PAIRKEEPER_VMLAB_SACRIFICE"

// soon is generous: the machine may be busy.
const soon = 2 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(sacrifice) != "" || os.Getenv(stageVar) != "" {
		os.Exit(Main(m, Payload{}))
	}
	impossible = lack(Payload{})
	os.Exit(m.Run())
}

func TestSacrifice(t *testing.T) {
	switch os.Getenv(sacrifice) {
	case "": // runs only inside, for the tests below
	case "fail":
		t.Error("deliberate")
	case "exit":
		os.Exit(7)
	case "panic":
		if err := os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0); err != nil {
			t.Fatal(err)
		}
		select {}
	case "stay":
		fmt.Println("\nready", os.Getpid())
		select {}
	}
}

// sacrificed is a test binary that boots a machine. Its temporary files have a folder of
// their own.
func sacrificed(t *testing.T, what string, env ...string) *exec.Cmd {
	t.Helper()
	if impossible != "" {
		Need(t)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSacrifice$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(append(os.Environ(), sacrifice+"="+what, "TMPDIR="+t.TempDir()), env...)
	return cmd
}

// ended is the exit code and the output of a command.
func ended(t *testing.T, cmd *exec.Cmd) (code int, output string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestTheResultInsideIsTheResultOutside(t *testing.T) {
	t.Parallel()
	code, output := ended(t, sacrificed(t, "fail"))
	if code != 1 {
		t.Errorf("exit code %d of a test that fails", code)
	}
	for _, line := range []string{"=== RUN   TestSacrifice\n", "deliberate\n", "--- FAIL: TestSacrifice ("} {
		if !strings.Contains(output, line) {
			t.Errorf("no %q in what go test reads:\n%s", line, output)
		}
	}
	if strings.Contains(output, "console") {
		t.Errorf("a test that failed is taken for a machine that broke:\n%s", output)
	}
}

func TestTheExitCodeInsideIsTheExitCodeOutside(t *testing.T) {
	t.Parallel()
	if code, output := ended(t, sacrificed(t, "exit")); code != 7 {
		t.Errorf("exit code %d instead of 7:\n%s", code, output)
	}
}

func TestAKernelPanicIsAFailureThatShowsTheConsole(t *testing.T) {
	t.Parallel()
	code, output := ended(t, sacrificed(t, "panic"))
	if code != 1 || !strings.Contains(output, "the kernel of the virtual machine panicked") || !strings.Contains(output, "sysrq triggered crash") {
		t.Errorf("exit code %d:\n%s", code, output)
	}
}

func TestASilentMachineIsAFailureThatShowsTheConsole(t *testing.T) {
	t.Parallel()
	cmd := sacrificed(t, "stay", silenceVar+"=20s")
	qemu, output := untilReady(t, cmd)
	if err := unix.Kill(qemu, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(output.String(), "the virtual machine hung") {
		t.Errorf("%v %v after the machine was stopped:\n%s", cmd.ProcessState, time.Since(begun), output)
	}
	waitUntilGone(t, qemu)
}

func TestNothingIsLeftAfterAKill(t *testing.T) {
	t.Parallel()
	cmd := sacrificed(t, "stay")
	qemu, _ := untilReady(t, cmd)
	tmp := os.Getenv("TMPDIR")
	for _, e := range cmd.Env {
		if dir, ok := strings.CutPrefix(e, "TMPDIR="); ok {
			tmp = dir
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitUntilGone(t, qemu)
	if left, err := filepath.Glob(tmp + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", tmp, left, err)
	}
	cache, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, unfinished+"*")); err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

// untilReady starts a sacrifice that stays, and returns the process of its machine when
// its tests run.
func untilReady(t *testing.T, cmd *exec.Cmd) (qemu int, output *testbin.Output) {
	t.Helper()
	output = &testbin.Output{}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(output, w), output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	ready := make(chan struct{})
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "ready") {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(soon):
		t.Fatalf("the machine is not ready after %v:\n%s", soon, output)
	}
	return child(t, cmd.Process.Pid, "qemu-system-x86"), output
}

// child is the only child of a process with this name.
func child(t *testing.T, parent int, name string) int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			comm, _ := os.ReadFile("/proc/" + word + "/comm")
			if strings.TrimSpace(string(comm)) == name {
				pid, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				return pid
			}
		}
	}
	t.Fatalf("process %d has no child %s", parent, name)
	return 0
}

func waitUntilGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// Its parent is gone, and nobody may reap it: a zombie holds nothing.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, state, _ := strings.Cut(string(stat), ") "); err != nil || strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X") {
			return
		}
	}
	t.Errorf("the machine, process %d, is still there after %v", pid, soon)
}
