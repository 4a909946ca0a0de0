package hosts

import (
	"fmt"
	"os"
	"slices"
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
	time.Sleep(time.Second)
	return p
}

// phase is what a section of the guide does to the pair.
type phase struct {
	holder string // who answers at its end
	moves  bool   // somebody else does meanwhile, or before
	none   time.Duration
}

// For how long nobody may have the address is generous, as the machine may be busy: it is 20 ms where
// the address moves, and where the version changes 100 ms.
const (
	little = 300 * time.Millisecond
	more   = 2 * time.Second
)

var moving = map[string]phase{
	"1. Make the configuration of both files": {"lb01", false, little},
	"2. pairkeeper on the Backup":             {"lb01", false, little},
	"3. The address moves over":               {"lb02", true, more},
	"4. The heartbeat":                        {"lb02", false, little},
	"5. pairkeeper on the other node":         {"lb02", false, little},
	"6. The address back to the first node":   {"lb01", true, more},
	"The way back":                            {"lb01", true, more},
	"Forward again":                           {"lb01", true, more},
	"Without a keepalived":                    {"lb01", true, more},
}

// The pair moves over from keepalived by the commands of the guide, and back.
func TestAPairMovesOverFromKeepalived(t *testing.T) {
	p := newKeepalivedPair(t)
	sections := guideOf(t, movingGuide)
	if len(sections) != len(moving) {
		t.Errorf("the guide has %d sections with commands, the test %d", len(sections), len(moving))
	}
	commands := 0
	for _, s := range sections {
		want, known := moving[s.heading]
		if !known {
			t.Fatalf("the test knows of no section %q", s.heading)
		}
		if s.heading[0] >= '1' && s.heading[0] <= '9' {
			commands += s.count()
		}
		p.mark()
		for _, step := range s.steps {
			p.does(step)
			p.client.WaitFor(t, want.holder, soon)
			time.Sleep(time.Second)
		}
		o := p.client.Outage()
		t.Logf("%s: %d commands; answered by %v; %v; two holders %s, nobody %s: %s",
			s.heading, s.count(), p.client.Hosts(), o, p.census.DualTime(), p.census.NoneTime(), p.census)
		if d := p.census.NoneTime(); d > want.none {
			t.Errorf("%s: nobody had the address for %s, at the most %s: %s", s.heading, d, want.none, p.census)
		}
		if got := p.client.Hosts(); !want.moves && !slices.Equal(got, []string{want.holder}) {
			t.Errorf("%s: answered by %v, want %s alone", s.heading, got, want.holder)
		}
		if o.Failed > o.Answered {
			t.Errorf("%s: %v", s.heading, o)
		}
		p.neverTwo()
	}
	guide, err := os.ReadFile(movingGuide)
	if err != nil {
		t.Fatal(err)
	}
	if words := fmt.Sprintf("%d commands", commands); !strings.Contains(string(guide), words) {
		t.Errorf("the guide does not say that it takes %s", words)
	}
}

// does gives the commands of a step, and looks for what the guide shows of their output.
func (p *pair) does(s step) {
	p.t.Helper()
	output := ""
	for _, o := range s.commands {
		if strings.HasPrefix(o.command, "pairkeeper ") {
			time.Sleep(2 * time.Second) // nobody types faster
		}
		out := p.follow(o)
		p.t.Logf("%s# %s\n%s", o.host, o.command, out)
		output += out + "\n"
	}
	for _, line := range s.shown {
		if !printed(line, output) {
			p.t.Errorf("the guide shows what is not printed: %s", line)
		}
	}
}

// follow gives one command of a guide. There is no ssh in the lab: what scp would copy the test
// copies. What a command ends with, if not with 0, stands in the guide behind "# exit status".
func (p *pair) follow(o order) string {
	p.t.Helper()
	host := p.lab.Host(o.host)
	command, status, _ := strings.Cut(o.command, " # exit status ")
	if args := strings.Fields(command); args[0] == "scp" {
		p.copies(host, args[len(args)-2], args[len(args)-1])
		return ""
	}
	out := host.Run(p.t, "sh", "-c", "cd /root\n{ "+command+"\n} 2>&1\necho $?")
	i := strings.LastIndexByte(out, '\n') + 1
	out, got := strings.TrimSuffix(out[:i], "\n"), out[i:]
	if status == "" {
		status = "0"
	}
	if got != status {
		p.t.Errorf("%s# %s: exit status %s, not %s:\n%s", o.host, command, got, status, out)
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
