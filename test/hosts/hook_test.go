package hosts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// hooked is a pair with a hook of each kind that is given, on both hosts.
func hooked(t *testing.T, hooks string, scripts map[string]string) *pair {
	t.Helper()
	p := newPair(t, nginx)
	for _, h := range p.lab.Hosts() {
		for name, text := range scripts {
			h.Write(t, "/etc/pairkeeper/"+name, "#!/bin/sh\n"+text+"\n", 0o755)
		}
		h.Write(t, "/etc/pairkeeper/pairkeeper.yaml", configFor(nginx, "hooks:\n"+hooks), 0o644)
		h.Run(t, "systemctl", "stop", "pairkeeper.service") // a restart moves nothing, which no hook is told of
		h.Run(t, "systemctl", "start", "pairkeeper.service")
	}
	p.client.WaitFor(t, "lb01", soon)
	p.awaitState(p.a, "ACTIVE")
	p.awaitState(p.b, "BACKUP")
	p.mark()
	return p
}

// said is what the notify hooks of a host have printed, once their last line begins so.
func (p *pair) said(h *hostlab.Host, last string) []string {
	p.t.Helper()
	var list []string
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		list = nil
		for line := range strings.Lines(p.journal(h)) {
			if _, text, ok := strings.Cut(line, ": hook notify says: "); ok {
				list = append(list, strings.TrimSpace(text))
			}
		}
		if len(list) > 0 && strings.HasPrefix(list[len(list)-1], last) {
			return list
		}
	}
	p.t.Fatalf("the hooks of %s said %q, and not %q at last", h.Name(), list, last)
	return nil
}

// A script of keepalived's kind, as a user of its own: what it is told through a failover
// and back, and whether the address is there by then.
func TestANotifyScriptFollowsAFailoverAndBack(t *testing.T) {
	const script = `ip -br address show dev eth0 | grep -q 10.77.0.100/ && has=held || has=gone
echo "$* $(id -un) $has $PAIRKEEPER_REASON"`
	p := hooked(t, "  notify: {command: [/etc/pairkeeper/notify.sh], user: nobody}\n", map[string]string{"notify.sh": script})
	before := len(p.said(p.a, "INSTANCE web MASTER 150 nobody held"))
	p.a.Run(t, "systemctl", "stop", "pairkeeper.service")
	p.client.WaitFor(t, "lb02", soon)
	stopped := p.said(p.a, "INSTANCE web STOP 150 nobody gone stopping")
	p.said(p.b, "INSTANCE web MASTER 100 nobody held peer-released")
	p.a.Run(t, "systemctl", "start", "pairkeeper.service")
	p.client.WaitFor(t, "lb01", soon)
	back := p.said(p.a, "INSTANCE web MASTER 150 nobody held preempts")
	want := []string{"INSTANCE web STOP 150 nobody gone stopping", "INSTANCE web BACKUP 150 nobody gone started", "INSTANCE web MASTER 150 nobody held preempts"}
	if got := back[before:]; !slices.Equal(got, want) || len(stopped) != before+1 {
		t.Errorf("on lb01 it was told %q, want %q", got, want)
	}
	p.neverTwo()
}

func TestAVetoGivesTheOtherNodeItsChance(t *testing.T) {
	p := hooked(t, "  before_active: {command: [/etc/pairkeeper/take.sh], user: nobody, retry: 2s}\n",
		map[string]string{"take.sh": "[ ! -e /etc/pairkeeper/veto ] || { echo the elastic address is not ours; exit 1; }"})
	p.b.Write(t, "/etc/pairkeeper/veto", "", 0o644)
	p.a.Run(t, "systemctl", "stop", "nginx.service")
	s := p.await(p.b, "lb02 vetoes", func(s daemon.Status) bool {
		return s.Routers[0].State == "FAULT" && s.Routers[0].Reason == "hook-vetoed"
	})
	if want := "/etc/pairkeeper/take.sh: exit 1: the elastic address is not ours"; s.Routers[0].Detail != want {
		t.Errorf("detail %q, want %q", s.Routers[0].Detail, want)
	}
	p.wantJournal(p.b, "BACKUP -> FAULT (hook-vetoed) [FAULT]: /etc/pairkeeper/take.sh: exit 1: the elastic address is not ours")
	p.a.Run(t, "systemctl", "start", "nginx.service")
	p.client.WaitFor(t, "lb01", soon)
	p.b.Run(t, "rm", "/etc/pairkeeper/veto")
	p.awaitState(p.b, "BACKUP")
	p.a.Run(t, "systemctl", "stop", "pairkeeper.service")
	p.client.WaitFor(t, "lb02", soon)
	p.wantJournal(p.b, "web: hook before_active agrees after")
	p.report()
	p.neverTwo()
}

func TestAHookThatNeverEndsDelaysNoFailover(t *testing.T) {
	const never = "trap '' TERM; (trap '' TERM; while :; do sleep 1000; done) & while :; do sleep 1000; done"
	p := hooked(t, "  notify: {command: [/etc/pairkeeper/never.sh], user: nobody, timeout: 1h}\n  before_active: /bin/true\n",
		map[string]string{"never.sh": never})
	p.a.Run(t, "systemctl", "stop", "nginx.service")
	p.client.WaitFor(t, "lb02", soon)
	p.a.Run(t, "systemctl", "start", "nginx.service")
	p.client.WaitFor(t, "lb01", soon)
	p.report()
	if out := p.client.Outage(); out.Longest > 15*time.Second {
		t.Errorf("the failover took %s", out.Longest)
	}
	p.a.Run(t, "systemctl", "stop", "pairkeeper.service")
	p.client.WaitFor(t, "lb02", soon)
	if result := strings.TrimSpace(p.a.Run(t, "systemctl", "show", "-P", "Result", "pairkeeper.service")); result != "success" {
		t.Errorf("the daemon's end was %s:\n%s", result, p.journal(p.a))
	}
	if left, err := p.a.Try("pgrep", "-f", "never.sh"); err == nil {
		t.Errorf("left: %s", left)
	}
	p.neverTwo()
}
