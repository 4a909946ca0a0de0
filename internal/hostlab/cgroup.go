//go:build linux

package hostlab

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	base       = "/run/hostlab"        // in the lab's mount namespace only
	cgroupRoot = base + "/cgroup"      // the machine's cgroup v2 tree
	cgroupMark = "pairkeeper-hostlab." // each lab's own folder there begins so
)

// labCgroup is the folder below which all cgroups of this lab are.
var labCgroup string

// enterCgroup moves the lab into a cgroup of its own. A host's systemd must never
// start in the root cgroup: it would move every process of the machine.
func enterCgroup(name string) error {
	sweep()
	labCgroup = filepath.Join(cgroupRoot, name)
	pid := []byte(strconv.Itoa(os.Getpid()))
	var err error
	for range 10 { // the sweep of another lab may remove it before we are in
		if err = os.MkdirAll(labCgroup+"/lab", 0o755); err != nil {
			continue
		}
		if err = os.WriteFile(labCgroup+"/lab/cgroup.procs", pid, 0); err == nil {
			return nil
		}
	}
	return err
}

// UnitProcesses are the processes of a service of the host, as their numbers are in the
// lab; none if it does not run.
func (h *Host) UnitProcesses(unit string) []int {
	text, _ := os.ReadFile(filepath.Join(h.cgroup(), "system.slice", unit, "cgroup.procs"))
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// sweep removes the cgroups of labs that have ended.
func sweep() {
	labs, _ := filepath.Glob(filepath.Join(cgroupRoot, cgroupMark+"*"))
	for _, dir := range labs {
		if !populated(dir) {
			removeCgroup(dir)
		}
	}
}

// removeCgroup removes an empty cgroup and those below it.
func removeCgroup(dir string) error {
	var dirs []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	var err error
	for _, d := range slices.Backward(dirs) {
		err = os.Remove(d)
	}
	return err
}

// populated reports whether a process lives in the cgroup or below it.
func populated(dir string) bool { return cgroupEvent(dir, "populated 1") }

// frozen reports whether every process of the cgroup stands still.
func frozen(dir string) bool { return cgroupEvent(dir, "frozen 1") }

func cgroupEvent(dir, line string) bool {
	events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
	return err == nil && slices.Contains(strings.Split(string(events), "\n"), line)
}
