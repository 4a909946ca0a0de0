//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// pairkeeper is the program under -binary.
type pairkeeper struct{ binary string }

func (pairkeeper) bringsProxy() bool { return true }

func (k pairkeeper) start(h *host, s settings) daemon {
	conf := h.write("pairkeeper.yaml", pairkeeperConf(h, s), 0o644)
	d := &pairkeeperDaemon{binary: k.binary, socket: filepath.Join(h.dir, "control.sock"), routers: len(s.routers())}
	d.run = launch(h, []string{k.binary, "run", "-c", conf, "--node", h.name, "--socket", d.socket})
	return d
}

// pairkeeperConf has the defaults but for what the scenario needs.
func pairkeeperConf(h *host, s settings) string {
	var b strings.Builder
	b.WriteString("nodes:\n")
	for _, n := range []node{first, second} {
		fmt.Fprintf(&b, "  %s: {address: %s, priority: %d}\n", n.name, n.address, n.priority)
	}
	if s.guard {
		n := newNginx(h)
		command, _ := json.Marshal(n.argv("-g", "daemon off;")) // JSON is YAML
		test, _ := json.Marshal(n.argv("-t", "-q"))
		fmt.Fprintf(&b, "proxy:\n  command: %s\n  test: %s\n", command, test)
	}
	if s.guard || s.look {
		b.WriteString("probes:\n  - http: http://127.0.0.1/\n    interval: 500ms\n")
	}
	if s.probes != "" && h.node == first { // the other node would take them from the same processors
		b.WriteString("probes:\n" + s.probes)
	}
	b.WriteString("virtual_routers:\n")
	for _, r := range s.routers() {
		fmt.Fprintf(&b, "  - interface: %s\n    vrid: %d\n    version: %d\n", nic, r.vrid, s.version)
		fmt.Fprintf(&b, "    advert_interval: %s\n    addresses: [%s/24]\n", s.interval, r.address)
	}
	if h.node == first {
		writeServers(&b, s.servers)
	}
	return b.String()
}

type pairkeeperDaemon struct {
	run            *process
	binary, socket string
	routers        int
}

func (d *pairkeeperDaemon) process() *process { return d.run }
func (d *pairkeeperDaemon) log() string       { return d.run.out.String() }
func (d *pairkeeperDaemon) active() bool      { return d.state() == "ACTIVE" }
func (d *pairkeeperDaemon) backup() bool      { return d.state() == "BACKUP" }
func (d *pairkeeperDaemon) pids() []int       { return []int{d.run.pid()} }

// moved is its log's line of a transition.
var moved = regexp.MustCompile(`(?m)^\S+ \S+ +\S+: [A-Z]+ -> [A-Z]+ `)

func (d *pairkeeperDaemon) changes() int { return len(moved.FindAllString(d.log(), -1)) }

// state is what pairkeeper status says of all its routers; empty: they differ.
func (d *pairkeeperDaemon) state() string {
	text, err := exec.Command(d.binary, "status", "--json", "--socket", d.socket).Output()
	if err != nil {
		return "" // it does not listen yet
	}
	var status struct {
		Routers []struct {
			State string `json:"state"`
		} `json:"routers"`
	}
	if json.Unmarshal(text, &status) != nil || len(status.Routers) != d.routers {
		return ""
	}
	for _, r := range status.Routers {
		if r.State != status.Routers[0].State {
			return ""
		}
	}
	return status.Routers[0].State
}
