package doctornet

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
)

// speakers are the programs that are looked for.
var speakers = []string{"keepalived", "pairkeeper"}

// processes finds those that speak VRRP in the network of this process.
func (r *reader) processes() {
	here, err := os.Readlink("/proc/self/ns/net")
	entries, listErr := os.ReadDir("/proc")
	if err != nil || listErr != nil {
		r.unread(doctor.AreaProcesses, "the processes: /proc cannot be read")
		return
	}
	parents := map[int]int{}
	hidden := false
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		name := strings.TrimSpace(read(dir + "/comm"))
		if !slices.Contains(speakers, name) {
			continue
		}
		where, err := os.Readlink(dir + "/ns/net")
		if err != nil {
			hidden = true
			continue
		}
		p := doctor.Process{PID: pid, Name: name, Unit: unitOf(read(dir + "/cgroup")), Args: strings.Split(strings.TrimRight(read(dir+"/cmdline"), "\x00"), "\x00")}
		if where != here || name == "pairkeeper" && !slices.Contains(p.Args, "run") {
			continue
		}
		parents[pid] = parent(pid)
		r.Processes = append(r.Processes, p)
	}
	r.Processes = slices.DeleteFunc(r.Processes, func(p doctor.Process) bool { return parents[parents[p.PID]] != 0 }) // a child of one that is listed
	if hidden {
		r.unread(doctor.AreaProcesses, "other users' processes: run doctor as root")
	}
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// stat are the fields of a process after its name (proc_pid_stat(5)): the state is the first.
func stat(pid int) []string {
	text := read(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}

func parent(pid int) int {
	if f := stat(pid); len(f) > 1 {
		n, _ := strconv.Atoi(f[1])
		return n
	}
	return 0
}

// unitOf is the service of systemd in a text of /proc/PID/cgroup.
func unitOf(text string) string {
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == '/' || c == '\n' }) {
		if strings.HasSuffix(part, ".service") {
			return part
		}
	}
	return ""
}

// UnitOf is the service of systemd that a process is of; empty: none.
func UnitOf(pid int) string { return unitOf(read(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))) }

// privileges reads those of the daemon.
func (r *reader) privileges() {
	if r.Daemon == nil || r.Daemon.PID == 0 {
		return
	}
	for line := range strings.Lines(read(filepath.Join("/proc", strconv.Itoa(r.Daemon.PID), "status"))) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			if f := stat(r.Daemon.PID); err == nil && len(f) > policyField {
				r.Privileges = &doctor.Privileges{Capabilities: bits, Realtime: f[policyField] == strconv.Itoa(unix.SCHED_RR)}
			}
		}
	}
}

// policyField is the scheduling policy's place in stat, which has it as the 41st field.
const policyField = 41 - 3
