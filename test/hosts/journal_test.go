package hosts

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// installCatalogs does what make install does.
func installCatalogs(t *testing.T, h *hostlab.Host) {
	t.Helper()
	for _, name := range []string{"pairkeeper.catalog", "pairkeeper.zh_CN.catalog"} {
		text, err := os.ReadFile("../../systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(t, "/usr/lib/systemd/catalog/"+name, string(text), 0o644)
	}
	h.Run(t, "journalctl", "--update-catalog")
}

// addLocale gives the host a locale of a name. journalctl asks for the name alone, but the
// C library has to have it; locale-gen makes the real one, for which Debian's lean hosts
// lack the sources.
func addLocale(t *testing.T, h *hostlab.Host, name string) {
	t.Helper()
	h.Run(t, "cp", "-r", "/usr/lib/locale/C.utf8", "/usr/lib/locale/"+name)
}

func TestJournalctlExplainsATransitionInEnglishAndChinese(t *testing.T) {
	p := newPair(t, nginx)
	installCatalogs(t, p.b)
	addLocale(t, p.b, "zh_CN.utf8")
	p.kill(p.a, "pairkeeper.service", "STOP", "main") // hung: the other one is silent
	p.client.WaitFor(t, "lb02", soon)
	p.b.Run(t, "journalctl", "--sync")
	explain := func(env ...string) string {
		args := append([]string{"env"}, env...)
		return p.b.Run(t, append(args, "journalctl", "--no-pager", "-x", "-u", "pairkeeper", "PAIRKEEPER_STATE=ACTIVE")...)
	}
	want := func(text string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("it lacks %q:\n%s", w, text)
			}
		}
		if strings.Contains(text, "@PAIRKEEPER") {
			t.Errorf("a field is missing:\n%s", text)
		}
	}
	english := []string{"Subject: web: this node took over, the other one is silent", "The adverts of virtual router web stopped on interface eth0", "lb02 holds the", "tcpdump -ni eth0 proto 112"}
	want(explain("LANG=C.UTF-8"), english...)
	want(explain("LANG=de_DE.UTF-8"), english...)
	chinese := []string{"Subject: web：对端无通告，本节点已接管", "现在由 lb02 持有虚拟地址。", "tcpdump -ni eth0 proto 112"}
	want(explain("LANG=zh_CN.UTF-8"), chinese...)
	want(explain("LANG=C.UTF-8", "LC_MESSAGES=zh_CN.UTF-8"), chinese...)
}

// history is what pairkeeper history --json prints.
type history struct {
	Rows []struct {
		Event, Router, State, Reason, Peer, Lasted, Message string
		OldState                                            string  `json:"old_state"`
		Seconds                                             float64 `json:"lasted_seconds"`
	}
}

func TestHistoryTellsOfTransitionsAndOfACrash(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Run(t, "systemctl", "stop", "nginx.service")
	p.awaitState(p.a, "FAULT")
	p.a.Cut(t) // another cause
	p.await(p.a, "FAULT for its link", func(s daemon.Status) bool { return s.Routers[0].Reason == "link-down" })
	p.a.Join(t)
	p.a.Run(t, "systemctl", "start", "nginx.service")
	p.awaitState(p.a, "ACTIVE")
	p.kill(p.a, "pairkeeper.service", "KILL", "main")
	p.client.WaitFor(t, "lb02", soon)
	p.client.WaitFor(t, "lb01", soon)
	p.awaitState(p.a, "ACTIVE")
	p.a.Run(t, "journalctl", "--sync")

	t.Log("\n" + p.a.Run(t, "pairkeeper", "history"))
	var h history
	if err := json.Unmarshal([]byte(p.a.Run(t, "pairkeeper", "history", "web", "--json", "-n", "0", "--since", "1h")), &h); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range h.Rows {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Event, r.State, r.Reason, r.Lasted)))
		if r.Lasted == "exact" && (r.Seconds < 0 || r.Seconds > 600) {
			t.Errorf("it lasted %v s: %+v", r.Seconds, r)
		}
	}
	// Newest first. What comes between depends on who was quicker.
	got := strings.Join(lines, "\n")
	rest := got
	for _, want := range []string{
		"transition ACTIVE preempts so-far", "transition BACKUP started exact", "daemon-begins", "addresses-removed", "daemon-died",
		"transition ACTIVE preempts exact", "transition FAULT link-down exact", "transition FAULT proxy-stopped exact", "transition ACTIVE", "transition BACKUP started exact", "daemon-begins",
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("no %q in its place:\n%s", want, got)
		}
		rest = after
	}
	for _, r := range h.Rows {
		if r.Event == "daemon-died" && !strings.Contains(r.Message, "status=9/KILL") {
			t.Errorf("the daemon died by %q", r.Message)
		}
		if r.Reason == "preempts" && r.Peer != p.b.Addr() {
			t.Errorf("pre-empted %q", r.Peer)
		}
	}
	few := p.a.Run(t, "pairkeeper", "history", "-n", "2")
	if n := strings.Count(few, "\n"); n != 2 {
		t.Errorf("-n 2 printed\n%s", few)
	}
	if out, err := p.a.Try("pairkeeper", "history", "nobody"); err == nil {
		t.Errorf("a router that is not: %s", out)
	}
}

// hangJournald stops journald's process; goOn lets it go on.
func hangJournald(p *pair) (goOn func()) {
	p.kill(p.a, "systemd-journald.service", "STOP", "main")
	return sync.OnceFunc(func() { p.kill(p.a, "systemd-journald.service", "CONT", "main") })
}

// stopJournald stops journald and its sockets, so that nobody listens.
func stopJournald(p *pair) (goOn func()) {
	units := []string{"systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket", "systemd-journald-audit.socket"}
	p.a.Run(p.t, append([]string{"systemctl", "stop"}, units...)...)
	if out, err := p.a.Try("journalctl", "--sync"); err == nil || !strings.Contains(err.Error(), "Connection refused") {
		p.t.Fatalf("somebody listens: %v %s", err, out)
	}
	return sync.OnceFunc(func() { p.a.Run(p.t, append([]string{"systemctl", "start"}, units[:3]...)...) })
}

func TestAFailoverWithoutJournaldIsNotDelayedAndToldLater(t *testing.T) {
	for name, c := range map[string]struct {
		stop func(*pair) (goOn func())
		told string
	}{
		"hung":    {hangJournald, "(proxy-down)"}, // they lie in its socket
		"stopped": {stopJournald, "journald did not take it then"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, nginx)
			before := p.mainPID(p.a, "pairkeeper.service")
			goOn := c.stop(p)
			defer goOn()
			p.kill(p.a, "nginx.service", "KILL", "all")
			p.await(p.a, "restarted and good", func(s daemon.Status) bool { return s.Proxy.Restarts == 1 && s.Proxy.State == "good" })
			p.awaitState(p.a, "ACTIVE")

			p.mark()
			p.breakProxy(p.a)
			p.kill(p.a, "nginx.service", "KILL", "all")
			p.client.WaitFor(t, "lb02", soon)
			p.report()
			if o := p.client.Outage(); o.Longest > 2*time.Second { // a lease or a timer of somebody would take longer
				t.Errorf("the failover was delayed: %v", o)
			}
			p.awaitState(p.a, "FAULT")
			time.Sleep(2 * time.Second) // so that the records are late
			p.neverTwo()
			if now := p.mainPID(p.a, "pairkeeper.service"); now != before {
				t.Errorf("another daemon runs: process %s, was %s", now, before)
			}

			goOn()
			deadline := time.Now().Add(soon)
			for !strings.Contains(p.journal(p.a), "ACTIVE -> FAULT (proxy-down)") {
				if time.Now().After(deadline) {
					t.Fatalf("it was never told:\n%s", p.journal(p.a))
				}
				time.Sleep(100 * time.Millisecond)
			}
			p.wantJournal(p.a, "(proxy-failed)", c.told)
			if text := p.a.Run(t, "pairkeeper", "history"); !lasted(text, "still FAULT|-> FAULT", 2*time.Second) {
				t.Errorf("the history does not know when it happened:\n%s", text)
			}
		})
	}
}

// lasted tells whether a history's first row of some states says that it lasts longer
// than d already.
func lasted(history, states string, d time.Duration) bool {
	m := regexp.MustCompile(`(?:` + states + `)\s+(\S+) so far`).FindStringSubmatch(history)
	if m == nil {
		return false
	}
	got, err := time.ParseDuration(m[1])
	return err == nil && got > d
}
