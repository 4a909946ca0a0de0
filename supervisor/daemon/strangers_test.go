package daemon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// rule waits until the arbiter of a node follows a rule.
func (n *node) rule(want string) {
	n.Helper()
	n.await("the arbiter follows "+want, func(r daemon.RouterStatus) bool { return r.Arbiter != nil && r.Arbiter.Rule == want })
}

// thief is a third host with the virtual address; the holder is unplugged.
func (h *hearts) thief() *netlab.Host {
	h.Helper()
	third := h.lab.Host("thief", "10.0.0.9/24")
	third.Run("ip", "address", "add", vip, "dev", "eth0")
	h.nodes[0].host.Cable("eth0").Detach()
	return third
}

func TestAThirdHostWithTheAddressIsToldOf(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	third := h.thief()
	h.nodes[1].rule("foreign-holder")
	h.nodes[1].says("foreign-holder")
	time.Sleep(4 * time.Second) // longer than the kernel of a dead daemon would answer
	h.nodes[1].is("BACKUP")
	third.Run("ip", "address", "del", vip, "dev", "eth0")
	h.nodes[1].is("ACTIVE")
}

func TestAThirdHostWithTheAddressIsContested(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "arbitration: {on_foreign_vip: contest}\n")
	h.thief()
	h.nodes[1].says("foreign-holder", "address-contest", "-> ACTIVE")
	h.nodes[1].is("ACTIVE")
	h.nodes[1].holds(true)
}

func TestAHolderLeavesTheAddressToAThirdHostIfToldSo(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "arping")
	h := startHearts(t, "arbitration: {on_foreign_vip: release}\n")
	third := h.lab.Host("thief", "10.0.0.9/24")
	third.Run("ip", "address", "add", vip, "dev", "eth0")
	h.nodes[0].until("it has left the address", func() bool {
		_, _ = third.Try("arping", "-U", "-c", "1", "-I", "eth0", "10.0.0.3") // who claims it gets no answer
		s, err := h.nodes[0].status()
		return err == nil && s.Routers[0].State == "BACKUP"
	})
	for _, n := range h.nodes {
		n.rule("foreign-holder")
		n.holds(false)
	}
}

// nginxIn runs nginx in a host, which serves its own address.
func nginxIn(t *testing.T, host *netlab.Host, address string) *exec.Cmd {
	t.Helper()
	netlab.Need(t, "nginx")
	dir := shortDir(t)
	file := filepath.Join(dir, "nginx.conf")
	conf := "daemon off; master_process off; pid " + dir + "/pid; error_log stderr;\nevents {}\n" +
		"http { access_log off; client_body_temp_path " + dir + "/b; proxy_temp_path " + dir + "/p; fastcgi_temp_path " + dir + "/f; uwsgi_temp_path " + dir + "/u; scgi_temp_path " + dir + "/s;\n" +
		"server { listen " + address + ":80; location / { return 200; } } }\n"
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nginx", "-e", "stderr", "-p", dir, "-c", file)
	host.Start(cmd)
	return cmd
}

// The links are blocked, and the kernel of a dead daemon does not let go, since somebody has
// put the address there by hand. As long as the proxy there answers, it stays where it is.
func TestANodeWhoseProxyIsDeadTooIsTakenFrom(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "gate: off\narbitration: {peer_check: {http: /}}\n")
	nginx := nginxIn(t, h.nodes[0].host, "10.0.0.1")
	peerProxy := func(state string) {
		t.Helper()
		h.nodes[1].until("the proxy of lb01 is "+state, func() bool {
			s, err := h.nodes[1].status()
			for _, p := range s.Probes {
				if p.Name == "arbitration peer" && p.State == state {
					return err == nil
				}
			}
			return false
		})
	}
	peerProxy("good")
	h.nodes[1].drops("ip saddr 10.0.0.1 ip protocol != tcp")
	if err := h.nodes[0].cmd.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.nodes[0].host.Run("ip", "address", "replace", vip, "dev", "eth0", "valid_lft", "forever", "preferred_lft", "forever")
	h.nodes[1].says("peer-answers")
	time.Sleep(4 * time.Second) // longer than the kernel of a dead daemon would answer
	h.nodes[1].is("BACKUP")
	if err := nginx.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	peerProxy("failed")
	h.nodes[1].says("peer-sick")
	h.nodes[1].is("ACTIVE")
}

func TestClearSaysWhatItCleared(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "arbitration: {hold_off: until_cleared, isolated: keep, gateway: none}\n")
	h.nodes[0].host.Cable("eth0").Detach()
	h.nodes[1].is("ACTIVE")
	time.Sleep(2 * time.Second) // until both have held for long
	h.nodes[0].host.Cable("eth0").Attach()
	h.nodes[1].isOut("held-off")
	h.nodes[0].is("ACTIVE")
	for _, want := range [][]string{{"web"}, {}} {
		var a daemon.ClearAnswer
		if _, err := ask(h.nodes[1].socket, "POST", "/v1/clear", &a); err != nil || len(a.Cleared) != len(want) {
			t.Errorf("cleared %q, want %q (%v)", a.Cleared, want, err)
		}
	}
	h.nodes[1].is("BACKUP")
}
