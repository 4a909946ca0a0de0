package hosts

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// tune gives the proxy of a host more keys.
func (p *pair) tune(h *hostlab.Host, keys ...string) {
	p.t.Helper()
	text := strings.Replace(configFor(p.proxy, ""), "  test: ", "  "+strings.Join(keys, "\n  ")+"\n  test: ", 1)
	h.Write(p.t, "/etc/pairkeeper/pairkeeper.yaml", text, 0o644)
	h.Run(p.t, "systemctl", "reload", "pairkeeper.service")
}

// dropIn changes the proxy's unit.
func (p *pair) dropIn(h *hostlab.Host, text string) {
	p.t.Helper()
	h.Write(p.t, "/etc/systemd/system/"+p.proxy.unit+".d/test.conf", text, 0o644)
	h.Run(p.t, "systemctl", "daemon-reload")
}

// counting has the unit note each of its starts.
const counting = "[Service]\nExecStartPre=/bin/sh -c 'echo started >>/run/starts'\n"

func starts(h *hostlab.Host) int {
	out, _ := h.Try("cat", "/run/starts")
	return strings.Count(out, "started")
}

func (p *pair) wantProxy(h *hostlab.Host, what string, ok func(*daemon.ProxyStatus) bool) daemon.Status {
	p.t.Helper()
	return p.await(h, what, func(s daemon.Status) bool { return s.Proxy != nil && ok(s.Proxy) })
}

// wantFault waits for FAULT with a reason, and wants words in what is said about it.
func (p *pair) wantFault(h *hostlab.Host, reason string, words ...string) {
	p.t.Helper()
	s := p.await(h, "FAULT ("+reason+")", func(s daemon.Status) bool {
		return s.Routers[0].State == "FAULT" && s.Routers[0].Reason == reason
	})
	for _, w := range words {
		if !strings.Contains(s.Routers[0].Detail, w) {
			p.t.Errorf("the detail lacks %q: %s", w, s.Routers[0].Detail)
		}
	}
}

func TestAUnitThatIsMaskedOrVanishesIsSaidAndAwaited(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Run(t, "rm", "/etc/init.d/nginx") // systemd would make a unit of it
	for _, c := range []struct{ do, undo, load, remedy string }{
		{"systemctl mask nginx", "systemctl unmask nginx", "masked", "systemctl unmask nginx.service"},
		{"mv /lib/systemd/system/nginx.service /root/", "mv /root/nginx.service /lib/systemd/system/", "not-found", "systemctl list-unit-files"},
	} {
		p.a.Run(t, "sh", "-c", c.do+" && systemctl daemon-reload")
		time.Sleep(time.Second)
		p.awaitState(p.a, "ACTIVE") // it runs all the same
		before, err := p.status(p.a)
		if err != nil {
			t.Fatal(err)
		}
		p.kill(p.a, "nginx.service", "KILL", "all")
		p.client.WaitFor(t, "lb02", soon)
		p.wantFault(p.a, "proxy-missing", "nginx.service is "+c.load, c.remedy)
		p.neverTwo()
		if s, err := p.status(p.a); err != nil || s.Proxy.Restarts != before.Proxy.Restarts {
			t.Errorf("%s: %d restarts, %v; want none", c.load, s.Proxy.Restarts-before.Proxy.Restarts, err)
		}
		p.a.Run(t, "sh", "-c", c.undo+" && systemctl daemon-reload")
		p.client.WaitFor(t, "lb01", soon) // it is started as it was not stopped by anybody
	}
}

func TestAUnitThatRestartsByItselfIsNotFought(t *testing.T) {
	p := newPair(t, nginx)
	p.dropIn(p.a, counting+"Restart=always\nRestartSec=300ms\n")
	p.kill(p.a, "nginx.service", "KILL", "all")
	p.wantProxy(p.a, "good again", func(s *daemon.ProxyStatus) bool { return starts(p.a) > 0 && s.State == "good" })
	time.Sleep(4 * time.Second) // long enough for a second one
	if s, err := p.status(p.a); err != nil || s.Proxy.Restarts != 0 || starts(p.a) != 1 {
		t.Errorf("started %d times, %d of them by pairkeeper (%v): want 1 and 0", starts(p.a), s.Proxy.Restarts, err)
	}

	// One that takes its time is overtaken after wait, and does not come on top of it.
	p.dropIn(p.a, counting+"Restart=always\nRestartSec=8s\n")
	p.kill(p.a, "nginx.service", "KILL", "all")
	p.wantProxy(p.a, "restarted by pairkeeper", func(s *daemon.ProxyStatus) bool { return s.Restarts == 1 && s.State == "good" })
	time.Sleep(8 * time.Second)
	if s, err := p.status(p.a); err != nil || s.Proxy.Restarts != 1 || starts(p.a) != 2 {
		t.Errorf("started %d times, %d of them by pairkeeper (%v): want 2 and 1", starts(p.a), s.Proxy.Restarts, err)
	}
	p.awaitState(p.a, "ACTIVE")
	p.neverTwo()
}

func TestTheBusIsRestartedDuringARestart(t *testing.T) {
	p := newPair(t, nginx)
	p.dropIn(p.a, counting+"ExecStartPre=/bin/sleep 1\n")
	p.kill(p.a, "nginx.service", "KILL", "all")
	for end := time.Now().Add(soon); starts(p.a) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no restart of nginx began")
		}
	}
	p.a.Run(t, "systemctl", "restart", "dbus.service")
	p.wantProxy(p.a, "good again", func(s *daemon.ProxyStatus) bool { return s.State == "good" && s.MainPID != 0 })
	if s, err := p.status(p.a); err != nil || s.Proxy.Restarts != 1 || starts(p.a) != 1 {
		t.Errorf("started %d times, pairkeeper counts %d (%v): want 1 and 1", starts(p.a), s.Proxy.Restarts, err)
	}
	p.wantJournal(p.a, "the connection to systemd was lost while the job ran", "proxy-recovered")
	p.awaitState(p.a, "ACTIVE")
	p.neverTwo()
}

func TestAStormOfDaemonReloadsCostsNoRestart(t *testing.T) {
	p := newPair(t, nginx)
	p.dropIn(p.a, counting)
	const storm = 200
	p.a.Run(t, "systemd-run", "--unit=storm", "sh", "-c", "for i in $(seq "+strconv.Itoa(storm)+"); do systemctl daemon-reload; echo over >>/run/reloads; done")
	reloads := func() int {
		out, _ := p.a.Try("cat", "/run/reloads")
		return strings.Count(out, "over")
	}
	for want := 1; want <= 3; want++ {
		time.Sleep(time.Second)
		p.kill(p.a, "nginx.service", "KILL", "all")
		p.wantProxy(p.a, "restarted in the storm", func(s *daemon.ProxyStatus) bool {
			return starts(p.a) == want && s.Restarts == want && s.State == "good"
		})
	}
	if n := reloads(); n >= storm {
		t.Errorf("the storm of %d was over before nginx was", n)
	}
	for end := time.Now().Add(10 * soon); reloads() < storm; time.Sleep(500 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only %d reloads", reloads())
		}
	}
	s := p.wantProxy(p.a, "good after the storm", func(s *daemon.ProxyStatus) bool { return s.State == "good" })
	if s.Proxy.Restarts != 3 || starts(p.a) != 3 {
		t.Errorf("killed 3 times, started %d times, pairkeeper counts %d", starts(p.a), s.Proxy.Restarts)
	}
	p.awaitState(p.a, "ACTIVE")
	p.neverTwo()
}

func TestAStartThatNeverEndsMovesTheVIPAndIsEnded(t *testing.T) {
	p := newPair(t, nginx)
	p.tune(p.a, "restart_timeout: 5s", "retry: 6s")
	p.dropIn(p.a, "[Service]\nType=notify\nTimeoutStartSec=infinity\nPIDFile=\nExecStart=\nExecStart=/bin/sleep 1000\n")
	p.a.Run(t, "systemctl", "restart", "--no-block", "nginx.service")
	p.client.WaitFor(t, "lb02", soon)
	p.wantFault(p.a, "proxy-down", "takes longer than 3s", "systemctl status nginx.service")
	p.a.Run(t, "sh", "-c", "rm /etc/systemd/system/nginx.service.d/test.conf && systemctl daemon-reload")
	p.client.WaitFor(t, "lb01", soon)
	p.wantJournal(p.a, "it is still activating job=restart", "attempt 1 of 2")
	p.neverTwo()
}

// thief is a second web server, which nobody knows of.
const thief = `[Service]
ExecStart=/usr/sbin/nginx -c /etc/thief.conf -g 'daemon off;'
`

func TestWhoHoldsThePortIsSaid(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		p.a.Write(t, "/etc/thief.conf", "pid /run/thief.pid;\nevents {}\nhttp { access_log off; server { listen 81; } }\n", 0o644)
		p.a.Write(t, "/etc/systemd/system/thief.service", thief, 0o644)
		p.a.Run(t, "systemctl", "start", "thief")
		more := map[string]string{
			nginx.unit:   "server { listen 81; }",
			haproxy.unit: "frontend more\n\tbind :81\n\thttp-request return status 200\n",
		}[p.proxy.unit]
		if p.proxy == nginx {
			p.a.Write(t, "/etc/nginx/conf.d/more.conf", more, 0o644)
		} else {
			p.a.Write(t, p.proxy.config, p.a.Run(t, "cat", p.proxy.config)+"\n"+more, 0o644)
			p.dropIn(p.a, "[Service]\nRestart=no\n")
		}
		p.kill(p.a, p.proxy.unit, "KILL", "all")
		p.client.WaitFor(t, "lb02", soon)
		p.wantFault(p.a, "proxy-down", "Address already in use", "port 81 is held by thief.service (process ", " nginx): systemctl stop thief.service")
		p.neverTwo()
	})
}

func TestAnAddressOfTheOtherNodeIsExplained(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *pair) {
		listen := map[string]string{
			nginx.unit:   "server { listen " + vip + ":81; }",
			haproxy.unit: "frontend more\n\tbind " + vip + ":81\n\thttp-request return status 200\n",
		}[p.proxy.unit]
		if p.proxy == nginx {
			p.b.Write(t, "/etc/nginx/conf.d/more.conf", listen, 0o644)
		} else {
			p.b.Write(t, p.proxy.config, p.b.Run(t, "cat", p.proxy.config)+"\n"+listen, 0o644)
			p.dropIn(p.b, "[Service]\nRestart=no\n")
		}
		const warning = "binds the virtual address " + vip
		if out := p.b.Run(t, "sh", "-c", "pairkeeper check 2>&1"); !strings.Contains(out, warning) {
			t.Errorf("check does not warn: %s", out)
		}
		p.kill(p.b, p.proxy.unit, "KILL", "all")
		p.wantFault(p.b, "proxy-down", "Cannot assign requested address", "listen on all addresses (0.0.0.0:81)",
			"sysctl -w net.ipv4.ip_nonlocal_bind=1", "/etc/sysctl.d/")
		p.b.Run(t, "sysctl", "-w", "net.ipv4.ip_nonlocal_bind=1")
		if out := p.b.Run(t, "sh", "-c", "pairkeeper check 2>&1"); strings.Contains(out, warning) {
			t.Errorf("check warns, though the kernel allows it: %s", out)
		}
		p.b.Run(t, "systemctl", "start", p.proxy.unit)
		p.awaitState(p.b, "BACKUP")
	})
}

func TestAProxyThatStaysWrongIsStoppedAndStartedAgain(t *testing.T) {
	p := newPair(t, nginx)
	p.tune(p.a, "wait: 1s", "retry: 20s", "give_up: stop")
	good := p.a.Run(t, "cat", "/etc/nginx/nginx.conf") + "\n"
	p.a.Write(t, "/etc/nginx/nginx.conf", strings.Replace(good, "location = /healthz { return 200", "location = /healthz { return 503", 1), 0o644)
	p.a.Run(t, "systemctl", "reload", "nginx")
	p.client.WaitFor(t, "lb02", soon)
	p.wantFault(p.a, "proxy-down", "503")
	s := p.wantProxy(p.a, "stopped by pairkeeper", func(s *daemon.ProxyStatus) bool { // or killed, where nginx has requests open for too long
		return s.MainPID == 0 && (strings.HasPrefix(s.Unit, "inactive") || strings.HasPrefix(s.Unit, "failed timeout"))
	})
	if s.Proxy.State != "given-up" || s.Proxy.Restarts != 2 {
		t.Errorf("%+v: want given-up after 2 restarts, not stopped by an operator", s.Proxy)
	}
	p.wantJournal(p.a, "proxy-reloading", "attempt 1 of 2", "attempt 2 of 2", "proxy-halted", "next try in 20s")

	// A new daemon knows whose stop it was, and tries at once.
	p.a.Write(t, "/etc/nginx/nginx.conf", good, 0o644)
	p.a.Run(t, "systemctl", "restart", "pairkeeper")
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()
}

// systemd calls such a reload done; HAProxy's master knows better.
func TestAReloadThatHAProxyCannotLoadIsSaid(t *testing.T) {
	p := newPair(t, haproxy)
	p.a.Write(t, "/etc/systemd/system/thief@.service", strings.ReplaceAll(thief, "thief.conf", "thief-%i.conf"), 0o644)
	for _, port := range []string{"81", "82"} {
		p.a.Write(t, "/etc/thief-"+port+".conf", "pid /run/thief-"+port+".pid;\nevents {}\nhttp { access_log off; server { listen "+port+"; } }\n", 0o644)
		p.a.Run(t, "systemctl", "start", "thief@"+port)
	}
	// It answers 503 once its server on port 82 is gone.
	text := strings.Replace(p.a.Run(t, "cat", p.proxy.config), "\thttp-request return",
		"\thttp-request return status 503 if { nbsrv(behind) eq 0 }\n\thttp-request return", 1) +
		"\nbackend behind\n\tserver a 127.0.0.1:82 check inter 100ms fall 1\n"
	p.a.Write(t, p.proxy.config, text, 0o644)
	p.a.Run(t, "systemctl", "reload", p.proxy.unit)
	time.Sleep(2 * time.Second)
	p.wantProxy(p.a, "good", func(s *daemon.ProxyStatus) bool { return s.State == "good" })

	p.a.Write(t, p.proxy.config, text+"frontend more\n\tbind :81\n", 0o644)
	p.a.Run(t, "systemctl", "stop", "thief@82")
	p.client.WaitFor(t, "lb02", soon)
	p.wantJournal(p.a, "it answers, a reload may do (proxy-reloading)",
		"HAProxy could not load its configuration; its worker goes on with the one before", "port 81 is held by thief@81.service",
		"(proxy-reload-failed)", "attempt 1 of 2")
	p.neverTwo()
}
