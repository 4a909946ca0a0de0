// Package hosts tests pairkeeper on two hosts with a real systemd, D-Bus, journald and
// nginx or HAProxy each.
package hosts

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

const (
	vip  = "10.77.0.100"
	soon = 30 * time.Second // generous: the machine may be busy
)

// The secret of the heartbeat, and where it lies.
const keyFile = "/etc/pairkeeper/pair.key"

var pairKey = "hex:" + strings.Repeat("5a", 32) + "\n"

var binary string

func TestMain(m *testing.M) {
	remove, err := testbin.Provide() // before the lab is entered, where there is no compiler's cache
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = testbin.Path()
	code := hostlab.Main(m)
	remove()
	os.Exit(code)
}

// proxy is what differs between nginx and HAProxy.
type proxy struct {
	unit, config, test string
	breakIt            string // a line that the proxy refuses
}

var (
	nginx   = proxy{"nginx.service", "/etc/nginx/nginx.conf", "[nginx, -t, -q]", "no_such_directive on;"}
	haproxy = proxy{"haproxy.service", "/etc/haproxy/haproxy.cfg", "[haproxy, -c, -f, /etc/haproxy/haproxy.cfg]", "no_such_keyword"}
	proxies = map[string]proxy{"nginx": nginx, "haproxy": haproxy}
)

// pair is two hosts that run pairkeeper beside a proxy.
type pair struct {
	t      *testing.T
	proxy  proxy
	lab    *hostlab.Lab
	a, b   *hostlab.Host // a has the higher priority
	client *hostlab.Client
	census *hostlab.Census
	typed  map[string][]string // what a command printed each time, by "lb01# pairkeeper status"
}

const configuration = `nodes:
  lb01: {address: 10.77.0.1, priority: 150}
  lb02: {address: 10.77.0.2, priority: 100}
proxy:
  unit: %s
  test: %s
probes:
  - http: http://127.0.0.1/healthz
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    addresses: [10.77.0.100/24]
    preempt_delay: 2s
%s`

func configFor(p proxy, more string) string {
	return fmt.Sprintf(configuration, p.unit, p.test, more)
}

// newPair boots both hosts and waits until the client is answered by lb01.
func newPair(t *testing.T, p proxy) *pair {
	t.Helper()
	return newPairWith(t, p, "")
}

// newPairWith is newPair with more lines in the configuration.
func newPairWith(t *testing.T, p proxy, more string) *pair {
	t.Helper()
	netlab.Need(t, "nginx", "haproxy")
	return newPairIn(t, hostlab.New(t, "lb01", "lb02"), p, more)
}

// newPairIn is newPairWith in a lab that has more hosts, or that something was done to.
func newPairIn(t *testing.T, lab *hostlab.Lab, p proxy, more string) *pair {
	t.Helper()
	pr := &pair{t: t, proxy: p, lab: lab, a: lab.Host("lb01"), b: lab.Host("lb02")}
	for _, h := range pr.nodes() {
		if p == haproxy {
			h.UseHAProxy(t)
		}
		pr.install(h, more)
		h.Write(t, keyFile, pairKey, 0o600)
		h.Run(t, "systemctl", "enable", "--now", "pairkeeper.service")
	}
	pr.client, pr.census = pr.lab.Client(vip, 5*time.Millisecond), pr.lab.Census(t, vip)
	pr.client.WaitFor(t, "lb01", soon)
	pr.await(pr.b, "lb02 is BACKUP", func(s daemon.Status) bool { return s.Routers[0].State == "BACKUP" })
	pr.mark()
	return pr
}

// nodes are the two hosts of the pair; the lab may have others.
func (p *pair) nodes() []*hostlab.Host { return []*hostlab.Host{p.a, p.b} }

func (p *pair) install(h *hostlab.Host, more string) {
	p.t.Helper()
	p.installProgram(h)
	h.Write(p.t, "/etc/pairkeeper/pairkeeper.yaml", configFor(p.proxy, more), 0o644)
}

// installProgram installs what needs no configuration.
func (p *pair) installProgram(h *hostlab.Host) {
	p.t.Helper()
	h.Install(p.t, binary, "/usr/bin/pairkeeper")
	unit, err := os.ReadFile("../../systemd/pairkeeper.service")
	if err != nil {
		p.t.Fatal(err)
	}
	h.Write(p.t, "/etc/systemd/system/pairkeeper.service", string(unit), 0o644)
	h.Run(p.t, "systemctl", "daemon-reload")
}

// mark forgets what the client and the census have seen.
func (p *pair) mark() {
	p.census.Mark()
	p.client.Mark()
}

func (p *pair) status(h *hostlab.Host) (daemon.Status, error) {
	var s daemon.Status
	out, err := h.Try("pairkeeper", "status", "--json")
	if err != nil {
		return s, fmt.Errorf("%w: %s", err, out)
	}
	return s, json.Unmarshal([]byte(out), &s)
}

// await waits until a host's status is as wished.
func (p *pair) await(h *hostlab.Host, what string, ok func(daemon.Status) bool) daemon.Status {
	p.t.Helper()
	deadline := time.Now().Add(soon)
	for {
		s, err := p.status(h)
		if err == nil && ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not in time: %s; status %+v, %v", what, s, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *pair) awaitState(h *hostlab.Host, state string) {
	p.t.Helper()
	p.await(h, h.Name()+" is "+state, func(s daemon.Status) bool { return s.Routers[0].State == state })
}

// mainPID is the main process of a unit.
func (p *pair) mainPID(h *hostlab.Host, unit string) string {
	p.t.Helper()
	return strings.TrimSpace(h.Run(p.t, "systemctl", "show", "-P", "MainPID", unit))
}

func (p *pair) kill(h *hostlab.Host, unit, signal, whom string) {
	p.t.Helper()
	h.Run(p.t, "systemctl", "kill", "--kill-whom="+whom, "-s", signal, unit)
}

// breakProxy makes the proxy's configuration bad; the text before comes back.
func (p *pair) breakProxy(h *hostlab.Host) string {
	p.t.Helper()
	good := h.Run(p.t, "cat", p.proxy.config)
	h.Write(p.t, p.proxy.config, good+"\n"+p.proxy.breakIt+"\n", 0o644)
	return good + "\n"
}

// journal is what pairkeeper wrote on a host.
func (p *pair) journal(h *hostlab.Host) string {
	p.t.Helper()
	h.Run(p.t, "journalctl", "--sync")
	return h.Journal(p.t, "-u", "pairkeeper", "-o", "cat")
}

func (p *pair) wantJournal(h *hostlab.Host, words ...string) {
	p.t.Helper()
	text := p.journal(h)
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("the journal of %s lacks %q:\n%s", h.Name(), w, text)
		}
	}
}

// never asserts that no two hosts answered for the address since the last mark.
func (p *pair) neverTwo() {
	p.t.Helper()
	if d := p.census.DualTime(); d > 50*time.Millisecond { // one take-over, on a busy machine
		p.t.Errorf("two hosts answered for the address for %s: %s", d, p.census)
	}
}

// report logs what the client saw.
func (p *pair) report() {
	p.t.Helper()
	p.t.Logf("%s: client: %v; two holders: %s", p.t.Name(), p.client.Outage(), p.census.DualTime())
}
