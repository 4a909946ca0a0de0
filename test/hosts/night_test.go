package hosts

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
)

// bothStart boots both hosts at once.
func (p *pair) bothStart() {
	p.t.Helper()
	var booted sync.WaitGroup
	for _, h := range p.nodes() {
		booted.Go(func() { h.Start(p.t) })
	}
	booted.Wait()
}

// Yesterday's heartbeats are of two lives of the daemons, and in some lb02 holds: played back to
// new daemons they prove nothing.
func TestYesterdaysHeartbeatsMoveNothing(t *testing.T) {
	p := newReferredPair(t, "")
	lines := map[*hostlab.Host]*cable{p.a: newCable(t, p.a, 1), p.b: newCable(t, p.b, 1)}
	p.a.Run(t, "systemctl", "stop", "nginx") // lb02 holds, in the records
	p.client.WaitFor(t, "lb02", soon)
	yesterday := lines[p.a].heartbeats(2 * time.Second)
	before := len(p.journal(p.b))
	p.a.Run(t, "systemctl", "start", "nginx")
	p.calm()
	restart := func() {
		for _, h := range p.nodes() {
			h.Run(t, "systemctl", "restart", "pairkeeper")
		}
		p.calm()
	}
	restart()
	for i, m := range lines[p.a].heartbeats(2 * time.Second) { // by turns
		yesterday = slices.Insert(yesterday, min(2*i, len(yesterday)), m)
	}
	restart()
	if said := p.journal(p.b)[before:]; strings.Contains(said, "is refused") {
		t.Errorf("that lb01 began anew is taken for a playback:\n%s", said)
	}
	p.mark()
	play := func(long time.Duration, to ...*hostlab.Host) (n int) {
		for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Millisecond) {
			m := yesterday[n%len(yesterday)]
			for _, h := range to {
				if m.to.String() == h.HeartbeatAddr() {
					lines[h].send(datagram(h, m.from.String(), m.message))
				}
			}
			n++
		}
		return n
	}
	t.Logf("%d played back to the pair", play(2*time.Second, p.a, p.b))
	p.onlyBy("lb01")
	// Nor do they keep a dead node alive.
	p.mark()
	var played sync.WaitGroup
	played.Go(func() { t.Logf("%d played back to lb02 alone", play(8*time.Second, p.b)) })
	time.Sleep(time.Second)
	p.a.Crash(t)
	played.Wait()
	p.client.WaitFor(t, "lb02", soon)
	o := p.client.Outage()
	t.Logf("%v; two holders: %s: %s", o, p.census.DualTime(), p.census)
	if o.Total > failed+o.Stall {
		t.Errorf("nobody answered for %s, at the most %s", o.Total, failed)
	}
	p.neverTwo()
	p.wantJournal(p.b, "somebody plays back what was recorded, or the link doubles packets (heartbeat-replay)")
}

func TestWithoutItsKeyANodeGoesOnAndDoesNotStart(t *testing.T) {
	p := newReferredPair(t, "")
	p.a.Run(t, "mv", keyFile, keyFile+".away")
	out, err := p.a.Try("systemctl", "reload", "pairkeeper")
	if err == nil {
		t.Errorf("the reload without a key succeeded: %s", out)
	}
	time.Sleep(2 * time.Second)
	p.calm() // by the last good one
	p.onlyBy("lb01")
	if out, err = p.a.Try("sh", "-c", "pairkeeper check 2>&1"); err == nil || !strings.Contains(out, "pairkeeper.yaml:") || !strings.Contains(out, keyFile) {
		t.Errorf("check does not say where the key is missing: %v: %s", err, out)
	}

	out, err = p.a.Try("systemctl", "restart", "pairkeeper")
	if err == nil {
		t.Errorf("it started without a key: %s", out)
	}
	p.client.WaitFor(t, "lb02", soon)
	p.neverTwo()
	p.wantJournal(p.a, keyFile)
	if got := p.a.Run(t, "sh", "-c", "systemctl is-failed pairkeeper; true"); got != "failed" {
		t.Errorf("without a key the service is %s: nothing but an operator mends that", got)
	}
	p.a.Run(t, "sh", "-c", "mv "+keyFile+".away "+keyFile+"; systemctl start pairkeeper")
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()
}

// After a power cut both hosts begin, and the router does not: nobody can tell that one of them
// has been cut off, for they hear each other.
func TestBothBeginWithoutAGatewayAndOneHolds(t *testing.T) {
	p := newReferredPair(t, "")
	for _, h := range p.nodes() {
		h.Crash(t)
	}
	p.begins("gateway-both")
	p.mark()
	begun := time.Now()
	p.bothStart()
	booted := time.Since(begun)
	for len(p.client.Hosts()) == 0 && time.Since(begun) < soon {
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("both have booted after %s, %v answers after %s", booted, p.client.Hosts(), time.Since(begun))
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()

	// One alone takes itself for cut off, as it is told to, and says so.
	for _, h := range p.nodes() {
		h.Crash(t)
	}
	p.b.Start(t)
	p.wantFault(p.b, "isolated")
	p.nobody("one alone without a gateway", 0, 2*time.Second)
	p.wantExplained(p.b, "gateway")
	p.mark()
	mishap.Stage{T: t, Lab: p.lab, A: p.a}.Open()
	p.client.WaitFor(t, "lb02", soon)
	p.a.Start(t)
	p.calm()
	p.neverTwo()
}

// A host that stood still for long, and a daemon that did, find the other node holding and listen.
func TestStandingStillForLongMakesNoSecondHolder(t *testing.T) {
	p := newReferredPair(t, "")
	p.a.Write(t, "/etc/systemd/system/pairkeeper.service.d/nodog.conf", "[Service]\nWatchdogSec=0\n", 0o644)
	p.a.Run(t, "sh", "-c", "systemctl daemon-reload; systemctl restart pairkeeper")
	for _, c := range []struct {
		name string
		long time.Duration
	}{{"frozen", 30 * time.Second}, {"hangs", 10 * time.Second}} {
		p.calm()
		ends := p.begins(c.name)
		p.client.WaitFor(t, "lb02", soon)
		time.Sleep(c.long)
		ends()
		p.client.WaitFor(t, "lb01", soon)
		p.calm()
		p.sees(c.name+" for "+c.long.String(), failed)
		p.neverTwo()
	}
	p.wantJournal(p.a, "ACTIVE -> BACKUP (paused)")
}

func TestARulesetThatIsFlushedAllTheTimeMovesNothing(t *testing.T) {
	p := newReferredPair(t, "")
	p.mark()
	_, _ = p.a.Try("timeout", "5", "sh", "-c", "while :; do nft flush ruleset; done")
	p.onlyBy("lb01")
	p.wantJournal(p.a, "somebody removed the tables pairkeeper of nftables; they were put back")
	for end := time.Now().Add(soon); strings.Count(p.a.Run(t, "nft", "list", "tables"), " pairkeeper") != 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the gate is not there: %s", p.a.Run(t, "nft", "list", "tables"))
		}
	}
}
