package container

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// kinds are the proxies, and what makes their configuration bad.
var kinds = map[string]struct {
	spec         func(*testing.T) *spec
	conf, broken string
}{
	"nginx":   {exampleSpec, "/etc/nginx/nginx.conf", "no_such_directive on;\n"},
	"haproxy": {haproxySpec, "/etc/haproxy/haproxy.cfg", "no_such_keyword\n"},
}

func TestAContainerKeepsItsProxyAndLeavesWhenItCannot(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t)
			bus := listenAsBus(t)
			s := kind.spec(t)
			s.Volumes["/run/dbus"] = volume{From: bus.dir}
			c := n.start(n.hosts[0], s)
			c.is("ACTIVE")
			c.answers("http://"+vip+"/", "begin end")
			c.wantCapabilities()
			if code := c.healthy(); code != 0 {
				t.Errorf("the health check of a good node ends with %d", code)
			}

			killed := c.killProxy()
			c.hasAnotherProxyThan(killed)
			c.answers("http://"+vip+"/", "begin end")
			if log := c.log.String(); strings.Contains(log, "ACTIVE -> ") || !c.holds() {
				t.Errorf("the address left over a restart")
			}
			if z := c.zombies(); z != "" {
				t.Errorf("zombies:\n%s", z)
			}

			c.replace(kind.conf, "\n\n", "\n"+kind.broken+"\n")
			c.killProxy()
			c.is("FAULT")
			c.until("the address is gone", func() bool { return !c.holds() })
			if code := c.healthy(); code != 1 {
				t.Errorf("the health check of a node in FAULT ends with %d", code)
			}
			if z := c.zombies(); z != "" {
				t.Errorf("zombies:\n%s", z)
			}
			c.signal(unix.SIGTERM)
			c.ends(0)
			if calls := bus.calls(); calls > 0 || strings.Contains(c.log.String(), "D-Bus") {
				t.Errorf("D-Bus was called %d times", calls)
			}
			if strings.Contains(c.log.String(), "no child processes") {
				t.Error("an exit status was stolen")
			}
		})
	}
}

// bus listens where D-Bus would.
type bus struct {
	dir      string
	listener *net.UnixListener
}

func listenAsBus(t *testing.T) *bus {
	t.Helper()
	b := &bus{dir: t.TempDir()}
	var err error
	b.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.dir, "system_bus_socket"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.listener.Close() })
	return b
}

// calls is how many have connected.
func (b *bus) calls() (n int) {
	for _ = b.listener.SetDeadline(time.Now().Add(10 * time.Millisecond)); ; n++ {
		c, err := b.listener.Accept()
		if err != nil {
			return n
		}
		c.Close()
	}
}

// wantCapabilities wants PID 1 to have those of compose.yaml and no others.
func (c *container) wantCapabilities() {
	c.Helper()
	bits := map[string]uint64{
		"CHOWN": unix.CAP_CHOWN, "DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "KILL": unix.CAP_KILL, "NET_ADMIN": unix.CAP_NET_ADMIN,
		"NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "NET_RAW": unix.CAP_NET_RAW, "SETGID": unix.CAP_SETGID,
		"SETUID": unix.CAP_SETUID, "SYS_NICE": unix.CAP_SYS_NICE,
	}
	var all uint64
	for _, name := range c.spec.Capabilities {
		bit, known := bits[name]
		if !known {
			c.Fatalf("what is %s?", name)
		}
		all |= 1 << bit
	}
	_, status := c.exec("cat", "/proc/1/status")
	for _, want := range []string{fmt.Sprintf("CapEff:\t%016x\n", all), fmt.Sprintf("CapBnd:\t%016x\n", all), "Name:\tpairkeeper\n", "NoNewPrivs:\t1\n"} {
		if !strings.Contains(status, want) {
			c.Errorf("PID 1 has not %q:\n%s", want, status)
		}
	}
}

func TestAStopReleasesTheAddressFirstAndFinishesRequests(t *testing.T) {
	for _, k := range []struct {
		name   string
		spec   func(*testing.T) *spec
		signal unix.Signal
	}{
		{"nginx, SIGTERM", exampleSpec, unix.SIGTERM},
		{"nginx, SIGQUIT of its image", exampleSpec, unix.SIGQUIT},
		{"haproxy, SIGTERM", haproxySpec, unix.SIGTERM},
		{"haproxy, SIGUSR1 of its image", haproxySpec, unix.SIGUSR1},
	} {
		t.Run(k.name, func(t *testing.T) {
			n := newNetwork(t)
			s := k.spec(t)
			s.edit(t, "stop_timeout: 20s", "stop_timeout: 5m") // the machine may be busy
			c := n.start(n.hosts[0], s)
			c.is("ACTIVE")
			c.answers("http://"+vip+"/", "begin end")
			// By the node's own address: the virtual one leaves.
			resp, err := n.get("http://" + first + "/slow")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadFull(resp.Body, make([]byte, len("begin "))); err != nil {
				t.Fatal(err)
			}
			wire := n.lab.Capture()
			c.signal(k.signal)
			if got := len(wire.Wait(1, soon, release)); got != 1 {
				t.Fatalf("%d adverts of priority 0", got)
			}
			c.until("the address is gone", func() bool { return !c.holds() })
			c.until("nothing new is taken", func() bool {
				resp, err := n.get("http://" + first + "/healthz")
				if err == nil {
					resp.Body.Close()
				}
				return err != nil
			})
			select {
			case <-c.ended:
				t.Fatal("it ended with a request under way")
			default:
			}
			close(n.more)
			if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "end" {
				t.Errorf("the rest of the answer is %q, %v", rest, err)
			}
			c.ends(0)
			if !strings.Contains(c.log.String(), "ACTIVE -> INIT") {
				t.Error("the log does not say that it left")
			}
		})
	}
}

// release is an advert of priority 0.
func release(f netlab.Frame) bool {
	return f.IsIPv4(112) && len(f.Payload()) >= 23 && f.Payload()[22] == 0
}

func TestSignalsOfAnOperatorReachNginx(t *testing.T) {
	n := newNetwork(t)
	c := n.start(n.hosts[0], exampleSpec(t))
	c.is("ACTIVE")
	const access = "/var/log/nginx/access.log"
	for range 2 { // the second time the log that is opened belongs to a worker's user
		c.answers("http://"+vip+"/before", "begin end")
		c.until("the request is logged", func() bool { return strings.Contains(c.read(access), "/before") })
		if err := os.Rename(c.volume(access), c.volume(access)+".1"); err != nil {
			t.Fatal(err)
		}
		c.signal(unix.SIGUSR1)
		c.until("the log is opened anew", func() bool { return exists(c.volume(access)) })
		c.until("requests are logged there", func() bool {
			c.answers("http://"+vip+"/after", "begin end")
			return strings.Contains(c.read(access), "/after")
		})
	}
	killed := c.killProxy() // and opened by a new nginx
	c.hasAnotherProxyThan(killed)
	c.answers("http://"+vip+"/", "begin end")

	c.replace("/etc/nginx/nginx.conf", `return 200 "ok\n"`, `return 200 "fine\n"`)
	c.signal(unix.SIGHUP)
	c.answers("http://"+vip+"/healthz", "fine")
	c.says("nginx: reads its configuration again (SIGHUP)")
	c.replace("/etc/nginx/nginx.conf", `return 200 "fine\n"`, `no_such_directive "bad\n"`)
	c.signal(unix.SIGHUP)
	c.says("nginx: it goes on with the configuration it has: nginx -t -q: exit 1: ")
	c.answers("http://"+vip+"/healthz", "fine")
	c.replace("/etc/nginx/pairkeeper.yaml", "vrid: 50", "vrid: 300")
	c.signal(unix.SIGHUP)
	c.says("virtual_routers[0].vrid: 300 is not in 1..255")
	for _, s := range []unix.Signal{unix.SIGUSR2, unix.SIGWINCH} {
		c.signal(s)
	}
	c.answers("http://"+vip+"/healthz", "fine")
	if log := c.log.String(); strings.Contains(log, "ACTIVE -> ") {
		t.Error("a signal made the node leave")
	}
	if z := c.zombies(); z != "" {
		t.Errorf("zombies:\n%s", z)
	}
}

func TestHAProxyReloadsOnItsOwnSignalAndOnOurs(t *testing.T) {
	n := newNetwork(t)
	c := n.start(n.hosts[0], haproxySpec(t))
	c.is("ACTIVE")
	at := "monitor-uri /healthz"
	for i, s := range []unix.Signal{unix.SIGHUP, unix.SIGUSR2} {
		with := fmt.Sprintf("%s\n    http-request return status 200 content-type text/plain string round%d if { path /round }", "monitor-uri /healthz", i)
		c.replace("/etc/haproxy/haproxy.cfg", at, with)
		c.signal(s)
		c.answers("http://"+vip+"/round", fmt.Sprintf("round%d", i))
	}
	if log := c.log.String(); strings.Contains(log, "ACTIVE -> ") || strings.Contains(log, "proxy-failed") {
		t.Error("a reload was taken for a failure")
	}
}

// A probe's program leaves processes behind that left its group.
func TestOrphansAreReaped(t *testing.T) {
	n := newNetwork(t)
	s := exampleSpec(t)
	s.edit(t, "probes:\n", "probes:\n  - exec: /etc/nginx/orphans.sh\n    interval: 100ms\n")
	script := "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9 10; do\n  setsid sh -c 'sleep 0.2; echo >>/var/log/nginx/orphans; exit 7' &\ndone\necho good\n"
	if err := os.WriteFile(filepath.Join(s.Volumes["/etc/nginx"].From, "orphans.sh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	c := n.start(n.hosts[0], s)
	c.is("ACTIVE")
	c.until("a hundred orphans have lived", func() bool { return strings.Count(c.read("/var/log/nginx/orphans"), "\n") >= 100 })
	c.killProxy()
	c.await("the proxy is good again", func(s daemon.Status) bool { return s.Proxy.State == "good" })
	// New ones come all the time, and one may just have ended.
	most := 0
	c.until("all are reaped", func() bool {
		z := strings.Count(c.zombies(), "Name")
		most = max(most, z)
		return z == 0
	})
	if most > 40 {
		t.Errorf("%d zombies at a time", most)
	}
	s2, err := c.status()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s2.Probes {
		if p.State != "good" {
			t.Errorf("%s is %s: %s", p.Name, p.State, p.Detail)
		}
	}
	if strings.Contains(c.log.String(), "no child processes") {
		t.Error("an exit status was stolen")
	}
}

func TestAContainerThatIsKilledLosesTheAddressToTheOther(t *testing.T) {
	n := newNetwork(t)
	s := exampleSpec(t)
	a := n.start(n.hosts[0], s)
	a.is("ACTIVE")
	b := n.start(n.hosts[1], exampleSpec(t))
	b.is("BACKUP")
	if code := b.healthy(); code != 0 {
		t.Errorf("the health check of a Backup ends with %d", code)
	}
	n.answers("http://"+vip+"/", "begin end")
	a.signal(unix.SIGKILL)
	a.ends(-1)
	b.is("ACTIVE")
	n.answers("http://"+vip+"/", "begin end")
	again := n.start(n.hosts[0], s) // restart: unless-stopped
	again.is("BACKUP")
	again.answers("http://"+first+"/", "begin end")
	b.signal(unix.SIGTERM)
	b.ends(0)
	again.is("ACTIVE")
}

func TestWhatAContainerLacksIsSaid(t *testing.T) {
	without := func(s *spec, capability string) {
		var left []string
		for _, c := range s.Capabilities {
			if c != capability {
				left = append(left, c)
			}
		}
		s.Capabilities = left
	}
	t.Run("SYS_NICE", func(t *testing.T) {
		n := newNetwork(t)
		s := exampleSpec(t)
		without(s, "SYS_NICE")
		c := n.start(n.hosts[0], s)
		c.is("ACTIVE")
		c.killProxy()
		c.answers("http://"+vip+"/", "begin end")
		if said := strings.Count(c.log.String(), "CAP_SYS_NICE"); said != 1 {
			t.Errorf("said %d times", said)
		}
	})
	for name, k := range map[string]struct {
		change func(*spec)
		code   int
		says   string
	}{
		"NET_RAW":   {func(s *spec) { without(s, "NET_RAW") }, 77, "CAP_NET_RAW is missing"},
		"NET_ADMIN": {func(s *spec) { without(s, "NET_ADMIN") }, 77, "CAP_NET_ADMIN is missing"},
		"a tmpfs":   {func(s *spec) { s.Tmpfs = nil }, 70, "read-only file system: mount a tmpfs on /run, or name another place with --socket"},
		"a file":    {func(s *spec) { s.Volumes["/etc/nginx"] = volume{From: s.Volumes["/var/log/nginx"].From} }, 78, "there is no configuration file"},
		"a command": {func(s *spec) { s.Argv = append(s.Argv, "frobnicate") }, 64, "frobnicate"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t)
			s := exampleSpec(t)
			k.change(s)
			c := n.start(n.hosts[0], s)
			c.ends(k.code)
			c.says(k.says)
		})
	}
}
