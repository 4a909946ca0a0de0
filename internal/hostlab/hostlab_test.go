//go:build linux

package hostlab_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

func TestMain(m *testing.M) { os.Exit(hostlab.Main(m)) }

const soon = 30 * time.Second

func TestHostsBootAndServeTheirNames(t *testing.T) {
	start := time.Now()
	lab := hostlab.New(t, "h1", "h2")
	t.Logf("two hosts up after %v", time.Since(start).Round(time.Millisecond))
	for _, h := range lab.Hosts() {
		if got := h.Run(t, "cat", "/proc/1/comm"); got != "systemd" {
			t.Errorf("%s: PID 1 is %q", h.Name(), got)
		}
		if got := h.Run(t, "hostname"); got != h.Name() {
			t.Errorf("%s: hostname is %q", h.Name(), got)
		}
		if got := h.Run(t, "systemctl", "is-system-running"); got != "running" {
			t.Errorf("%s: %s", h.Name(), got)
		}
		c := lab.Client(h.Addr(), 20*time.Millisecond)
		c.WaitFor(t, h.Name(), soon)
	}
	if got := lab.Host("h1").Run(t, "curl", "-s", "http://"+lab.Host("h2").HeartbeatAddr()+"/healthz"); got != "h2" {
		t.Errorf("h1 asks h2 on eth1: %q", got)
	}
}

func TestHAProxyServesTheSameSite(t *testing.T) {
	lab := hostlab.New(t, "h1")
	h := lab.Host("h1")
	h.UseHAProxy(t)
	lab.Client(h.Addr(), 20*time.Millisecond).WaitFor(t, "h1", soon)
	if got := h.Run(t, "systemctl", "show", "-P", "ActiveState", "nginx", "haproxy"); got != "inactive\n\nactive" {
		t.Errorf("nginx, haproxy: %q", got)
	}
}

func TestHostCannotReachTheMachine(t *testing.T) {
	h := hostlab.New(t, "h1").Host("h1")
	for _, cmd := range []string{ // harmless if they were allowed
		"date -s now",
		"p=$(cat /proc/sys/kernel/panic) && echo $p > /proc/sys/kernel/panic",
		"touch /sys/kernel",
		"test -e /proc/sysrq-trigger -a ! -c /proc/sysrq-trigger",
		"ls /tmp | grep go-build",
	} {
		if out, err := h.Try("systemd-run", "--wait", "--pipe", "-q", "sh", "-c", cmd); err == nil {
			t.Errorf("%s is allowed: %s", cmd, out)
		}
		if out, err := h.Try("sh", "-c", cmd); err == nil {
			t.Errorf("%s is allowed to Run: %s", cmd, out)
		}
	}
	if got := h.Run(t, "cat", "/proc/1/cgroup"); !strings.Contains(got, "0::/init.scope") {
		t.Errorf("systemd is not in a cgroup namespace of its own: %s", got)
	}
}

func TestDiskSurvivesPowerCutAndRunDoesNot(t *testing.T) {
	h := hostlab.New(t, "h1").Host("h1")
	h.Write(t, "/srv/new folder/kept", "disk", 0o640)
	h.Write(t, "/run/lost", "memory", 0o644)
	h.Install(t, "/bin/true", "/usr/local/bin/yes-sir")
	h.Run(t, "logger", "before the cut")
	boot := h.Run(t, "cat", "/proc/sys/kernel/random/boot_id")
	h.Journal(t) // written
	h.Crash(t)
	if h.PID() != 0 {
		t.Error("a crashed host has a PID 1")
	}
	if _, err := h.Try("true"); err == nil || !strings.Contains(err.Error(), "h1: true: the host is off") {
		t.Errorf("Try on a host that is off: %v", err)
	}
	if !strings.Contains(h.Journal(t, "-t", "root"), "before the cut") {
		t.Error("the journal of the crashed host lacks its last line")
	}
	start := time.Now()
	h.Start(t)
	t.Logf("booted again in %v", time.Since(start).Round(time.Millisecond))
	if got := h.Run(t, "stat", "-c", "%a %s", "/srv/new folder/kept"); got != "640 4" {
		t.Errorf("mode and size: %s", got)
	}
	h.Run(t, "/usr/local/bin/yes-sir")
	h.Run(t, "test", "!", "-e", "/run/lost")
	if again := h.Run(t, "cat", "/proc/sys/kernel/random/boot_id"); again == boot {
		t.Error("two boots share a boot id")
	}
	h.Stop(t)
	h.Start(t)
	if got := h.Journal(t, "--list-boots", "-q"); strings.Count(got, "UTC\n")+1 != 3 {
		t.Errorf("not three boots in the journal:\n%s", got)
	}
}

func TestClientSeesCutFreezeAndCrashAsOutage(t *testing.T) {
	lab := hostlab.New(t, "h1", "h2")
	h := lab.Host("h1")
	c := lab.Client(h.Addr(), 5*time.Millisecond)
	for name, fault := range map[string][2]func(hostlab.T){
		"cut":    {func(t hostlab.T) { h.Cut(t) }, func(t hostlab.T) { h.Join(t) }},
		"freeze": {h.Freeze, h.Thaw},
		"crash":  {h.Crash, h.Start},
	} {
		c.Mark()
		c.WaitFor(t, "h1", soon)
		fault[0](t)
		c.Mark()
		time.Sleep(700 * time.Millisecond)
		fault[1](t)
		c.WaitFor(t, "h1", soon)
		o := c.Outage()
		t.Logf("%s: %v", name, o)
		if o.Longest < 500*time.Millisecond || o.Total < 500*time.Millisecond || o.Failed == 0 {
			t.Errorf("%s for 700ms: the client saw %v", name, o)
		}
	}
}

func TestProcessesOfAUnitAreNumberedAsInTheLab(t *testing.T) {
	h := hostlab.New(t, "h1").Host("h1")
	list := h.UnitProcesses("nginx.service")
	if len(list) != 2 {
		t.Fatalf("%v: want a master and one worker", list)
	}
	for _, pid := range list {
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err != nil || string(name) != "nginx\n" {
			t.Errorf("process %d is %s, %v", pid, name, err)
		}
	}
	if none := h.UnitProcesses("no.service"); len(none) != 0 {
		t.Errorf("a unit that is not there has the processes %v", none)
	}
}

func TestCutOfOneCableLeavesTheOther(t *testing.T) {
	lab := hostlab.New(t, "h1", "h2")
	h1, h2 := lab.Host("h1"), lab.Host("h2")
	h1.Cut(t, "eth0")
	if _, err := h2.Try("curl", "-s", "-m", "1", h1.Addr()); err == nil {
		t.Error("eth0 is cut, and answers")
	}
	h2.Run(t, "curl", "-s", "-m", "9", h1.HeartbeatAddr())
	h1.Join(t, "eth0")
	h2.Run(t, "curl", "-s", "-m", "9", h1.Addr())
}

func TestCensusCountsTwoHolders(t *testing.T) {
	const vip = "10.77.0.100"
	lab := hostlab.New(t, "h1", "h2")
	h1, h2 := lab.Host("h1"), lab.Host("h2")
	if got := lab.Holders(t, vip); len(got) != 0 {
		t.Errorf("before anybody has the address: %v", got)
	}
	census := lab.Census(t, vip)
	h1.Run(t, "ip", "addr", "add", vip+"/24", "dev", "eth0")
	if got := lab.Holders(t, vip); !slices.Equal(got, []string{"h1"}) {
		t.Errorf("h1 has the address: %v", got)
	}
	time.Sleep(100 * time.Millisecond)
	if d := census.DualTime(); d != 0 {
		t.Errorf("one holder counted as two for %v", d)
	}
	h2.Run(t, "ip", "addr", "add", vip+"/24", "dev", "eth0")
	if got := lab.Holders(t, vip); !slices.Equal(got, []string{"h1", "h2"}) {
		t.Errorf("both have the address: %v", got)
	}
	time.Sleep(300 * time.Millisecond)
	h1.Freeze(t) // a frozen host's kernel still answers
	if got := lab.Holders(t, vip); !slices.Equal(got, []string{"h1", "h2"}) {
		t.Errorf("h1 is frozen: %v", got)
	}
	h1.Crash(t)
	if got := lab.Holders(t, vip); !slices.Equal(got, []string{"h2"}) {
		t.Errorf("h1 is off: %v", got)
	}
	t.Log(census)
	if d := census.DualTime(); d < 300*time.Millisecond {
		t.Errorf("two holders for at least 300ms were counted as %v", d)
	}
	census.Mark()
	h2.Crash(t)
	time.Sleep(200 * time.Millisecond)
	if dual, none := census.DualTime(), census.NoneTime(); dual != 0 || none < 50*time.Millisecond {
		t.Errorf("nobody holds it: dual %v, none %v", dual, none)
	}
}
