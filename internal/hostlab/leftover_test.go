//go:build linux

package hostlab_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// The tests of this file run a lab inside the lab, where nothing else starts or ends
// processes, and look for what it leaves.

const sacrifice = "PAIRKEEPER_HOSTLAB_SACRIFICE"

// TestSacrifice is the inner lab: it boots two hosts, busy and frozen, says so, and
// stays until its standard input ends.
func TestSacrifice(t *testing.T) {
	if os.Getenv(sacrifice) == "" {
		return // runs only inside the tests below
	}
	lab := hostlab.New(t, "i1", "i2")
	lab.Client(lab.Host("i1").Addr(), 10*time.Millisecond).WaitFor(t, "i1", soon)
	lab.Host("i1").Run(t, "systemd-run", "sleep", "1000")
	lab.Host("i2").Freeze(t)
	fmt.Println("\nready", lab.Host("i1").PID())
	io.Copy(io.Discard, os.Stdin)
}

func TestNothingIsLeftAfterNormalEnd(t *testing.T) {
	before := takeStock(t)
	inner, stdin := startSacrifice(t)
	stdin.Close()
	if err := inner.Wait(); err != nil {
		t.Fatalf("the inner lab: %v", err)
	}
	if left := takeStock(t).beyond(before); len(left) > 0 {
		t.Errorf("left after the end:\n%s", strings.Join(left, "\n"))
	}
}

func TestNothingIsLeftAfterKillOfTestProcess(t *testing.T) {
	before := takeStock(t)
	inner, _ := startSacrifice(t)
	if during := takeStock(t).beyond(before); !hasKinds(during, "process", "namespace", "cgroup") {
		t.Fatalf("the inner lab is not seen, so its end would not be either:\n%s", strings.Join(during, "\n"))
	}
	start := time.Now()
	if err := inner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	inner.Process.Wait() // not inner.Wait: that closes the pipe on which the inner lab waits
	var left []string
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if left = takeStock(t).beyond(before); len(left) == 0 {
			t.Logf("all gone %v after kill -9", time.Since(start).Round(time.Millisecond))
			return
		}
	}
	t.Errorf("left after kill -9:\n%s", strings.Join(left, "\n"))
}

// A janitor that is killed too leaves cgroups without a process.
func TestNextLabSweepsCgroupsOfDeadLabs(t *testing.T) {
	const dead = "pairkeeper-hostlab.DEAD"
	withCgroups(t, func(root string) {
		if err := os.MkdirAll(filepath.Join(root, dead, "i1", "system.slice"), 0o755); err != nil {
			t.Fatal(err)
		}
	})
	startSacrifice(t)
	withCgroups(t, func(root string) {
		if _, err := os.Stat(filepath.Join(root, dead)); err == nil {
			t.Error("the cgroups of a dead lab are still there")
		}
	})
}

// startSacrifice runs TestSacrifice in a process of its own until its hosts are up.
func startSacrifice(t *testing.T) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSacrifice$", "-test.v")
	cmd.Env = append(os.Environ(), sacrifice+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var said []string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ready") {
			go io.Copy(io.Discard, stdout)
			return cmd, stdin
		}
		said = append(said, lines.Text())
	}
	t.Fatalf("the inner lab did not come up:\n%s", strings.Join(said, "\n"))
	return nil, nil
}

// stock is what there is, such as "process 12 nginx" or "namespace net:[4026532]".
type stock map[string]bool

func (s stock) beyond(before stock) []string {
	var more []string
	for item := range s {
		if !before[item] {
			more = append(more, item)
		}
	}
	slices.Sort(more)
	return more
}

func hasKinds(items []string, kinds ...string) bool {
	for _, kind := range kinds {
		if !slices.ContainsFunc(items, func(item string) bool { return strings.HasPrefix(item, kind+" ") }) {
			return false
		}
	}
	return true
}

func takeStock(t *testing.T) stock {
	t.Helper()
	s := stock{}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range procs {
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil || zombie(dir) { // nobody reaps orphans in the lab; they hold nothing
			continue
		}
		s[fmt.Sprintf("process %s %s", filepath.Base(dir), strings.TrimSpace(string(comm)))] = true
		links, _ := filepath.Glob(dir + "/ns/*")
		for _, link := range links {
			if ns, err := os.Readlink(link); err == nil {
				s["namespace "+ns] = true
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		s["mount "+strings.TrimSpace(line)] = true
	}
	for _, pattern := range []string{"/run/*", "/run/*/*", "/mnt/*"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			s["file "+path] = true
		}
	}
	withCgroups(t, func(root string) {
		found, _ := filepath.Glob(root + "/pairkeeper-hostlab.*/i1")
		for _, dir := range found {
			s["cgroup "+strings.TrimPrefix(dir, root)] = true
		}
	})
	return s
}

func zombie(proc string) bool {
	stat, err := os.ReadFile(proc + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err != nil || strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// withCgroups shows f the machine's cgroup tree.
func withCgroups(t *testing.T, f func(root string)) {
	t.Helper()
	root := t.TempDir()
	if err := unix.Mount("cgroup2", root, "cgroup2", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(root, unix.MNT_DETACH)
	f(root)
}
