package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// tutorialConf is what a tutorial has on a node: a word for its state, and its priority, differ.
const tutorialConf = `global_defs {
    router_id NAME
}

vrrp_script check_web {
    script "/etc/keepalived/check_web.sh"
    interval 2
    weight -20
}

vrrp_instance VI_1 {
    state STATE
    interface eth0
    virtual_router_id 50
    priority PRIORITY
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        10.77.0.100/24
    }
    track_script {
        check_web
    }
}
`

const tutorialScript = `#!/bin/bash
# No nginx: start it; still none: leave the address to the other node.
if [ "$(ps -C nginx --no-header | wc -l)" -eq 0 ]; then
    systemctl start nginx
    sleep 1
    if [ "$(ps -C nginx --no-header | wc -l)" -eq 0 ]; then
        systemctl stop keepalived
    fi
fi
`

const movingGuide = "../../docs/moving-from-keepalived.md"

// newKeepalivedPair is a pair with keepalived on both hosts, and pairkeeper installed, not started.
func newKeepalivedPair(t *testing.T) *pair {
	t.Helper()
	netlab.Need(t, "nginx", "haproxy", "keepalived")
	lab := hostlab.New(t, "lb01", "lb02")
	p := &pair{t: t, proxy: nginx, lab: lab, a: lab.Host("lb01"), b: lab.Host("lb02")}
	for _, h := range p.nodes() {
		p.install(h, "")
		h.Run(t, "rm", "/etc/pairkeeper/pairkeeper.yaml")
		words := strings.NewReplacer("NAME", h.Name(), "STATE", "MASTER", "PRIORITY", "150")
		if h == p.b {
			words = strings.NewReplacer("NAME", h.Name(), "STATE", "BACKUP", "PRIORITY", "100")
		}
		h.Write(t, "/etc/keepalived/keepalived.conf", words.Replace(tutorialConf), 0o644)
		h.Write(t, "/etc/keepalived/check_web.sh", tutorialScript, 0o755)
		h.Run(t, "systemctl", "enable", "--now", "keepalived")
	}
	p.client, p.census = lab.Client(vip, 2*time.Millisecond), lab.Census(t, vip)
	p.client.WaitFor(t, "lb01", soon)
	time.Sleep(4 * time.Second) // both have settled
	return p
}

// follow gives one command of a guide. There is no ssh in the lab: what scp would copy the test copies.
func (p *pair) follow(o order) string {
	p.t.Helper()
	host := p.lab.Host(o.host)
	if args := strings.Fields(o.command); args[0] == "scp" {
		p.copies(host, args[len(args)-2], args[len(args)-1])
		return ""
	}
	out, err := host.Try("sh", "-c", "cd /root\n{ "+o.command+"\n} 2>&1")
	if err != nil {
		out = err.Error()
		if !strings.HasPrefix(o.command, "pairkeeper rehearse") {
			p.t.Errorf("%v", err)
		}
	}
	return out
}

// copies copies a file as scp does, between a host and the one that is named before a colon.
func (p *pair) copies(here *hostlab.Host, from, to string) {
	p.t.Helper()
	place := func(name string) (*hostlab.Host, string) {
		if host, path, remote := strings.Cut(name, ":"); remote {
			return p.lab.Host(host), path
		}
		return here, name
	}
	source, path := place(from)
	target, goal := place(to)
	if !strings.HasPrefix(goal, "/") {
		goal = "/root/" + goal
	}
	target.Write(p.t, goal, source.Run(p.t, "cat", path)+"\n", 0o600)
}

// The pair moves over from keepalived by the commands of the guide, and back.
func TestAPairMovesOverFromKeepalived(t *testing.T) {
	p := newKeepalivedPair(t)
	for _, s := range guideOf(t, movingGuide) {
		p.mark()
		for _, o := range s.commands {
			t.Logf("%s# %s\n%s", o.host, o.command, p.follow(o))
		}
		time.Sleep(6 * time.Second)
		t.Logf("%s: answered by %v; %v; two holders %s, nobody %s: %s", s.heading, p.client.Hosts(), p.client.Outage(), p.census.DualTime(), p.census.NoneTime(), p.census)
	}
}
