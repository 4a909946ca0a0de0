//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// keepalived is Debian's, set up as the tutorials do.
type keepalived struct{}

func (keepalived) bringsProxy() bool { return false }

// checkWeb is the script that everybody copies: start the proxy when none is there, and
// stop keepalived when it is still not there a second later. Its words are the name of
// the proxy's processes, and how to start it and to stop keepalived.
const checkWeb = `#!/bin/sh
if [ "$(ps -C %[1]s --no-headers | wc -l)" -eq 0 ]; then
	%[2]s >/dev/null 2>&1
	sleep 1
	if [ "$(ps -C %[1]s --no-headers | wc -l)" -eq 0 ]; then
		%[3]s
	fi
fi
exit 0
`

// checkHTTP asks nginx for a page.
const checkHTTP = `#!/bin/sh
exec curl -fsS -m 1 -o /dev/null http://127.0.0.1/
`

func (keepalived) start(h *host, s settings) daemon {
	conf := h.write("keepalived.conf", keepalivedConf(h, s), 0o600)
	file := func(name string) string { return filepath.Join(h.dir, name) }
	run := launch(h, []string{
		"keepalived", "--dont-fork", "--log-console", "--no-syslog", "--use-file", conf,
		"--pid", file("keepalived.pid"), "--vrrp_pid", file("vrrp.pid"),
		"--checkers_pid", file("checkers.pid"), "--bfd_pid", file("bfd.pid"),
	}, "TMPDIR="+h.dir)
	return &keepalivedDaemon{run, len(s.routers())}
}

// keepalivedConf is a complete keepalived.conf(5).
func keepalivedConf(h *host, s settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n\trouter_id %s\n\tscript_user root\n\tenable_script_security\n\tvrrp_version %d\n", h.name, s.version)
	if s.realTime {
		// By its default it is killed after 10 ms of work without a pause, as with many routers.
		b.WriteString("\tvrrp_rt_priority 1\n\tvrrp_rlimit_rttime 1000000\n")
	}
	b.WriteString("}\n")
	script := keepalivedScript(h, s)
	if script != "" {
		fmt.Fprintf(&b, "vrrp_script check {\n\tscript %s\n\tinterval %d\n\ttimeout 5\n}\n", script, s.every/time.Second)
	}
	var tracked []string
	if script != "" {
		tracked = append(tracked, "check")
	}
	for i := range s.scripts {
		name := fmt.Sprintf("true%d", i)
		tracked = append(tracked, name)
		fmt.Fprintf(&b, "vrrp_script %s {\n\tscript /bin/true\n\tinterval 1\n}\n", name)
	}
	state := "BACKUP"
	if h.node == first {
		state = "MASTER"
	}
	for _, r := range s.routers() {
		fmt.Fprintf(&b, "vrrp_instance %s {\n\tstate %s\n\tinterface %s\n\tvirtual_router_id %d\n", r, state, nic, r.vrid)
		fmt.Fprintf(&b, "\tpriority %d\n\tadvert_int %g\n", h.priority, s.interval.Seconds())
		fmt.Fprintf(&b, "\tvirtual_ipaddress {\n\t\t%s/24\n\t}\n", r.address)
		if len(tracked) > 0 {
			fmt.Fprintf(&b, "\ttrack_script {\n\t\t%s\n\t}\n", strings.Join(tracked, "\n\t\t"))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// keepalivedScript writes the check script and returns its path; empty: none.
func keepalivedScript(h *host, s settings) string {
	switch {
	case s.guard:
		start := strings.Join(newNginx(h).argv(), " ")
		stop := fmt.Sprintf(`kill "$(cat %s)"`, filepath.Join(h.dir, "keepalived.pid"))
		return h.write("check_web.sh", fmt.Sprintf(checkWeb, "nginx", start, stop), 0o700)
	case s.look:
		return h.write("check_http.sh", checkHTTP, 0o700)
	}
	return ""
}

type keepalivedDaemon struct {
	run     *process
	routers int
}

func (d *keepalivedDaemon) process() *process { return d.run }
func (d *keepalivedDaemon) log() string       { return d.run.out.String() }
func (d *keepalivedDaemon) active() bool      { return d.state() == "MASTER" }
func (d *keepalivedDaemon) backup() bool      { return d.state() == "BACKUP" }

// entered is its log's line of a transition.
var entered = regexp.MustCompile(`\((VI_\d+)\) Entering (\w+) STATE`)

// state is what it says that all its instances entered last; empty: they differ.
func (d *keepalivedDaemon) state() string {
	last := map[string]string{}
	for _, m := range entered.FindAllStringSubmatch(d.log(), -1) {
		last[m[1]] = m[2]
	}
	states := map[string]int{}
	for _, state := range last {
		states[state]++
	}
	for state, n := range states {
		if n == d.routers {
			return state
		}
	}
	return ""
}

func (d *keepalivedDaemon) changes() int { return len(entered.FindAllString(d.log(), -1)) }

func (d *keepalivedDaemon) pids() []int {
	pid := d.run.pid()
	pids := []int{pid}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}
