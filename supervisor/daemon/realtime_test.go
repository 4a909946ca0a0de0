package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// The loop waits for whoever the garbage collector waits for: also threads that were
// started later.
func TestEveryThreadIsRealTimeButNoChild(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", "proxy:\n  command: [/bin/sleep, '1000']\n"+pair)
	var children []string
	n.until("the proxy runs", func() bool {
		children = childrenOf(strconv.Itoa(n.cmd.Process.Pid))
		return len(children) > 0
	})
	n.is("ACTIVE")
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", n.cmd.Process.Pid))
	if len(tasks) < 3 {
		t.Errorf("%d threads", len(tasks))
	}
	for _, task := range tasks {
		if p := roundRobin(task.Name()); p != 1 {
			t.Errorf("thread %s has the real-time priority %d, want 1 as all the others", task.Name(), p)
		}
	}
	for _, pid := range children {
		if p := roundRobin(pid); p != 0 {
			t.Errorf("the proxy, %s, is real-time with priority %d", pid, p)
		}
	}
}

func TestWhatProgramsStartIsNotRealTime(t *testing.T) {
	t.Parallel()
	const many = 20
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	var probes strings.Builder
	for i := range many {
		fmt.Fprintf(&probes, "  - {name: p%d, exec: [/bin/sh, -c, 'sleep 1000 & wait'], timeout: 1m, weight: 1}\n", i)
	}
	n := start(t, h, "lb01", "probes:\n"+probes.String()+pair)
	var all []string
	n.until("every program has started another one", func() bool {
		all = nil
		for _, child := range childrenOf(strconv.Itoa(n.cmd.Process.Pid)) {
			all = append(append(all, child), childrenOf(child)...)
		}
		return len(all) >= 2*many
	})
	for _, pid := range all {
		if p := roundRobin(pid); p != 0 {
			t.Errorf("%s is real-time with priority %d", pid, p)
		}
	}
}

// childrenOf are the children of all threads of a process.
func childrenOf(pid string) (children []string) {
	files, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
	for _, f := range files {
		text, _ := os.ReadFile(f)
		children = append(children, strings.Fields(string(text))...)
	}
	return children
}

// roundRobin is the priority of a thread under SCHED_RR; 0: it is not.
func roundRobin(tid string) uint32 {
	number, _ := strconv.Atoi(tid)
	attr, err := unix.SchedGetAttr(number, 0)
	if err != nil || attr.Policy != unix.SCHED_RR {
		return 0
	}
	return attr.Priority
}
