package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// linked has a heartbeat over eth1; the gateway is the lab itself.
const linked = `heartbeat:
  key_file: /etc/pairkeeper/pair.key
  links: [{lb01: 10.78.0.1, lb02: 10.78.0.2}]
arbitration:
  gateway: [10.77.0.254]
`

func newLinkedPair(t *testing.T) *pair {
	t.Helper()
	p := newPairWith(t, nginx, linked)
	for _, h := range p.lab.Hosts() {
		p.await(h, "the heartbeat is heard both ways", func(s daemon.Status) bool {
			return s.Heartbeat != nil && s.Heartbeat.Links[0].State == "both-ways"
		})
	}
	p.mark()
	return p
}

// firewall is what firewalld does to a pair of keepalived.
func firewall(t *testing.T, h *hostlab.Host, match string) {
	t.Helper()
	h.Run(t, "nft", "add table inet wall; add chain inet wall in { type filter hook input priority 0; }; add rule inet wall in "+match+" drop")
}

func noFirewall(t *testing.T, h *hostlab.Host) {
	t.Helper()
	h.Run(t, "nft", "delete table inet wall")
}

// onlyBy tells that one host alone has answered since the last mark.
func (p *pair) onlyBy(host string) {
	p.t.Helper()
	p.report()
	if got := p.client.Hosts(); len(got) != 1 || got[0] != host {
		p.t.Errorf("answered by %v, want %s alone", got, host)
	}
	p.neverTwo()
}

func TestFirewallThatEatsVRRPMovesNothing(t *testing.T) {
	p := newLinkedPair(t)
	for name, hosts := range map[string][]*hostlab.Host{"on the Backup": {p.b}, "on the Active": {p.a}, "on both": {p.a, p.b}} {
		p.mark()
		for _, h := range hosts {
			firewall(t, h, "ip protocol 112")
		}
		time.Sleep(3 * time.Second)
		for _, h := range hosts {
			noFirewall(t, h)
		}
		time.Sleep(time.Second)
		t.Log(name)
		p.onlyBy("lb01")
	}
	p.wantJournal(p.b, "vrrp-blocked", "lb01 holds the addresses and says so by heartbeat, but its adverts do not come")
}

func TestCutHeartbeatMovesNothing(t *testing.T) {
	p := newLinkedPair(t)
	for _, h := range p.lab.Hosts() {
		firewall(t, h, "udp dport 6940")
	}
	s := p.await(p.a, "the link is silent", func(s daemon.Status) bool { return s.Heartbeat.Links[0].State == "silent" })
	if s.Routers[0].State != "ACTIVE" {
		t.Errorf("lb01 is %s", s.Routers[0].State)
	}
	time.Sleep(time.Second)
	for _, h := range p.lab.Hosts() {
		noFirewall(t, h)
	}
	p.await(p.b, "the link is there again", func(s daemon.Status) bool { return s.Heartbeat.Links[0].State == "both-ways" })
	p.onlyBy("lb01")
}

// Both links are blocked, ARP is not: whoever answers for the address is alive.
func TestFirewallThatEatsAllButARPMovesNothing(t *testing.T) {
	p := newLinkedPair(t)
	for _, h := range p.lab.Hosts() {
		firewall(t, h, "ip protocol 112")
		h.Run(t, "nft", "add rule inet wall in udp dport 6940 drop")
	}
	p.await(p.b, "nothing is heard", func(s daemon.Status) bool { return s.Heartbeat.Links[0].State == "silent" })
	time.Sleep(5 * time.Second)
	p.onlyBy("lb01")

	p.a.Crash(t)
	p.client.WaitFor(t, "lb02", soon)
	p.neverTwo()
}

func TestLostGatewayMovesTheVIPOnceAndBack(t *testing.T) {
	p := newLinkedPair(t)
	p.a.Run(t, "nft", "add table netdev wall; add chain netdev wall in { type filter hook ingress device eth0 priority 0; }; add rule netdev wall in arp saddr ip 10.77.0.254 drop; add rule netdev wall in ip saddr 10.77.0.254 ip protocol icmp drop")
	p.client.WaitFor(t, "lb02", soon)
	p.neverTwo()
	p.wantJournal(p.a, "ACTIVE -> BACKUP (gateway-lost)")
	p.a.Run(t, "nft", "delete table netdev wall")
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()
}

// What an operator reads at night names the cause.
func TestBlockedVRRPIsExplained(t *testing.T) {
	p := newLinkedPair(t)
	firewall(t, p.b, "ip protocol 112")
	p.wantJournalSoon(p.b, "vrrp-blocked")
	out := p.b.Run(t, "pairkeeper", "explain")
	if !strings.Contains(out, "heartbeat") {
		t.Errorf("explain does not name the heartbeat:\n%s", out)
	}
	noFirewall(t, p.b)
}

func (p *pair) wantJournalSoon(h *hostlab.Host, word string) {
	p.t.Helper()
	for end := time.Now().Add(soon); !strings.Contains(p.journal(h), word); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the journal of %s lacks %q:\n%s", h.Name(), word, p.journal(h))
		}
	}
}
