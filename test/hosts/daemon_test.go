package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestStoppedDaemonReleases(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		p.a.Run(t, "systemctl", "stop", "pairkeeper.service")
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		p.wantJournal(p.a, "ACTIVE -> INIT (stopping) [STOP]")
		p.wantJournal(p.b, "peer-released")
		if out := p.a.Run(t, "ip", "-br", "address", "show", "dev", "eth0"); strings.Contains(out, vip) {
			t.Errorf("the address was left: %s", out)
		}
		if out := p.a.Run(t, "nft", "list", "tables"); out != "" {
			t.Errorf("the gate was left: %s", out)
		}
		p.a.Run(t, "systemctl", "start", "pairkeeper.service")
		p.client.WaitFor(t, "lb01", soon)
	})
}

func TestKilledDaemonLeavesNoSecondHolder(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		p.kill(p.a, "pairkeeper.service", "KILL", "all")
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		p.wantJournal(p.a, "removing the addresses that a dead daemon left", "removing the tables pairkeeper of nftables that a dead daemon left")
		p.client.WaitFor(t, "lb01", soon) // Restart=always, then pre-empts
	})
}

func TestKilledDaemonWithoutSystemdsHelp(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Write(t, "/etc/systemd/system/pairkeeper.service.d/alone.conf", "[Service]\nExecStopPost=\nRestart=no\n", 0o644)
	p.a.Run(t, "systemctl", "daemon-reload")
	p.kill(p.a, "pairkeeper.service", "KILL", "all")
	p.client.WaitFor(t, "lb02", soon)
	p.report()
	p.neverTwo()
	p.wantJournal(p.b, "BACKUP -> ACTIVE (peer-silent)")
	if tables := p.a.Run(t, "nft", "list", "tables"); !strings.Contains(tables, "inet pairkeeper") {
		t.Errorf("nobody tidied up, but the gate is gone: %s", tables)
	}
}

func TestHungDaemonIsReplacedByTheWatchdog(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		before := p.mainPID(p.a, "pairkeeper.service")
		p.kill(p.a, "pairkeeper.service", "STOP", "main")
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		p.client.WaitFor(t, "lb01", soon)
		if now := p.mainPID(p.a, "pairkeeper.service"); now == before {
			t.Error("the hung daemon still runs: the watchdog did nothing")
		}
	})
}

func TestPausedDaemonListensBeforeItAsserts(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Write(t, "/etc/systemd/system/pairkeeper.service.d/nodog.conf", "[Service]\nWatchdogSec=0\n", 0o644)
	p.a.Run(t, "systemctl", "daemon-reload")
	p.a.Run(t, "systemctl", "restart", "pairkeeper.service")
	p.awaitState(p.a, "ACTIVE")
	p.client.WaitFor(t, "lb01", soon)
	p.mark()
	p.kill(p.a, "pairkeeper.service", "STOP", "main")
	p.client.WaitFor(t, "lb02", soon)
	time.Sleep(2 * time.Second)
	p.kill(p.a, "pairkeeper.service", "CONT", "main")
	p.client.WaitFor(t, "lb01", soon)
	p.report()
	p.neverTwo()
	p.wantJournal(p.a, "ACTIVE -> BACKUP (paused)")
}

func TestPowerCutMovesTheVIP(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		p.a.Crash(t)
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		p.a.Start(t)
		p.client.WaitFor(t, "lb01", soon)
		p.neverTwo()
	})
}

func TestFrozenHostComesBackAsBackup(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Freeze(t)
	p.client.WaitFor(t, "lb02", soon)
	time.Sleep(3 * time.Second)
	p.a.Thaw(t)
	p.client.WaitFor(t, "lb01", soon)
	p.report()
	p.neverTwo()
}

func TestCutCableMovesTheVIPAndHeals(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Cut(t)
	p.client.WaitFor(t, "lb02", soon)
	p.report()
	p.awaitState(p.a, "FAULT")
	p.a.Join(t)
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()
	p.wantJournal(p.a, "ACTIVE -> FAULT (link-down)")
}

func TestBadReloadChangesNothing(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Write(t, "/etc/pairkeeper/pairkeeper.yaml", strings.ReplaceAll(configFor(nginx, ""), "vrid: 50", "vrid: 300"), 0o644)
	if out, err := p.a.Try("systemctl", "reload", "pairkeeper.service"); err == nil {
		t.Errorf("the reload of a bad file succeeded: %s", out)
	}
	out, err := p.a.Try("sh", "-c", "pairkeeper reload 2>&1")
	if err == nil || !strings.Contains(out, "pairkeeper.yaml:12: virtual_routers[0].vrid: 300 is not in 1..255") {
		t.Errorf("pairkeeper reload: %v: %s", err, out)
	}
	s, err := p.status(p.a)
	if err != nil || s.Routers[0].State != "ACTIVE" || s.Routers[0].VRID != 50 || s.Config.Problem == "" {
		t.Errorf("status %+v, %v: want the last good configuration, and the problem", s, err)
	}
	p.report()
	p.neverTwo()
}

func TestReloadAppliesTheDifference(t *testing.T) {
	p := newPair(t, nginx)
	before, err := p.status(p.a)
	if err != nil {
		t.Fatal(err)
	}
	more := "  - name: more\n    interface: eth0\n    vrid: 51\n    addresses: [10.77.0.101/24]\n"
	for _, h := range p.lab.Hosts() {
		h.Write(t, "/etc/pairkeeper/pairkeeper.yaml", configFor(nginx, more), 0o644)
		h.Run(t, "systemctl", "reload", "pairkeeper.service")
	}
	s := p.await(p.a, "both routers ACTIVE", func(s daemon.Status) bool {
		return len(s.Routers) == 2 && s.Routers[0].State == "ACTIVE" && s.Routers[1].State == "ACTIVE"
	})
	if d := s.Routers[0].Since.Sub(before.Routers[0].Since).Abs(); d > 100*time.Millisecond {
		t.Errorf("the unchanged router lost its state: since %s, was %s", s.Routers[0].Since, before.Routers[0].Since)
	}
	if got := p.client.Hosts(); len(got) != 1 || got[0] != "lb01" {
		t.Errorf("answered by %v, want lb01 alone", got)
	}
	p.neverTwo()
}

func TestSystemctlStatusSaysTheStateInOneLine(t *testing.T) {
	p := newPair(t, nginx)
	deadline := time.Now().Add(soon)
	for {
		out := p.a.Run(t, "systemctl", "show", "-P", "StatusText", "pairkeeper.service")
		if strings.TrimSpace(out) == "healthy: web ACTIVE, nginx.service good" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("STATUS= is %q", out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestJournalHasTheFields(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Run(t, "journalctl", "--sync")
	out := p.a.Journal(t, "-o", "json", "PAIRKEEPER_ROUTER=web", "PAIRKEEPER_STATE=ACTIVE")
	for _, field := range []string{`"PAIRKEEPER_OLD_STATE":"BACKUP"`, `"PAIRKEEPER_REASON":"`, `"PAIRKEEPER_PRIORITY":"150"`} {
		if !strings.Contains(out, field) {
			t.Errorf("no %s in %s", field, out)
		}
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	p := newPair(t, nginx)
	out, err := p.a.Try("sh", "-c", "pairkeeper run 2>&1")
	if err == nil || !strings.Contains(out, "another pairkeeper is running") {
		t.Errorf("a second daemon: %v: %s", err, out)
	}
	out, err = p.a.Try("sh", "-c", "pairkeeper cleanup 2>&1")
	if err == nil || !strings.Contains(out, "stop it first") {
		t.Errorf("cleanup beside a running daemon: %v: %s", err, out)
	}
	p.awaitState(p.a, "ACTIVE")
}
