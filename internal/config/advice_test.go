package config

import (
	"slices"
	"strings"
	"testing"
)

const advised = `nodes:
  lb01: {address: 10.0.0.5, priority: 150}
  lb02: {address: 10.0.0.6, priority: 100}
proxy: {unit: nginx.service, test: [nginx, -t]}
probes:
  - http: http://127.0.0.1/healthz
when_all_unhealthy: keep
virtual_routers:
  - {name: web, interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}
heartbeat:
  key_file: /etc/pairkeeper/pair.key
  links:
    - {lb01: 192.168.9.1, lb02: 192.168.9.2}
    - {lb01: 10.0.0.5, lb02: 10.0.0.6}
`

// TestAdviceIsGivenForWhatIsMissing and for nothing else: each change of a file that needs
// none brings the one sentence that is about it.
func TestAdviceIsGivenForWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ old, with, path, says string }{
		{"", "", "", ""},
		{"proxy: {unit: nginx.service, test: [nginx, -t]}\nprobes:\n  - http: http://127.0.0.1/healthz\nwhen_all_unhealthy: keep\n", "", "proxy", "is not restarted"},
		{"probes:\n  - http: http://127.0.0.1/healthz\n", "", "probes", "answers nobody"},
		{"http: http://127.0.0.1/healthz", "{http: http://127.0.0.1/healthz, interval: 5s}", "probes[0]", "after 11s at the worst"},
		{"when_all_unhealthy: keep\n", "", "when_all_unhealthy", "nobody holds"},
		{advised[strings.Index(advised, "heartbeat:"):], "", "heartbeat", "two holders"},
		{"    - {lb01: 10.0.0.5, lb02: 10.0.0.6}\n", "", "heartbeat.links", "add a second one, such as {lb01: 10.0.0.5, lb02: 10.0.0.6}"},
		{"    - {lb01: 192.168.9.1, lb02: 192.168.9.2}\n", "", "heartbeat.links", "over another cable"},
		{"heartbeat:\n", "arbitration: {gateway: none}\nheartbeat:\n", "arbitration.gateway", "cut off from everybody"},
		{"nodes:\n", "gate: \"off\"\nnodes:\n", "gate", "write auto"},
		{"vrid: 50", "vrid: 51", "virtual_routers.web.vrid", "choose another"},
		{"vrid: 50", "vrid: 50, preempt_delay: 0", "virtual_routers.web.preempt_delay", "to and fro"},
		{"vrid: 50", "vrid: 50, garp: {refresh: 0}", "virtual_routers.web.garp.refresh", "write 1s"},
		{"vrid: 50", "vrid: 50, version: 2", "virtual_routers.web.version", "noticed after 3.125s"},
	} {
		text := strings.Replace(advised, c.old, c.with, 1)
		d, err := Parse("pairkeeper.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", c.with, err)
		}
		list := d.Advice()
		if c.path == "" && len(list) == 0 {
			continue
		}
		if len(list) != 1 || list[0].Path != c.path || !strings.Contains(list[0].Text, c.says) {
			t.Errorf("%q instead of %q: %v, want %s: … %s …", c.with, c.old, list, c.path, c.says)
		}
	}
}

// TestAPairIsReadWithoutItsSecrets, of which none is on this host.
func TestAPairIsReadWithoutItsSecrets(t *testing.T) {
	p, err := parsePair("pairkeeper.yaml", []byte(advised))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{p.Nodes[0].Node, p.Nodes[1].Node}
	if !slices.Equal(names, []string{"lb01", "lb02"}) || len(p.Nodes[1].Heartbeat.Links) != 2 || p.Nodes[1].Peer != "lb01" {
		t.Errorf("%+v", p.Nodes)
	}
}
