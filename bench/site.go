//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// site is a proxy that is a unit of systemd, with Debian's unit and hostlab's
// configuration. Every answer is the host's name.
type site struct {
	name   string // of the unit and of its processes
	config string
	test   string // a command in YAML
	bad    string // a line that it refuses
}

var (
	nginxSite   = site{"nginx", "/etc/nginx/nginx.conf", "[nginx, -t, -q]", "no_such_directive on;"}
	haproxySite = site{"haproxy", "/etc/haproxy/haproxy.cfg", "[haproxy, -c, -q, -f, /etc/haproxy/haproxy.cfg]", "no_such_keyword"}
)

func (s site) unit() string { return s.name + ".service" }

// byRank puts the main process first: the one whose parent is none of them.
func byRank(pids []int) []int {
	main := slices.IndexFunc(pids, func(pid int) bool { return !slices.Contains(pids, parent(pid)) })
	if main > 0 {
		pids[0], pids[main] = pids[main], pids[0]
	}
	return pids
}

// parent is a process's parent, 0 if it has ended.
func parent(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := bytes.Cut(text, []byte(") "))
	fields := bytes.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(string(fields[1])) // the kernel's
	return n
}
