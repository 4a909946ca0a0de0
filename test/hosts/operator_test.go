package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

const heartbeatConfig = "heartbeat:\n  key_file: " + keyFile + "\n  links: [{lb01: 10.77.0.1, lb02: 10.77.0.2}]\n"

// orders runs a command of an operator, and wants words in what it prints.
func (p *pair) orders(words []string, argv ...string) string {
	p.t.Helper()
	out, err := p.a.Try(append([]string{"pairkeeper"}, argv...)...)
	if err != nil {
		out = err.Error()
	}
	p.t.Logf("lb01# pairkeeper %s\n%s", strings.Join(argv, " "), out)
	p.note("lb01", "pairkeeper "+strings.Join(argv, " "), out)
	for _, w := range words {
		if !strings.Contains(out, w) {
			p.t.Errorf("pairkeeper %s: no %q in %q", strings.Join(argv, " "), w, out)
		}
	}
	return out
}

// held waits until a host holds the address and the other one does not.
func (p *pair) held(by string) {
	p.t.Helper()
	for _, h := range p.nodes() {
		p.await(h, "held by "+by, func(s daemon.Status) bool { return (s.Routers[0].State == "ACTIVE") == (h.Name() == by) })
	}
}

func TestAnOperatorMovesTheAddressesAndTakesANodeOut(t *testing.T) {
	p := newPairWith(t, nginx, heartbeatConfig)
	p.await(p.a, "the heartbeat goes both ways", func(s daemon.Status) bool {
		return s.Heartbeat != nil && s.Heartbeat.Links[0].State == "both-ways"
	})

	p.orders([]string{"web: held by lb02 now, after "}, "handover")
	p.held("lb02")
	p.client.WaitFor(t, "lb02", soon)
	time.Sleep(3 * time.Second) // preempt_delay is 2s
	p.held("lb02")
	p.orders([]string{"web: held by lb01 now, after "}, "handover", "web")
	p.client.WaitFor(t, "lb01", soon)
	for _, s := range p.client.Samples() {
		if s.Err != nil && !strings.Contains(s.Err.Error(), "reset") { // one that was under way
			t.Errorf("a request was lost: %v after %s", s.Err, s.Done.Sub(s.Asked))
		}
	}
	p.neverTwo()

	p.b.Run(t, "systemctl", "stop", "nginx")
	p.await(p.b, "lb02 is out", func(s daemon.Status) bool { return s.Routers[0].State == "FAULT" })
	p.orders([]string{"not handed over: lb02 refuses: web: FAULT (proxy-stopped)"}, "handover")
	p.orders([]string{"this node keeps its addresses", "--force"}, "maintenance", "on")
	p.b.Run(t, "systemctl", "start", "nginx")
	p.awaitState(p.b, "BACKUP")

	p.orders([]string{"web: held by lb02 now", "in maintenance, for 2h", "if lb02 fails now, nobody holds"}, "maintenance", "on", "--for", "2h", "--reason", "new disks")
	p.held("lb02")
	p.a.Run(t, "systemctl", "restart", "pairkeeper")
	p.await(p.a, "it is in maintenance still", func(s daemon.Status) bool { return s.Routers[0].Reason == "maintenance" })
	p.orders([]string{"lb01 is in maintenance", "(new disks)"}, "status")
	p.await(p.b, "lb01's maintenance is shown", func(s daemon.Status) bool { return len(s.Modes) == 1 && s.Modes[0].Node == "lb01" })
	out := p.b.Run(t, "pairkeeper", "status")
	p.note("lb02", "pairkeeper status", out)
	if !strings.Contains(out, "lb01 is in maintenance (new disks), for another 2h0m") {
		t.Errorf("lb02 does not show it:\n%s", out)
	}
	p.orders([]string{"maintenance is off"}, "maintenance", "off")
	p.held("lb01")

	p.orders([]string{"frozen: nothing moves"}, "freeze", "on", "--reason", "a demonstration")
	p.a.Run(t, "systemctl", "stop", "nginx")
	p.wantSoon(p.a, "endured")
	p.held("lb01")
	p.orders([]string{"freeze is off"}, "freeze", "off")
	p.held("lb02")
	p.orders([]string{"against it: web: proxy-stopped: ", "against it: web: peer-holds: ", "--force"}, "take")
	p.orders([]string{"overridden: web: proxy-stopped: ", "web: held by lb01 now"}, "take", "--force")
	p.held("lb01")
	p.a.Run(t, "systemctl", "start", "nginx")
	p.orders([]string{"web: held by lb02 now"}, "handover")
	p.wantJournal(p.a, "handed-over", "maintenance-begins", "take-forced")
	p.wantPage("../../docs/operating.md")
}

// wantSoon waits for words in the journal.
func (p *pair) wantSoon(h *hostlab.Host, words string) {
	p.t.Helper()
	for end := time.Now().Add(soon); !strings.Contains(p.journal(h), words); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the journal of %s never says %q", h.Name(), words)
		}
	}
}
