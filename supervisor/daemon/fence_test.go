package daemon_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// powerSwitch is a fence agent that both nodes use. It keeps what it is asked for, but its
// monitor; what it then does is for the test to say.
type powerSwitch struct {
	testing.TB
	dir string
}

const switchScript = `#!/bin/sh
while IFS== read -r name value; do
	case $name in action) action=$value;; nodename) node=$value;; esac
done
cd %s || exit 1
if [ "$action" = monitor ] || [ "$action" = status ]; then
	[ ! -e broken ] && exit 0
	echo 'no route to host'
	exit 1
fi
echo "$action $node" >> asked
. ./does
`

func newSwitch(t *testing.T) *powerSwitch {
	t.Helper()
	p := &powerSwitch{t, shortDir(t)}
	if err := os.WriteFile(p.agent(), fmt.Appendf(nil, switchScript, p.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	p.does("exit 1")
	return p
}

func (p *powerSwitch) agent() string { return filepath.Join(p.dir, "fence_test") }

// does says what happens when it is asked to fence somebody.
func (p *powerSwitch) does(text string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, "new"), []byte(text+"\n"), 0o644); err != nil {
		p.Fatal(err)
	}
	if err := os.Rename(filepath.Join(p.dir, "new"), filepath.Join(p.dir, "does")); err != nil {
		p.Fatal(err)
	}
}

// asked is what it was asked for.
func (p *powerSwitch) asked() string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "asked"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.Fatal(err)
	}
	return string(text)
}

func (p *powerSwitch) config() string {
	return fmt.Sprintf("fence:\n  agents:\n    lb01: {agent: %s}\n    lb02: {agent: %s}\n", p.agent(), p.agent())
}

// cuts is what cuts a node's power.
func cuts(n *node) string {
	return fmt.Sprintf("nsenter --net=/proc/%d/fd/%d ip link set eth0 down && kill -9 %d", os.Getpid(), n.host.Namespace(), n.cmd.Process.Pid)
}

func (n *node) mac() (mac string) {
	n.Helper()
	n.host.Do(func() {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			n.Fatal(err)
		}
		mac = link.Attrs().HardwareAddr.String()
	})
	return mac
}

// sever keeps all frames of each node from the other one. Both reach the gateway.
func (h *hearts) sever() {
	h.Helper()
	for i, n := range h.nodes {
		from := h.nodes[1-i].mac()
		n.host.Do(func() {
			run(n, "nft", "add table netdev wall; add chain netdev wall in { type filter hook ingress device eth0 priority 10; }; add rule netdev wall in ether saddr "+from+" drop")
		})
	}
}

func TestASilentHolderIsFencedBeforeItIsTakenFrom(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "nsenter")
	p := newSwitch(t)
	h := startHearts(t, p.config())
	p.does(cuts(h.nodes[0]))
	h.sever()
	h.nodes[1].until("it holds the address, after the fence", func() bool {
		held := lifetime(h.nodes[1].host, "eth0", vip) != 0
		if held && p.asked() == "" {
			t.Fatal("it took the address before")
		}
		return held
	})
	h.nodes[1].is("ACTIVE")
	h.nodes[1].says("lb01 is silent: it is fenced now (reboot, with fence_test) (fence-shot)", "lb01 is off: "+p.agent()+" says so (fence-done)")
	if got := p.asked(); got != "reboot lb01\n" {
		t.Errorf("the switch was asked for %q", got)
	}
	s, err := h.nodes[1].status()
	if err != nil || s.Fence == nil || s.Fence.State != "done" || s.Fence.Takeover != "after_fence" {
		t.Errorf("%+v, %v", s.Fence, err)
	}
}

// again runs another daemon in the place of one that has ended.
func (n *node) again() *node {
	n.Helper()
	next := &node{TB: n.TB, host: n.host, file: n.file, socket: n.socket, ended: make(chan struct{})}
	next.cmd = exec.Command(os.Args[0])
	next.cmd.Env, next.cmd.Stdout, next.cmd.Stderr = n.cmd.Env, &next.log, &next.log
	n.host.Start(next.cmd)
	go func() { _ = next.cmd.Wait(); close(next.ended) }()
	n.Cleanup(func() { _ = next.cmd.Process.Kill(); next.wait() })
	return next
}

// The daemon that is alone is restarted while the other host is off.
func TestTheNextDaemonKnowsThatTheOtherHostIsOff(t *testing.T) {
	t.Parallel()
	p := newSwitch(t)
	h := startHearts(t, p.config())
	p.does(cuts(h.nodes[0]))
	h.sever()
	h.nodes[1].is("ACTIVE")
	h.nodes[1].stop()
	next := h.nodes[1].again()
	next.is("ACTIVE")
	if got := p.asked(); got != "reboot lb01\n" {
		t.Errorf("the switch was asked for %q", got)
	}
	next.stop()
}

func TestAFenceThatFailsLeavesTheAddressWhereItIs(t *testing.T) {
	t.Parallel()
	p := newSwitch(t)
	h := startHearts(t, p.config())
	p.does("echo connecting; echo 'login denied'; exit 1")
	h.sever()
	h.nodes[1].until("the fence has failed", func() bool {
		s, err := h.nodes[1].status()
		return err == nil && s.Fence.State == "failed" && strings.HasSuffix(s.Fence.Problem, ": exit 1: login denied")
	})
	if got := p.asked(); got != "reboot lb01\nreboot lb01\n" {
		t.Errorf("the switch was asked for %q", got)
	}
	h.nodes[1].says("(fence-shot-failed)", "(fence-failed)")
	h.stays(2 * time.Second)

	// An operator knows better.
	for peer, want := range map[string]string{"lb03": "the other node is lb01, not lb03", "lb01": ""} {
		if peer == "lb01" {
			h.nodes[0].host.Cable("eth0").Detach()
			h.nodes[0].isOut("isolated")
		}
		var a daemon.ConfirmAnswer
		if _, err := ask(h.nodes[1].socket, "POST", "/v1/fence/confirm?node="+url.QueryEscape(peer), &a); err != nil || a.Problem != want {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	h.nodes[1].is("ACTIVE")
}

func TestAFenceThatHangsIsShownAndEndsWithTheDaemon(t *testing.T) {
	t.Parallel()
	p := newSwitch(t)
	h := startHearts(t, p.config())
	p.does("echo $$ > pid; while :; do sleep 1; done")
	h.sever()
	h.nodes[1].until("the fence is at work", func() bool {
		s, err := h.nodes[1].status()
		return err == nil && s.Fence.State == "pending"
	})
	h.nodes[1].says("(fence-first)")
	h.stays(2 * time.Second)
	h.nodes[1].until("the agent runs", func() bool { _, err := os.Stat(filepath.Join(p.dir, "pid")); return err == nil })
	pid, err := os.ReadFile(filepath.Join(p.dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	h.nodes[1].stop()
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); err == nil {
		t.Error("the agent goes on")
	}
}

func TestABrokenFenceIsShownBeforeItIsNeeded(t *testing.T) {
	t.Parallel()
	p := newSwitch(t)
	if err := os.WriteFile(filepath.Join(p.dir, "broken"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h := startHearts(t, p.config())
	for i, n := range h.nodes {
		n.says("lb0" + string(rune('2'-i)) + " could not be fenced now: " + p.agent() + ": exit 1: no route to host (fence-broken)")
		s, err := n.status()
		if err != nil || s.Fence.Broken == "" || s.Fence.State != "armed" || !s.Fence.Heard {
			t.Errorf("%+v, %v", s.Fence, err)
		}
	}
	if got := p.asked(); got != "" {
		t.Errorf("the switch was asked for %q", got)
	}
}

func TestANodeThatBootsAloneFencesNobody(t *testing.T) {
	t.Parallel()
	p := newSwitch(t)
	lab := netlab.New(t)
	lab.Host("gw", "10.0.0.254/24")
	host := lab.Host("lb02", "10.0.0.2/24")
	host.Do(func() { run(t, "ip", "route", "add", "default", "via", "10.0.0.254") })
	n := start(t, host, "lb02", withHeartbeat(t, p.config()))
	n.says("(peer-never-heard)")
	n.holds(false)
	if got := p.asked(); got != "" {
		t.Errorf("the switch was asked for %q", got)
	}
	var a daemon.ConfirmAnswer
	if _, err := ask(n.socket, "POST", "/v1/fence/confirm?node=lb01", &a); err != nil || a.Problem != "" {
		t.Fatalf("%+v, %v", a, err)
	}
	n.is("ACTIVE")
}
