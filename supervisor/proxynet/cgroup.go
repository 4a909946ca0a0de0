package proxynet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Where the tree of cgroup2 is; the second is beside one of cgroup v1.
var cgroupRoots = []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}

// find fills in what the cgroup that a socket was made in tells.
func (h *holder) find(cgroup uint64) {
	dir := cgroupDir(cgroup)
	if dir == "" {
		return
	}
	h.unit = unitOf(dir)
	if h.unit == "init.scope" {
		return
	}
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return
	}
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil || pid == 0 { // of another PID namespace
			continue
		}
		if h.pid == 0 || hasSocket(pid, h.inode) {
			h.pid = pid
		}
	}
	if h.pid != 0 {
		comm, _ := os.ReadFile("/proc/" + strconv.Itoa(h.pid) + "/comm") // ProtectProc= may hide it
		h.comm = strings.TrimSpace(string(comm))
	}
}

// hasSocket tells that a process is seen to have a socket. Where its files cannot be read,
// nothing is seen.
func hasSocket(pid int, inode uint32) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	files, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range files {
		if to, _ := os.Readlink(filepath.Join(dir, f.Name())); to == "socket:["+strconv.Itoa(int(inode))+"]" {
			return true
		}
	}
	return false
}

// cgroupDir finds the folder of a cgroup; empty: it is gone, or not to be seen from here.
func cgroupDir(inode uint64) (found string) {
	if inode == 0 {
		return ""
	}
	for _, root := range cgroupRoots {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && !d.IsDir() {
				return nil
			}
			if err != nil {
				return fs.SkipDir
			}
			info, err := d.Info()
			if err != nil {
				return nil
			}
			if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Ino == inode {
				found = path
				return fs.SkipAll
			}
			return nil
		})
		if found != "" {
			return found
		}
	}
	return ""
}

// unitOf is the unit of systemd that a cgroup is of, or is below.
func unitOf(dir string) string {
	unit := ""
	for _, part := range strings.Split(dir, "/") {
		if strings.HasSuffix(part, ".service") || strings.HasSuffix(part, ".scope") {
			unit = part
		}
	}
	return unit
}
