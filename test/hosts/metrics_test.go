package hosts

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// scraped waits until the metrics of a host are there, or are not.
func (p *pair) scraped(h *hostlab.Host, want bool) {
	p.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		out, err := h.Try("curl", "-sS", "--max-time", "5", "http://127.0.0.1:9165/metrics")
		if there := err == nil && strings.Contains(out, "pairkeeper_router_state{"); there == want {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("metrics: want %t: %v\n%s", want, err, out)
		}
	}
}

// TestTheMetricsSocketComesAndGoesWithTheDaemon: a scrape does not start what an operator has stopped,
// or what does not take its configuration.
func TestTheMetricsSocketComesAndGoesWithTheDaemon(t *testing.T) {
	netlab.Need(t, "curl")
	unit, err := os.ReadFile("../../systemd/pairkeeper-metrics.socket")
	if err != nil {
		t.Fatal(err)
	}
	p := newPair(t, nginx)
	p.scraped(p.a, false)
	p.a.Write(t, "/etc/systemd/system/pairkeeper-metrics.socket", string(unit), 0o644)
	p.a.Run(t, "systemctl", "daemon-reload")
	p.a.Run(t, "systemctl", "enable", "pairkeeper-metrics.socket")
	p.a.Run(t, "systemctl", "restart", "pairkeeper.service")
	p.scraped(p.a, true)

	p.kill(p.a, "pairkeeper.service", "KILL", "main")
	p.scraped(p.a, true) // Restart=always

	p.a.Run(t, "systemctl", "stop", "pairkeeper.service")
	for range 3 {
		p.scraped(p.a, false)
	}
	if state, _ := p.a.Try("systemctl", "is-active", "pairkeeper.service"); strings.TrimSpace(state) != "inactive" {
		t.Errorf("after scrapes of a stopped pairkeeper it is %s", state)
	}
	p.a.Run(t, "systemctl", "start", "pairkeeper.service")
	p.scraped(p.a, true)

	p.a.Write(t, "/etc/pairkeeper/pairkeeper.yaml", "nodes: nonsense\n", 0o644)
	if out, err := p.a.Try("systemctl", "restart", "pairkeeper.service"); err == nil {
		t.Errorf("starts with a bad file: %s", out)
	}
	for range 3 {
		p.scraped(p.a, false)
	}
	if state, _ := p.a.Try("systemctl", "is-active", "pairkeeper.service"); strings.TrimSpace(state) != "failed" {
		t.Errorf("after scrapes of one that does not take its file it is %s", state)
	}
}
