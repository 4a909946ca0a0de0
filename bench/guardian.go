//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// guardian is a tool as a unit of systemd that restarts a proxy which is another one.
type guardian interface {
	unit() string
	// install writes its files on a host of the lane.
	install(l *lane, h *hostlab.Host)
	// settled tells that the tool is content with its host in that state.
	settled(l *lane, h *hostlab.Host) bool
	// trace is how journalctl finds what it writes when it has seen the fault.
	trace() []string
}

func (c contestant) guardian(o options) guardian {
	if c.kind == ours {
		return pairkeeperUnit{o.binary}
	}
	return keepalivedUnit{}
}

// pairkeeperUnit is the program under -binary with the unit of the package.
type pairkeeperUnit struct{ binary string }

func (pairkeeperUnit) unit() string    { return "pairkeeper.service" }
func (pairkeeperUnit) trace() []string { return []string{"PAIRKEEPER_REASON=proxy-failed"} }

// The defaults, but for many faults within minutes and a node that comes back at once.
const pairkeeperGuards = `nodes:
  %s: {address: %s, priority: 150}
  %s: {address: %s, priority: 100}
proxy:
  unit: %s
  test: %s
  budget: 1000
probes:
  - http: http://127.0.0.1/healthz
virtual_routers:
  - interface: eth0
    vrid: %d
    addresses: [%s/24]
    advert_interval: %s
    preempt_delay: 0
`

func (k pairkeeperUnit) install(l *lane, h *hostlab.Host) {
	unit, err := os.ReadFile("systemd/pairkeeper.service")
	l.must(err)
	h.Install(l, k.binary, "/usr/bin/pairkeeper")
	h.Write(l, "/etc/systemd/system/pairkeeper.service", string(unit), 0o644)
	h.Write(l, "/etc/pairkeeper/pairkeeper.yaml", fmt.Sprintf(pairkeeperGuards,
		l.a.Name(), l.a.Addr(), l.b.Name(), l.b.Addr(), l.site.unit(), l.site.test, l.vrid(), l.vip(), l.interval), 0o644)
	h.Run(l, "systemctl", "daemon-reload")
}

func (k pairkeeperUnit) settled(l *lane, h *hostlab.Host) bool {
	return k.state(l, h)
}

// state tells that the router is as it should be, and the proxy good, if one is guarded.
func (pairkeeperUnit) state(l *lane, h *hostlab.Host) bool {
	text, err := h.Try("pairkeeper", "status", "--json")
	var status struct {
		Proxy   struct{ State string }
		Routers []struct{ State string }
	}
	if err != nil || json.Unmarshal([]byte(text), &status) != nil || len(status.Routers) != 1 {
		return false // it does not listen yet
	}
	want := "BACKUP"
	if h == l.a {
		want = "ACTIVE"
	}
	return (status.Proxy.State == "good" || status.Proxy.State == "") && status.Routers[0].State == want
}

// keepalivedUnit is Debian's with the script of the tutorials.
type keepalivedUnit struct{}

func (keepalivedUnit) unit() string    { return "keepalived.service" }
func (keepalivedUnit) trace() []string { return []string{"--identifier=check_web"} }

const keepalivedGuards = `global_defs {
	router_id %s
	script_user root
	enable_script_security
	vrrp_version %d
}
vrrp_script check_web {
	script /etc/keepalived/check_web.sh
	interval %d
	timeout 5
}
vrrp_instance VI {
	state %s
	interface eth0
	virtual_router_id %d
	priority %d
	advert_int %g
	virtual_ipaddress {
		%s/24
	}
	track_script {
		check_web
	}
}
`

func (keepalivedUnit) install(l *lane, h *hostlab.Host) {
	state, priority := "BACKUP", 100
	if h == l.a {
		state, priority = "MASTER", 150
	}
	start := fmt.Sprintf("logger -t check_web 'there is no %[1]s'\n\tsystemctl start %[1]s", l.site.name)
	h.Write(l, "/etc/keepalived/check_web.sh", fmt.Sprintf(checkWeb, l.site.name, start, "systemctl stop keepalived"), 0o755)
	h.Write(l, "/etc/keepalived/keepalived.conf", fmt.Sprintf(keepalivedGuards,
		h.Name(), l.version, l.every/time.Second, state, l.vrid(), priority, l.interval.Seconds(), l.vip()), 0o644)
}

func (keepalivedUnit) settled(l *lane, h *hostlab.Host) bool {
	out, _ := h.Try("ip", "-br", "address", "show", "dev", "eth0")
	return strings.Contains(out, l.vip()+"/") == (h == l.a)
}
