//go:build linux

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/test/interop"
)

// translatedPair is the pair of directors of a translated site: the addresses on both
// sides move together. The adverts leave room for a host that is busy.
const translatedPair = `
nodes:
  dir1: {address: 192.0.2.11, priority: 150}
  dir2: {address: 192.0.2.12, priority: 100}
virtual_routers:
  - {name: front, interface: eth0, vrid: 50, advert_interval: 500ms, addresses: [` + vip + `/24], group: lvs}
  - {name: back, interface: eth1, vrid: 51, advert_interval: 500ms, addresses: [` + inner + `/24], group: lvs}
`

// translatedService is translatedPair with its table.
const translatedService = translatedPair + `
virtual_servers:
  - name: web
    address: ` + vip + `
    ports: [80]
    scheduler: rr
    forward: nat
    check: {tcp: {}, interval: 200ms, timeout: 2s, rise: 1, fall: 2}
    servers: [{address: 10.0.0.21}, {address: 10.0.0.22}]
    sorry_server: {address: "10.0.0.21:81"}
`

// balanced is a translated site whose directors keep their tables themselves.
func balanced(t *testing.T, config string) (*site, [2]*interop.Pairkeeper) {
	t.Helper()
	s := newTranslatedSite(t)
	var directors [2]*interop.Pairkeeper
	for i, d := range s.directors {
		directors[i] = interop.StartPairkeeper(t, d, d.Name, config)
	}
	s.await("dir1 leads", func() bool { return fmt.Sprint(directors[0].States()) == "[ACTIVE ACTIVE]" })
	s.await("dir2 stands by", func() bool { return fmt.Sprint(directors[1].States()) == "[BACKUP BACKUP]" })
	return s, directors
}

const (
	first  = "-a -t " + service + " -r 10.0.0.21:80 -m -w 1"
	second = "-a -t " + service + " -r 10.0.0.22:80 -m -w 1"
)

func TestOnlyTheActiveDirectorBalances(t *testing.T) {
	s, directors := balanced(t, translatedService)
	s.await("dir1 has both servers", func() bool {
		return strings.Contains(rules(s.directors[0]), first) && strings.Contains(rules(s.directors[0]), second)
	})
	if got := rules(s.directors[1]); got != "" {
		t.Errorf("dir2 has\n%s", got)
	}
	if got := s.ask(6); !alternating(got) {
		t.Errorf("round robin answered %v", got)
	}
	directors[0].Stop(t)
	if got := rules(s.directors[0]); got != "" {
		t.Errorf("after its end dir1 has\n%s", got)
	}
	s.await("dir2 leads", func() bool { return fmt.Sprint(directors[1].States()) == "[ACTIVE ACTIVE]" })
	s.await("dir2 has both servers", func() bool { return strings.Contains(rules(s.directors[1]), second) })
	if got := s.ask(6); !alternating(got) {
		t.Errorf("round robin answered %v", got)
	}
}

func TestAServerThatDiesGetsNoConnections(t *testing.T) {
	s, _ := balanced(t, translatedService)
	dir := s.directors[0]
	s.await("both servers are in", func() bool { return strings.Contains(rules(dir), first) && strings.Contains(rules(dir), second) })
	s.servers[1].Cable("eth0").Cut()
	s.await("the second is out", func() bool { return !strings.Contains(rules(dir), second) })
	if got := fmt.Sprint(s.ask(3)); got != "[rs1 rs1 rs1]" {
		t.Errorf("%s answered", got)
	}
	s.servers[0].Cable("eth0").Cut()
	s.await("the sorry server is in", func() bool {
		return strings.Contains(rules(dir), "10.0.0.21:81") && !strings.Contains(rules(dir), first)
	})
	for _, h := range s.servers {
		h.Cable("eth0").Join()
	}
	s.await("both are back", func() bool {
		return strings.Contains(rules(dir), first) && strings.Contains(rules(dir), second) && !strings.Contains(rules(dir), "10.0.0.21:81")
	})
	s.servers[0].Run("ip", "route", "replace", "default", "via", inner) // it went with the cable
	s.servers[1].Run("ip", "route", "replace", "default", "via", inner)
	if got := s.ask(6); !alternating(got) {
		t.Errorf("round robin answered %v", got)
	}
}

func TestWhatSomebodyElseDoesToTheTableIsUndone(t *testing.T) {
	s := newTranslatedSite(t)
	d := &director{site: s, host: s.directors[0], dir: t.TempDir()}
	d.start(always(translatedService))
	d.has(first, "")
	dir := d.host
	d.has(second, "")
	whole := rules(dir)
	begun := time.Now()
	dir.Run("ipvsadm", "-C")
	s.await("undone: -C", func() bool { return rules(dir) == whole })
	t.Logf("ipvsadm -C was undone within %v", time.Since(begun).Round(10*time.Millisecond))
	const told = "somebody changed what pairkeeper put into IPVS, it is put back: add tcp " + service + ": rr; "
	s.await("it is in the journal", func() bool { return strings.Contains(d.said.String(), told) })
	dir.Run("ipvsadm", "-A", "-t", "192.0.2.77:80", "-s", "rr")
	for _, harm := range [][]string{
		{"-d", "-t", service, "-r", "10.0.0.21:80"},
		{"-e", "-t", service, "-r", "10.0.0.22:80", "-m", "-w", "0"},
		{"-E", "-t", service, "-s", "sh"},
		{"-D", "-t", service},
	} {
		dir.Run("ipvsadm", harm...)
		s.await("undone: "+strings.Join(harm, " "), func() bool { return strings.Replace(rules(dir), "-A -t 192.0.2.77:80 -s rr\n", "", 1) == whole })
	}
	d.stop()
	if got := rules(dir); got != "-A -t 192.0.2.77:80 -s rr" {
		t.Errorf("after its end there is\n%s", got)
	}
}

// always has a table on both nodes, whoever is Active.
func always(config string) string {
	return strings.Replace(config, "    scheduler: rr\n", "    scheduler: rr\n    when: always\n", 1)
}

func TestWhatADeadDaemonLeftIsKeptOrRemoved(t *testing.T) {
	s := newTranslatedSite(t)
	both := always(translatedService)
	d := &director{site: s, host: s.directors[0], dir: t.TempDir()}
	d.start(both)
	d.has(first, "")
	d.host.Run("ipvsadm", "-A", "-t", "192.0.2.77:80", "-s", "rr")
	d.kill()
	d.has(first, "") // a dead daemon's table serves on

	d.start(strings.Replace(both, "ports: [80]", "ports: [8080]", 1))
	d.has("-A -t "+vip+":8080 -s rr", "-A -t "+service+" ")
	d.kill()
	d.host.Run(testbin.Path(), "cleanup", "-c", filepath.Join(d.dir, "pairkeeper.yaml"), "--node", "dir1", "--socket", filepath.Join(d.dir, "sock"))
	if got := rules(d.host); got != "-A -t 192.0.2.77:80 -s rr" {
		t.Errorf("cleanup left\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "ipvs")); !os.IsNotExist(err) {
		t.Errorf("cleanup left its list: %v", err)
	}

	d.start(both + "ipvs: {keep_on_stop: true}\n")
	d.has(second, "")
	d.stop()
	d.has(second, "")
}

func TestStatusShowsWhatTheKernelCounted(t *testing.T) {
	s := newTranslatedSite(t)
	d := &director{site: s, host: s.directors[0], dir: t.TempDir()}
	d.start(translatedService)
	d.has(second, "")
	s.await("it answers", func() bool { _, err := get(s.client, service); return err == nil })
	s.ask(10)
	out := d.host.Run(testbin.Path(), "status", "--ipvs", "--socket", filepath.Join(d.dir, "sock"))
	t.Logf("\n%s\n%s", out, d.host.Run(testbin.Path(), "status", "--socket", filepath.Join(d.dir, "sock")))
	for _, want := range []string{"web  tcp " + service + "  rr  served, quorum yes, weight 2 of 1, 2 of 2 servers up", "10.0.0.21:80  nat      1       up"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}
