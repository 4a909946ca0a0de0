package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// watching runs a daemon that watches its file.
func watching(t testing.TB, host *netlab.Host, name, conf string) *node {
	t.Helper()
	return start(t, host, name, conf, "env", asWatcher+"=1")
}

// intervals are the longest and the mean time between adverts in a row.
func intervals(frames []netlab.Frame) (worst, mean time.Duration) {
	for i := 1; i < len(frames); i++ {
		worst = max(worst, frames[i].At.Sub(frames[i-1].At))
	}
	return worst, frames[len(frames)-1].At.Sub(frames[0].At) / time.Duration(len(frames)-1)
}

// An unchanged router sends each advert when it is due, however often the file is read: the
// other node would take over else, as it is as impatient as can be.
func TestNoAdvertIsLateForReloads(t *testing.T) {
	lab := netlab.New(t)
	a, b := lab.Host("lb01", "10.0.0.1/24"), lab.Host("lb02", "10.0.0.2/24")
	conf := strings.Replace(pair, "    vrid: 50\n", "    vrid: 50\n    advert_interval: 100ms\n", 1)
	one := start(t, a, "lb01", conf)
	one.is("ACTIVE")
	two := start(t, b, "lb02", conf)
	before, other := one.is("ACTIVE"), two.is("BACKUP")

	const adverts = 60
	quiet := lab.Capture()
	undisturbed := quiet.Wait(adverts, soon, advert(50, 150))

	reloads := 0
	busy := lab.Capture()
	for len(busy.Frames(advert(50, 150))) < adverts {
		// Another router comes and goes, and the file is new each time.
		text := conf
		if reloads++; reloads%2 == 0 {
			text += fmt.Sprintf("  - {name: more, interface: eth0, vrid: 51, addresses: [10.0.0.4/24], priority: {lb01: %d}}\n", 1+reloads%100)
		}
		one.write(text)
		if answer := one.reload(); answer.Problem != "" {
			t.Fatal(answer.Problem)
		}
	}
	disturbed := busy.Wait(adverts, soon, advert(50, 150))

	calm, even := intervals(undisturbed)
	worst, mean := intervals(disturbed)
	t.Logf("%d reloads: adverts come every %s, %s at the most; without reloads every %s, %s at the most", reloads, mean, worst, even, calm)
	if mean > even*6/5 { // one stall of the machine does not make it so, a delay by each reload does
		t.Errorf("adverts come every %s, without reloads every %s", mean, even)
	}
	if reloads < 10 {
		t.Errorf("only %d reloads", reloads)
	}
	if after := one.is("ACTIVE"); after.Since.Sub(before.Since).Abs() > time.Second {
		t.Errorf("ACTIVE since %s, was since %s", after.Since, before.Since)
	}
	if after := two.is("BACKUP"); after.Since.Sub(other.Since).Abs() > time.Second {
		t.Errorf("the other node is BACKUP since %s, was since %s", after.Since, other.Since)
	}
	if len(busy.Frames(advert(50, 0))) != 0 {
		t.Error("the router was released")
	}
}

func TestAChangedFileIsAppliedAndABadOneIsNot(t *testing.T) {
	t.Parallel()
	n := watching(t, netlab.New(t).Host("lb01", "10.0.0.1/24"), "lb01", pair)
	before := n.is("ACTIVE")
	n.write(pair + more)
	n.until("two routers", func() bool { s, err := n.status(); return err == nil && len(s.Routers) == 2 })
	n.says("configuration: virtual router more is new")
	n.write(strings.Replace(pair, "vrid: 50", "vrid: 300", 1))
	n.until("the problem", func() bool {
		s, err := n.status()
		return err == nil && strings.Contains(s.Config.Problem, "pairkeeper.yaml:7: virtual_routers[0].vrid: 300") && len(s.Routers) == 2
	})
	n.says("the new configuration is refused, the last good one stays in force")

	beside := n.file + ".new" // as ansible and editors write
	if err := os.WriteFile(beside, []byte(pair), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(beside, n.file); err != nil {
		t.Fatal(err)
	}
	n.until("one router, and no problem", func() bool {
		s, err := n.status()
		return err == nil && len(s.Routers) == 1 && s.Config.Problem == ""
	})
	if after := n.is("ACTIVE"); after.Since.Sub(before.Since).Abs() > time.Second {
		t.Errorf("the router that did not change is ACTIVE since %s, was since %s", after.Since, before.Since)
	}
}

func TestAManualFileIsReportedOnly(t *testing.T) {
	t.Parallel()
	manual := "reload: manual\n" + pair
	n := watching(t, netlab.New(t).Host("lb01", "10.0.0.1/24"), "lb01", manual)
	n.is("ACTIVE")
	n.write(strings.Replace(manual, "priority: 150", "priority: 140", 1))
	pending := func(want bool) func() bool {
		return func() bool {
			s, err := n.status()
			return err == nil && s.Config.Pending == want && s.Config.Problem == ""
		}
	}
	n.until("pending", pending(true))
	n.says("not in force (reload: manual): pairkeeper reload applies: nodes.lb01.priority: 150 -> 140")
	if s, err := n.status(); err != nil || s.Routers[0].Priority != 150 {
		t.Errorf("priority %d, %v", s.Routers[0].Priority, err)
	}
	n.write(strings.Replace(manual, "vrid: 50", "vrid: 300", 1))
	n.until("the problem", func() bool {
		s, err := n.status()
		return err == nil && strings.Contains(s.Config.Problem, "vrid: 300")
	})
	n.write(manual)
	n.until("taken back", pending(false))
	n.write(strings.Replace(manual, "priority: 150", "priority: 140", 1))
	n.until("pending", pending(true))
	if a := n.reload(); !strings.Contains(strings.Join(a.Changed, "\n"), "nodes.lb01.priority: 150 -> 140") {
		t.Errorf("the reload says %+v", a)
	}
	n.until("applied", pending(false))
	n.await("priority 140", func(r daemon.RouterStatus) bool { return r.Priority == 140 })
}

// A child's configuration is watched as a unit's is.
func TestAChildIsReloadedWhenItsConfigurationChanges(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "nginx", "curl")
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	dir := shortDir(t)
	conf := filepath.Join(dir, "nginx.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(conf, fmt.Appendf(nil, "daemon off; pid %s/pid; error_log stderr; events {}\nhttp { access_log off; server { listen 10.0.0.1:81; return 200 \"%s\"; } }\n", dir, text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	proxy := fmt.Sprintf("proxy:\n  command: [nginx, -c, %[1]s]\n  test: [nginx, -t, -q, -c, %[1]s]\n  reload: auto\nvirtual_routers:", conf)
	n := start(t, h, "lb01", strings.Replace(pair, "virtual_routers:", proxy, 1))
	state := func(want string) {
		t.Helper()
		n.until("the configuration is "+want, func() bool {
			s, err := n.status()
			return err == nil && s.Proxy != nil && s.Proxy.Config != nil && s.Proxy.Config.State == want
		})
	}
	answers := func(want string) {
		t.Helper()
		n.until("it answers "+want, func() bool { return h.Run("sh", "-c", "curl -s -m 1 http://10.0.0.1:81/ || true") == want })
	}
	state("unchanged")
	answers("one")
	write("two")
	answers("two")
	state("reloaded")
	write(`three"; nonsense "`)
	state("bad")
	answers("two")
	n.says("nginx.conf:2", "(proxy-config-bad)")
	write("two")
	state("unchanged")
}

// The ladder has the test for itself: one of the configuration that hangs does not delay it.
func TestTheLaddersTestEndsThatOfTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	put := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	conf := put("proxy.conf", "one", 0o644)
	test := put("test.sh", fmt.Sprintf("#!/bin/sh\necho >> %[1]s/tests\nif [ -e %[1]s/hang ]; then echo $$ > %[1]s/hung; sleep 1000; fi\n", dir), 0o755)
	proxy := fmt.Sprintf("proxy:\n  command: [sleep, 1000]\n  test: [%s]\n  test_timeout: 1h\n  watch: [%s]\nvirtual_routers:", test, conf)
	n := start(t, netlab.New(t).Host("lb01", "10.0.0.1/24"), "lb01", strings.Replace(pair, "virtual_routers:", proxy, 1))
	n.is("ACTIVE")
	n.until("tested at the start", func() bool { _, err := os.Stat(dir + "/tests"); return err == nil })

	put("hang", "", 0o644)
	put("proxy.conf", "two", 0o644)
	var hung []byte
	n.until("a test that hangs", func() bool { hung, _ = os.ReadFile(dir + "/hung"); return len(hung) > 0 })
	if err := os.Remove(dir + "/hang"); err != nil {
		t.Fatal(err)
	}
	s, err := n.status()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(s.Proxy.MainPID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.until("restarted", func() bool {
		now, err := n.status()
		return err == nil && now.Proxy.Restarts == 1 && now.Proxy.State == "good" && now.Proxy.Config.State == "unchanged"
	})
	n.until("the test that hung is gone", func() bool {
		_, err := os.Stat("/proc/" + strings.TrimSpace(string(hung)))
		return os.IsNotExist(err)
	})
	n.says("proxy-config-loaded") // the restart brought it into force
}
