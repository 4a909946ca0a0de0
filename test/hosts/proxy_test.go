package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// eachProxy runs a test beside nginx and beside HAProxy.
func eachProxy(t *testing.T, test func(*testing.T, *pair)) {
	eachProxyWith(t, "", test)
}

// eachProxyWith is eachProxy with more lines in the configuration.
func eachProxyWith(t *testing.T, more string, test func(*testing.T, *pair)) {
	for name, p := range proxies {
		t.Run(name, func(t *testing.T) { test(t, newPairWith(t, p, more)) })
	}
}

func TestCrashedProxyIsRestartedAndTheVIPStays(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		before := p.await(p.a, "good", func(s daemon.Status) bool { return s.Proxy.State == "good" })
		p.kill(p.a, p.proxy.unit, "KILL", "all")
		after := p.await(p.a, "another main process, and good", func(s daemon.Status) bool {
			return s.Proxy.MainPID != before.Proxy.MainPID && s.Proxy.State == "good"
		})
		if p.proxy == nginx && after.Proxy.Restarts != 1 { // HAProxy's unit restarts by itself
			t.Errorf("%d restarts, want one", after.Proxy.Restarts)
		}
		p.client.WaitFor(t, "lb01", soon)
		time.Sleep(time.Second)
		p.report()
		if got := p.client.Hosts(); len(got) != 1 || got[0] != "lb01" {
			t.Errorf("answered by %v, want lb01 alone", got)
		}
		p.neverTwo()
		p.wantJournal(p.a, "proxy-failed", "proxy-recovered")
	})
}

func TestBrokenProxyMovesTheVIPAndReturns(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		good := p.breakProxy(p.a)
		p.kill(p.a, p.proxy.unit, "KILL", "all")
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		s := p.await(p.a, "FAULT with the reason", func(s daemon.Status) bool { return s.Routers[0].State == "FAULT" })
		if s.Routers[0].Reason != "proxy-down" || !strings.Contains(s.Routers[0].Detail, p.proxy.config) {
			t.Errorf("reason %q, detail %q: want proxy-down with the place in %s", s.Routers[0].Reason, s.Routers[0].Detail, p.proxy.config)
		}
		p.wantJournal(p.a, "ACTIVE -> FAULT (proxy-down) [FAULT]", "proxy-test-failed", p.proxy.config)
		p.wantJournal(p.b, "BACKUP -> ACTIVE (peer-released) [MASTER], peer 10.77.0.1")

		p.a.Write(t, p.proxy.config, good, 0o644)
		p.a.Try("systemctl", "reset-failed", p.proxy.unit)
		p.a.Run(t, "systemctl", "start", p.proxy.unit)
		p.client.WaitFor(t, "lb01", soon)
		p.wantJournal(p.a, "FAULT -> BACKUP", "BACKUP -> ACTIVE (preempts)")
	})
}

func TestHungProxyIsKilledAndRestarted(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		p.kill(p.a, p.proxy.unit, "STOP", "all")
		p.await(p.a, "restarted and good", func(s daemon.Status) bool {
			return s.Proxy.Restarts >= 1 && s.Proxy.State == "good"
		})
		p.client.WaitFor(t, "lb01", soon)
		p.report()
		p.neverTwo()
		p.wantJournal(p.a, "it runs, but its probe fails", "no answer within 1s", "proxy-recovered")
	})
}

func TestOperatorWhoStopsTheProxyGetsARelease(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		p.a.Run(t, "systemctl", "stop", p.proxy.unit)
		p.client.WaitFor(t, "lb02", soon)
		p.report()
		p.neverTwo()
		time.Sleep(3 * time.Second) // long enough for a fight
		if state, _ := p.a.Try("systemctl", "is-active", p.proxy.unit); strings.TrimSpace(state) == "active" {
			t.Errorf("%s is %s: it was started against the operator's will", p.proxy.unit, state)
		}
		p.wantJournal(p.a, "ACTIVE -> FAULT (proxy-stopped)", "an operator stopped "+p.proxy.unit)

		p.a.Run(t, "systemctl", "start", p.proxy.unit)
		p.client.WaitFor(t, "lb01", soon)
	})
}

func TestRestartByAnOperatorIsNoFailure(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Run(t, "systemctl", "restart", "nginx.service")
	time.Sleep(4 * time.Second)
	if s, err := p.status(p.a); err != nil || s.Proxy.Restarts != 0 || s.Routers[0].State != "ACTIVE" {
		t.Errorf("status %+v, %v: want no restart of ours, and ACTIVE", s, err)
	}
}

func TestStartLimitIsClearedAndCounted(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Write(t, "/etc/systemd/system/nginx.service.d/limit.conf", "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n", 0o644)
	p.a.Run(t, "systemctl", "daemon-reload")
	for want := 1; want <= 2; want++ {
		p.kill(p.a, "nginx.service", "KILL", "all")
		p.await(p.a, "restarted in spite of the limit", func(s daemon.Status) bool {
			return s.Proxy.Restarts >= want && s.Proxy.State == "good"
		})
	}
	if s, err := p.status(p.a); err != nil || s.Proxy.LimitHits == 0 || s.Proxy.Restarts != 2 {
		t.Errorf("%d start limits cleared, %d restarts (%v), want at least one, and 2", s.Proxy.LimitHits, s.Proxy.Restarts, err)
	}
}

func TestMissingUnitIsSaid(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Write(t, "/etc/pairkeeper/pairkeeper.yaml", strings.ReplaceAll(configFor(nginx, ""), "nginx.service", "ngnix.service"), 0o644)
	p.a.Run(t, "systemctl", "reload", "pairkeeper.service")
	s := p.await(p.a, "FAULT", func(s daemon.Status) bool {
		return s.Routers[0].State == "FAULT" && s.Routers[0].Reason == "proxy-missing"
	})
	if !strings.Contains(s.Routers[0].Detail, "ngnix.service is not-found") {
		t.Errorf("detail %q does not name the unit", s.Routers[0].Detail)
	}
	p.client.WaitFor(t, "lb02", soon)
}

func TestRestartedBusAndSystemdAreSurvived(t *testing.T) {
	p := newPair(t, nginx)
	for _, shake := range [][]string{
		{"systemctl", "daemon-reload"},
		{"systemctl", "daemon-reexec"},
		{"systemctl", "restart", "dbus.service"},
	} {
		before, err := p.status(p.a)
		if err != nil {
			t.Fatal(err)
		}
		p.a.Run(t, shake...)
		time.Sleep(500 * time.Millisecond)
		p.kill(p.a, "nginx.service", "KILL", "all")
		p.await(p.a, "restarted after "+strings.Join(shake, " "), func(s daemon.Status) bool {
			return s.Proxy.Restarts > before.Proxy.Restarts && s.Proxy.State == "good"
		})
	}
	p.report()
	if got := p.client.Hosts(); len(got) != 1 || got[0] != "lb01" {
		t.Errorf("answered by %v, want lb01 alone", got)
	}
}
