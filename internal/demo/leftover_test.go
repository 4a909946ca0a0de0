package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// traces are the namespaces of a demo under way, by which all that it leaves behind
// could be found.
type traces struct {
	pid   string   // the process namespace
	all   []string // namespaces, as /proc names them
	files []string // what lies where the demo works
}

type process struct {
	pid     int
	command string
}

var kinds = []string{"pid", "mnt", "net", "ipc", "user"}

// spaces collects the traces of a demo.
func spaces(t *testing.T, s *show) traces {
	t.Helper()
	own := map[string]bool{}
	for _, kind := range kinds {
		own[link("self", kind)] = true
	}
	tr := traces{files: workFiles(t)}
	for _, pid := range pids(t) {
		status, _ := os.ReadFile(filepath.Join("/proc", pid, "status"))
		if strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", s.cmd.Process.Pid)) {
			tr.pid = link(pid, "pid")
		}
	}
	if tr.pid == "" || own[tr.pid] {
		t.Fatalf("the demo has no process namespace of its own")
	}
	if n := len(tr.members()); n < 5 { // PID 1, the play, the client, two daemons
		t.Fatalf("the demo has %d processes", n)
	}
	for _, p := range tr.members() {
		for _, kind := range kinds {
			if l := link(strconv.Itoa(p.pid), kind); l != "" && !own[l] && !slices.Contains(tr.all, l) && keepName(t, p.pid, kind) {
				tr.all = append(tr.all, l)
			}
		}
	}
	return tr
}

// keepName keeps a namespace until the test ends: the kernel gives its number to nobody else
// meanwhile. False: the process has ended.
func keepName(t *testing.T, pid int, kind string) bool {
	file, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "ns", kind))
	if err == nil {
		t.Cleanup(func() { file.Close() })
	}
	return err == nil
}

// gone fails the test if anything is left.
func (tr traces) gone(t *testing.T, s *show) {
	t.Helper()
	var left []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = tr.left(t); len(left) == 0 {
			break
		}
	}
	for _, l := range left {
		t.Errorf("left behind: %s", l)
	}
	if files, err := os.ReadDir(s.dir); err != nil || len(files) > 0 {
		t.Errorf("left behind in its folder: %v %v", files, err)
	}
	if now := workFiles(t); !slices.Equal(now, tr.files) {
		t.Errorf("%s has %q now", workDir, now)
	}
}

func (tr traces) left(t *testing.T) []string {
	var left []string
	for _, pid := range pids(t) {
		for _, kind := range kinds {
			if l := link(pid, kind); slices.Contains(tr.all, l) {
				left = append(left, "process "+pid+" in "+l)
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		named := slices.ContainsFunc(tr.all, func(l string) bool { return strings.Contains(line, l) })
		if named || strings.Contains(line, mountSource) {
			left = append(left, "mount "+line)
		}
	}
	return left
}

// members are the demo's processes.
func (tr traces) members() []process {
	var list []process
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || link(e.Name(), "pid") != tr.pid {
			continue
		}
		text, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		list = append(list, process{pid, strings.ReplaceAll(string(text), "\x00", " ")})
	}
	return list
}

// link is a namespace of a process; empty: it has ended.
func link(pid, kind string) string {
	l, _ := os.Readlink(filepath.Join("/proc", pid, "ns", kind))
	return l
}

func pids(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			list = append(list, e.Name())
		}
	}
	return list
}

// workFiles are the names the demo uses that lie in its folder outside.
func workFiles(t *testing.T) []string {
	var list []string
	for _, pattern := range []string{"lb0*", "pairkeeper", "pairkeeper.yaml", webProgram} {
		names, err := filepath.Glob(filepath.Join(workDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, names...)
	}
	return list
}
