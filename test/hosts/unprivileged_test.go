package hosts

import (
	"os"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// unprivileged has a host's daemon run as the user pairkeeper, as systemd/unprivileged.conf says.
func (p *pair) unprivileged(h *hostlab.Host) {
	p.t.Helper()
	for from, to := range map[string]string{
		"unprivileged.conf":   "/etc/systemd/system/pairkeeper.service.d/unprivileged.conf",
		"pairkeeper.sysusers": "/usr/lib/sysusers.d/pairkeeper.conf",
		"pairkeeper.rules":    "/usr/share/polkit-1/rules.d/pairkeeper.rules",
	} {
		text, err := os.ReadFile("../../systemd/" + from)
		if err != nil {
			p.t.Fatal(err)
		}
		h.Write(p.t, to, string(text), 0o644)
	}
	h.Run(p.t, "systemd-sysusers", "pairkeeper.conf")
	h.Run(p.t, "systemctl", "daemon-reload")
	h.Run(p.t, "systemctl", "restart", "pairkeeper.service")
	if user := h.Run(p.t, "ps", "-o", "user:16=", "-p", p.mainPID(h, "pairkeeper.service")); user != "pairkeeper" {
		p.t.Fatalf("the daemon runs as %q", user)
	}
}

func TestWithoutRootTheDaemonDoesItsWork(t *testing.T) {
	netlab.Need(t, "pkaction")
	eachProxyWith(t, linked, func(t *testing.T, p *pair) {
		for _, h := range p.nodes() {
			p.unprivileged(h)
			p.await(h, "the heartbeat is heard both ways", bothWays)
		}
		p.onlyBy("lb01")

		for _, policy := range strings.Fields(p.a.Run(t, "ps", "-L", "-o", "cls=", "-p", p.mainPID(p.a, "pairkeeper.service"))) {
			if policy != "RR" {
				t.Errorf("a thread has the policy %s", policy)
			}
		}
		if tables := p.a.Run(t, "nft", "list", "tables"); !strings.Contains(tables, "inet pairkeeper") {
			t.Errorf("there is no gate: %s", tables)
		}

		before := p.await(p.a, "good", func(s daemon.Status) bool { return s.Proxy.State == "good" })
		p.kill(p.a, p.proxy.unit, "KILL", "all")
		p.await(p.a, "another main process, and good", func(s daemon.Status) bool {
			return s.Proxy.MainPID != before.Proxy.MainPID && s.Proxy.State == "good"
		})

		p.mark()
		p.breakProxy(p.a)
		p.kill(p.a, p.proxy.unit, "KILL", "all")
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		p.wantJournal(p.a, "proxy-test-failed", p.proxy.config)
	})
}

func TestWithoutRootOnlyTheProxyMayBeRestarted(t *testing.T) {
	netlab.Need(t, "pkaction")
	p := newPair(t, nginx)
	p.unprivileged(p.a)
	as := func(args ...string) (string, error) {
		return p.a.Try(append([]string{"setpriv", "--reuid", "pairkeeper", "--regid", "pairkeeper", "--clear-groups", "systemctl", "--no-ask-password"}, args...)...)
	}
	for _, verb := range []string{"restart", "reload", "kill", "reset-failed", "stop", "start"} {
		if out, err := as(verb, "nginx.service"); err != nil {
			t.Errorf("%s: %v %s", verb, err, out)
		}
	}
	for _, args := range [][]string{{"restart", "systemd-journald.service"}, {"stop", "pairkeeper.service"}, {"enable", "haproxy.service"}, {"mask", "nginx.service"}, {"daemon-reload"}} {
		if out, err := as(args...); err == nil {
			t.Errorf("%v is allowed: %s", args, out)
		}
	}
}
