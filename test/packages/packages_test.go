// Package packages installs, upgrades and removes the packages on two hosts with systemd.
package packages

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const (
	vip  = "10.77.0.100"
	soon = 30 * time.Second

	variable = "PAIRKEEPER_PACKAGES" // names the folder, within the lab
	older    = "1.0.0"
	newer    = "1.0.1"
)

func TestMain(m *testing.M) {
	if os.Getenv(variable) != "" {
		os.Exit(hostlab.Main(m))
	}
	dir, err := os.MkdirTemp("", "pairkeeper-packages")
	if err == nil {
		err = provide(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := hostlab.Main(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// provide builds the packages, before the lab is entered, where there is no compiler's cache:
// two versions, and the first one again.
func provide(dir string) error {
	for _, b := range []struct{ folder, version, zone string }{{"older", older, "UTC"}, {"again", older, "Asia/Tokyo"}, {"newer", newer, "UTC"}} {
		cmd := exec.Command("sh", "../../packaging/build.sh", filepath.Join(dir, b.folder), runtime.GOARCH)
		cmd.Env = append(os.Environ(), "PAIRKEEPER_VERSION="+b.version, "TZ="+b.zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build.sh: %w\n%s", err, out)
		}
	}
	return os.Setenv(variable, dir)
}

// find is the one package of a build.
func find(t *testing.T, folder, kind string) string {
	t.Helper()
	list, _ := filepath.Glob(filepath.Join(os.Getenv(variable), folder, "*."+kind))
	if len(list) != 1 {
		t.Fatalf("%s has the packages %v, want one %s", folder, list, kind)
	}
	return list[0]
}

func TestTheSameCommitGivesTheSameBytes(t *testing.T) {
	for _, kind := range []string{"deb", "rpm"} {
		var sums [][]byte
		for _, folder := range []string{"older", "again"} {
			data, err := os.ReadFile(find(t, folder, kind))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			sums = append(sums, sum[:])
		}
		if !bytes.Equal(sums[0], sums[1]) {
			t.Errorf("two builds of the %s differ", kind)
		}
	}
}

// output is what a program of this machine prints.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

// files are what a package has, in the order of their names, with their modes.
func files(t *testing.T, listing string) (list []string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(listing), "\n") {
		f := strings.Fields(line)
		if name := strings.TrimPrefix(f[len(f)-1], "."); strings.HasPrefix(f[0], "-") && !strings.HasPrefix(name, "/usr/share/doc/") {
			list = append(list, f[0]+" "+name)
		}
	}
	return list
}

var wanted = []string{
	"-rwxr-xr-x /usr/bin/pairkeeper",
	"-rw-r--r-- /usr/lib/systemd/catalog/pairkeeper.catalog",
	"-rw-r--r-- /usr/lib/systemd/catalog/pairkeeper.zh_CN.catalog",
	"-rw-r--r-- /usr/lib/systemd/system/pairkeeper-metrics.socket",
	"-rw-r--r-- /usr/lib/systemd/system/pairkeeper-witness.service",
	"-rw-r--r-- /usr/lib/systemd/system/pairkeeper.service",
	"-rw-r--r-- /usr/lib/systemd/system/pairkeeper@.service",
	"-rw-r--r-- /usr/lib/systemd/system/pairkeeper@nginx.service.d/one-daemon.conf",
	"-rw-r--r-- /usr/lib/sysusers.d/pairkeeper.conf",
	"-rw-r--r-- /usr/share/bash-completion/completions/pairkeeper",
	"-rw-r--r-- /usr/share/fish/vendor_completions.d/pairkeeper.fish",
	"-rw-r--r-- /usr/share/man/man5/pairkeeper.yaml.5.gz",
	"-rw-r--r-- /usr/share/man/man8/pairkeeper.8.gz",
	"-rw-r--r-- /usr/share/pairkeeper/pairkeeper.schema.json",
	"-rw-r--r-- /usr/share/polkit-1/rules.d/pairkeeper.rules",
}

func TestBothPackagesHaveTheSameFiles(t *testing.T) {
	netlab.Need(t, "rpm", "dpkg-deb")
	zsh := map[string]string{"deb": "-rw-r--r-- /usr/share/zsh/vendor-completions/_pairkeeper", "rpm": "-rw-r--r-- /usr/share/zsh/site-functions/_pairkeeper"}
	for kind, listing := range map[string]string{
		"deb": output(t, "dpkg-deb", "-c", find(t, "older", "deb")),
		"rpm": output(t, "rpm", "-qplv", "--nosignature", find(t, "older", "rpm")),
	} {
		if diff := cmp.Diff(append(append([]string{}, wanted...), zsh[kind]), files(t, listing)); diff != "" {
			t.Errorf("%s: -want +got\n%s", kind, diff)
		}
	}
	scripts := output(t, "rpm", "-qp", "--scripts", "--nosignature", find(t, "older", "rpm"))
	for _, words := range []string{"postinstall scriptlet (using /bin/sh)", "preuninstall scriptlet", "postuninstall scriptlet", "systemctl try-restart pairkeeper.service"} {
		if !strings.Contains(scripts, words) {
			t.Errorf("the scripts of the rpm lack %q:\n%s", words, scripts)
		}
	}
}

const configuration = `nodes:
  lb01: {address: 10.77.0.1, priority: 150}
  lb02: {address: 10.77.0.2, priority: 100}
proxy:
  unit: nginx.service
  test: [nginx, -t, -q]
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    addresses: [10.77.0.100/24]
    preempt_delay: 2s
heartbeat:
  key_file: /etc/pairkeeper/pair.key
  links: [{lb01: 10.78.0.1, lb02: 10.78.0.2}]
`

// dpkg gives an order about the package.
func dpkg(t *testing.T, h *hostlab.Host, args ...string) {
	t.Helper()
	t.Log(h.Run(t, append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "dpkg"}, args...)...))
}

// gone asserts that nothing of pairkeeper is left on a host, but what kept names.
func gone(t *testing.T, h *hostlab.Host, installed []string, kept string) {
	t.Helper()
	for what, args := range map[string][]string{
		"a process":       {"pgrep", "-a", "-x", "pairkeeper"},
		"an address":      {"sh", "-c", "ip -br address | grep " + vip},
		"a table":         {"sh", "-c", "nft list tables | grep pairkeeper"},
		"a unit":          {"sh", "-c", "systemctl list-units --all --plain --no-legend 'pairkeeper*' | grep pairkeeper"},
		"a runtime state": {"sh", "-c", "ls -d /run/pairkeeper*"},
		"its catalog":     {"sh", "-c", "journalctl --list-catalog | grep -i pairkeeper"},
		"a link":          {"sh", "-c", "find /etc/systemd /usr/lib/systemd -name 'pairkeeper*' | grep ."},
	} {
		if out, err := h.Try(args...); err == nil {
			t.Errorf("%s: %s is left: %s", h.Name(), what, out)
		}
	}
	for _, path := range installed {
		if _, err := h.Try("test", "!", "-f", path); err != nil {
			t.Errorf("%s: %s is left", h.Name(), path)
		}
	}
	if out, err := h.Try("sh", "-c", "ls -d /var/lib/pairkeeper*"); err == nil && kept == "" {
		t.Errorf("%s: its state is left: %s", h.Name(), out)
	}
	if got, _ := h.Try("sh", "-c", "cd /etc; ls -d pairkeeper/* nginx/pairkeeper.yaml 2>/dev/null"); got != kept {
		t.Errorf("%s: of the configuration is left %q, want %q", h.Name(), got, kept)
	}
}

func TestPackageIsInstalledUpgradedUnderLoadAndRemoved(t *testing.T) {
	netlab.Need(t, "nginx", "dpkg")
	lab := hostlab.New(t, "lb01", "lb02")
	a, b := lab.Host("lb01"), lab.Host("lb02")
	// The second host has the file next to nginx's, and the template's unit.
	place := map[*hostlab.Host]string{a: "/etc/pairkeeper/pairkeeper.yaml", b: "/etc/nginx/pairkeeper.yaml"}
	unit := map[*hostlab.Host]string{a: "pairkeeper.service", b: "pairkeeper@nginx.service"}
	pid := map[*hostlab.Host]string{}
	for _, h := range lab.Hosts() {
		h.Install(t, find(t, "older", "deb"), "/root/older.deb")
		h.Install(t, find(t, "newer", "deb"), "/root/newer.deb")
		dpkg(t, h, "-i", "/root/older.deb")
		if got := h.Run(t, "systemctl", "show", "-P", "UnitFileState", "pairkeeper.service"); got != "disabled" {
			t.Errorf("%s: the service is %s before anybody wrote a configuration", h.Name(), got)
		}
		h.Write(t, place[h], configuration, 0o644)
		h.Write(t, "/etc/pairkeeper/pair.key", "hex:"+strings.Repeat("5a", 32)+"\n", 0o600)
		h.Run(t, "systemctl", "enable", "--now", unit[h])
		pid[h] = h.Run(t, "systemctl", "show", "-P", "MainPID", unit[h])
	}
	client, census := lab.Client(vip, 5*time.Millisecond), lab.Census(t, vip)
	client.WaitFor(t, "lb01", soon)
	for _, h := range lab.Hosts() {
		awaitStatus(t, h, older, "both-ways")
	}
	if text := a.Run(t, "journalctl", "--list-catalog"); !strings.Contains(text, "pairkeeper") {
		t.Error("the journal's catalog does not know pairkeeper")
	}
	for page, word := range map[string]string{"8": "pairkeeper rehearse", "5": "virtual_routers"} {
		name := map[string]string{"8": "pairkeeper", "5": "pairkeeper.yaml"}[page]
		if text := a.Run(t, "sh", "-c", "zcat /usr/share/man/man"+page+"/"+name+"."+page+".gz"); !strings.Contains(text, word) {
			t.Errorf("%s(%s) lacks %q", name, page, word)
		}
	}

	client.Mark()
	census.Mark()
	for _, h := range []*hostlab.Host{b, a} {
		dpkg(t, h, "-i", "/root/newer.deb")
		awaitStatus(t, h, newer, "both-ways")
		if now := h.Run(t, "systemctl", "show", "-P", "MainPID", unit[h]); now == pid[h] || now == "0" {
			t.Errorf("%s: the daemon was process %s before the upgrade, is %s", h.Name(), pid[h], now)
		}
		if got := h.Run(t, "cat", place[h]) + "\n"; got != configuration {
			t.Errorf("%s: the configuration was changed:\n%s", h.Name(), got)
		}
	}
	time.Sleep(time.Second)
	o := client.Outage()
	t.Logf("both upgraded: %v; two holders: %s: %s", o, census.DualTime(), census)
	if hosts := client.Hosts(); o.Failed > 0 || len(hosts) != 1 || hosts[0] != "lb01" {
		t.Errorf("answered by %v, want lb01 alone, and all answered: %v", hosts, o)
	}

	installed := strings.Split(a.Run(t, "sh", "-c", `for f in $(dpkg -L pairkeeper); do [ ! -f "$f" ] || echo "$f"; done`), "\n")
	client.Mark()
	dpkg(t, a, "-r", "pairkeeper")
	client.WaitFor(t, "lb02", soon)
	t.Logf("removed on lb01: %v; two holders: %s", client.Outage(), census.DualTime())
	gone(t, a, installed, "pairkeeper/pair.key\npairkeeper/pairkeeper.yaml")
	dpkg(t, a, "-P", "pairkeeper")
	gone(t, a, installed, "")

	// A daemon that was killed, and that nobody cleans up after, is cleaned up after too.
	b.Write(t, "/etc/systemd/system/pairkeeper@nginx.service.d/alone.conf", "[Service]\nExecStopPost=\nRestart=no\n", 0o644)
	b.Run(t, "systemctl", "daemon-reload")
	b.Run(t, "systemctl", "kill", "-s", "KILL", unit[b])
	if tables := b.Run(t, "nft", "list", "tables"); !strings.Contains(tables, "pairkeeper") {
		t.Errorf("nothing is left to clean up: %s", tables)
	}
	dpkg(t, b, "-P", "pairkeeper")
	gone(t, b, installed, "")
}

// The rpm is installed by rpm itself; what it depends on is not looked for, as this is no such system.
func TestRPMIsInstalledUpgradedAndRemoved(t *testing.T) {
	netlab.Need(t, "nginx", "rpm")
	h := hostlab.New(t, "lb01").Host("lb01")
	rpm := func(args ...string) {
		t.Helper()
		h.Run(t, append([]string{"rpm", "--force-debian", "--nodeps"}, args...)...)
	}
	h.Install(t, find(t, "older", "rpm"), "/root/older.rpm")
	h.Install(t, find(t, "newer", "rpm"), "/root/newer.rpm")
	rpm("-i", "/root/older.rpm")
	installed := strings.Split(h.Run(t, "rpm", "-ql", "pairkeeper"), "\n")
	h.Write(t, "/etc/pairkeeper/pairkeeper.yaml", configuration, 0o644)
	h.Write(t, "/etc/pairkeeper/pair.key", "hex:"+strings.Repeat("5a", 32)+"\n", 0o600)
	h.Run(t, "systemctl", "enable", "--now", "pairkeeper.service")
	awaitStatus(t, h, older, "ACTIVE")
	rpm("-U", "/root/newer.rpm")
	awaitStatus(t, h, newer, "ACTIVE")
	rpm("-e", "pairkeeper")
	gone(t, h, installed, "pairkeeper/pair.key\npairkeeper/pairkeeper.yaml")
}

// awaitStatus waits until the status on a host has these words.
func awaitStatus(t *testing.T, h *hostlab.Host, words ...string) {
	t.Helper()
	deadline := time.Now().Add(soon)
	for {
		text, err := h.Try("pairkeeper", "status")
		ok := err == nil
		for _, w := range words {
			ok = ok && strings.Contains(text, w)
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: the status lacks %v:\n%s %v", h.Name(), words, text, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
