package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// fenced is a pair that fences: each node asks the lab to cut the other one's power, and waits
// until it has.
const fenced = `fence:
  timeout: 4s
  retries: 0
  agents:
    lb01: {command: /usr/local/sbin/power-off}
    lb02: {command: /usr/local/sbin/power-off}
`

// powerOff notes each shot in /run/shots; /etc/power has what comes of it.
const powerOff = `#!/bin/sh
echo "$PAIRKEEPER_ACTION $PAIRKEEPER_PEER" >>/run/shots
case "$(cat /etc/power)" in
fails) echo "the power switch does not answer"; exit 1 ;;
hangs) exec sleep 1000 ;;
esac
until test -e /run/off; do sleep 0.05; done
`

// shots are what a host has asked of the power switch since it booted.
func shots(h *hostlab.Host) []string {
	out, _ := h.Try("cat", "/run/shots")
	return strings.Fields(strings.ReplaceAll(out, "reboot ", ""))
}

// fires waits until a host has shot, and wants the other one to be the only one that it shot.
func (p *pair) fires(h, at *hostlab.Host) {
	p.t.Helper()
	for end := time.Now().Add(soon); len(shots(h)) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s has not fenced %s:\n%s", h.Name(), at.Name(), p.journal(h))
		}
	}
	if got := shots(h); len(got) != 1 || got[0] != at.Name() {
		p.t.Errorf("%s has fenced %v, want %s, once", h.Name(), got, at.Name())
	}
}

// wantOrder wants records in the journal of a host, in this order.
func (p *pair) wantOrder(h *hostlab.Host, words ...string) {
	p.t.Helper()
	text := p.journal(h)
	rest := text
	for _, w := range words {
		_, after, found := strings.Cut(rest, w)
		if !found {
			p.t.Errorf("the journal of %s lacks %q after what comes before:\n%s", h.Name(), w, text)
			return
		}
		rest = after
	}
}

// returns boots lb01 again after its power was cut, and waits until all is as it was.
func (p *pair) returns() {
	p.t.Helper()
	mishap.Stage{T: p.t, Lab: p.lab, A: p.a}.Open()
	p.a.Start(p.t)
	p.calm()
	p.neverTwo()
	p.b.Run(p.t, "sh", "-c", "rm -f /run/shots /run/off; journalctl --rotate --vacuum-time=1s -q")
	p.mark()
}

func (p *pair) power(mode string) {
	p.t.Helper()
	for _, h := range p.nodes() {
		h.Write(p.t, "/etc/power", mode+"\n", 0o644)
	}
}

func TestNothingIsTakenBeforeTheFenceHasHit(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	lab := hostlab.New(t, "lb01", "lb02", "third")
	for _, h := range lab.Hosts() {
		h.Write(t, "/usr/local/sbin/power-off", powerOff, 0o755)
		h.Write(t, "/etc/power", "works\n", 0o644)
	}
	p := newReferredPairIn(t, lab, fenced)
	stage := mishap.Stage{T: t, Lab: lab, A: p.a, B: p.b, Unit: "pairkeeper.service"}

	t.Log("it is shown and tried")
	if out := p.b.Run(t, "pairkeeper", "fence", "--dry-run"); !strings.Contains(out, "lb02 would fence lb01:\n1. /usr/local/sbin/power-off\n") {
		t.Errorf("fence --dry-run: %s", out)
	}
	if out := p.b.Run(t, "pairkeeper", "fence", "--test"); !strings.Contains(out, "power-off: works (it can be run)") {
		t.Errorf("fence --test: %s", out)
	}
	if got := shots(p.b); len(got) > 0 {
		t.Errorf("that has fenced %v", got)
	}

	t.Log("everything between the two is cut")
	parted(stage)
	p.fires(p.b, p.a)
	if got := lab.Holders(t, vip); len(got) != 1 || got[0] != "lb01" {
		t.Errorf("held by %v before the fence has hit, want lb01 alone", got)
	}
	p.a.Crash(t)
	if got := lab.Holders(t, vip); len(got) > 0 {
		t.Errorf("held by %v before the fence says so, want nobody", got)
	}
	p.b.Run(t, "touch", "/run/off")
	p.client.WaitFor(t, "lb02", soon)
	p.report()
	p.neverTwo()
	p.wantOrder(p.b, "(fence-shot)", "(fence-done)", "BACKUP -> ACTIVE")
	p.returns()
	if text := p.journal(p.a); strings.Contains(text, "fence-shot") {
		t.Errorf("lb01, which held, has fenced lb02:\n%s", text)
	}

	t.Log("it fails")
	p.power("fails")
	p.a.Crash(t)
	p.fires(p.b, p.a)
	p.nobody("the fence fails", 2*time.Second, 2*time.Second)
	p.wantOrder(p.b, "(fence-shot)", "the power switch does not answer", "(fence-failed)")
	p.wantExplained(p.b, "lb01 could not be fenced: perhaps it holds the addresses", "the power switch does not answer", "switch lb01 off, then `pairkeeper fence --acknowledge`")
	p.b.Run(t, "pairkeeper", "fence", "--acknowledge", "lb01")
	p.client.WaitFor(t, "lb02", soon)
	p.wantJournal(p.b, "(fence-confirmed)")
	p.returns()

	t.Log("it hangs")
	p.power("hangs")
	p.a.Crash(t)
	p.fires(p.b, p.a)
	p.nobody("the fence hangs", 0, 3*time.Second)
	p.wantJournalSoon(p.b, "(fence-failed)")
	p.nobody("the fence has hung", 0, time.Second)
	p.wantOrder(p.b, "(fence-shot)", "4s", "(fence-failed)")
	p.b.Run(t, "pairkeeper", "fence", "--acknowledge", "lb01")
	p.client.WaitFor(t, "lb02", soon)
	p.returns()

	t.Log("both stand by, and lose each other")
	third := lab.Host("third")
	for _, h := range p.nodes() {
		h.Run(t, "systemctl", "stop", "pairkeeper")
	}
	third.Run(t, "ip", "address", "add", vip+"/24", "dev", "eth0")
	for _, h := range p.nodes() {
		h.Run(t, "systemctl", "start", "pairkeeper")
	}
	for _, h := range p.nodes() {
		p.await(h, "it stands by because of a stranger", func(s daemon.Status) bool {
			return bothWays(s) && s.Routers[0].State == "BACKUP" && s.Routers[0].Arbiter != nil && s.Routers[0].Arbiter.Rule == "foreign-holder"
		})
	}
	p.power("works")
	p.mark()
	parted(stage)
	time.Sleep(2 * time.Second)
	third.Run(t, "ip", "address", "del", vip+"/24", "dev", "eth0")
	p.fires(p.a, p.b)
	time.Sleep(2 * time.Second)
	if got := shots(p.b); len(got) > 0 {
		t.Errorf("lb02 has fenced %v as well", got)
	}
	p.b.Crash(t)
	p.a.Run(t, "touch", "/run/off")
	p.client.WaitFor(t, "lb01", soon)
	p.fires(p.a, p.b)
	p.neverTwo()
	stage.Open()
	p.b.Start(t)
	p.calm()
	p.neverTwo()
}
