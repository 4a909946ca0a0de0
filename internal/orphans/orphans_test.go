package orphans

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// soon is generous: the machine may be busy.
const soon = 60 * time.Second

// As a subreaper the test is given orphans like PID 1 is.
func TestMain(m *testing.M) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func reaping(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); Reap(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// start runs a script noted as os/exec's.
func start(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	if err := Started(cmd, cmd.Start); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// children are the states of this process's children by process id.
func children(t *testing.T) map[int]string {
	t.Helper()
	all := map[int]string{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, _ := os.ReadFile(path) // it may have ended
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			all[pid] = f[0]
		}
	}
	return all
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s; the children are %v", what, children(t))
		}
	}
}

// count is how many lines a file has.
func count(path string) int {
	text, _ := os.ReadFile(path)
	return strings.Count(string(text), "\n")
}

func TestOrphansAreReapedAndNobodysExitStatusIsStolen(t *testing.T) {
	reaping(t)
	const rounds, each = 40, 5
	lived := filepath.Join(t.TempDir(), "lived")
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range rounds {
				want := worker*rounds + i + 1
				script := strings.Repeat("(sleep 0.02; echo x >> "+lived+"; exit 77) & ", each) + "exit " + strconv.Itoa(want)
				cmd := exec.Command("sh", "-c", script)
				if err := Started(cmd, cmd.Start); err != nil {
					t.Error(err)
					return
				}
				if err := cmd.Wait(); cmd.ProcessState.ExitCode() != want {
					t.Errorf("exit status %d, want %d: %v", cmd.ProcessState.ExitCode(), want, err)
				}
			}
		})
	}
	wg.Wait()
	until(t, "every orphan has lived", func() bool { return count(lived) == 4*rounds*each })
	until(t, "every orphan is reaped", func() bool { return len(children(t)) == 0 })
}

// Whoever starts a command may be slow to wait for it: orphans wait as long.
func TestAChildOfExecIsLeftToItsWait(t *testing.T) {
	cmd := start(t, "exit 3")
	until(t, "it has ended", func() bool { return children(t)[cmd.Process.Pid] == "Z" })
	reaping(t)
	time.Sleep(20 * retry)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
		t.Error(err)
	}
}

// The process id of a child of os/exec is given to an orphan later on.
func TestAnOrphanWithTheProcessIDOfAFormerChildIsReaped(t *testing.T) {
	former := start(t, "exit 0")
	if err := former.Wait(); err != nil {
		t.Fatal(err)
	}
	orphan, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "exit 0"}, &os.ProcAttr{}) // nobody waits for it
	if err != nil {
		t.Fatal(err)
	}
	own.mu.Lock()
	own.children[orphan.Pid] = former.Process
	own.mu.Unlock()
	reaping(t)
	until(t, "it is reaped", func() bool { return len(children(t)) == 0 })
}

func TestWhatHasEndedIsForgotten(t *testing.T) {
	for range 3 * forgetAt {
		if err := start(t, "exit 0").Wait(); err != nil {
			t.Fatal(err)
		}
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	if n := len(own.children); n > forgetAt {
		t.Errorf("%d are noted", n)
	}
}

func TestACommandThatDoesNotStartIsNotNoted(t *testing.T) {
	reaping(t)
	cmd := exec.Command("/no/such/program")
	if err := Started(cmd, cmd.Start); err == nil {
		t.Fatal("it started")
	}
	until(t, "no child is left", func() bool { return len(children(t)) == 0 })
}
