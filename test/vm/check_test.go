//go:build linux

package vm

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/internal/vmlab"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
)

// readHost is what a host has.
func readHost(t *testing.T, h *netlab.Host) (host ipvs.Host) {
	t.Helper()
	var err error
	h.Do(func() { host, err = ipvsnet.ReadHost() })
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// mend follows findings to the letter.
func mend(t *testing.T, h *netlab.Host, list []ipvs.Finding) {
	t.Helper()
	for _, f := range list {
		for _, command := range f.Mend {
			h.Run("sh", "-c", command)
		}
	}
}

// A new host is told what it lacks for a real server; what it is told to do makes it one,
// that the directors reach and that nobody else finds.
func TestWhatCheckSaysMakesARealServer(t *testing.T) {
	vmlab.Need(t)
	lab := netlab.New(t)
	server, other := lab.Host("web1", "10.0.0.11/24"), lab.Host("other", "10.0.0.9/24")
	check := func() (string, error) { return server.Try(testbin.Path(), "check", "--real-server", "10.0.0.3") }
	answered := func() bool {
		_, err := other.Try("arping", "-I", "eth0", "-c", "2", "-w", "3", "10.0.0.3")
		return err == nil
	}
	server.Run("ip", "address", "add", "10.0.0.3/24", "dev", "eth0")
	if !answered() {
		t.Error("a host that has the address is not found, so that this test shows nothing")
	}
	out, err := check()
	if err == nil {
		t.Errorf("nothing is wrong:\n%s", out)
	}
	for _, want := range []string{"this host: 10.0.0.3/24 is on eth0: ", "net.ipv4.conf.all.arp_ignore is 0: ", "net.ipv4.conf.all.arp_announce is 0: "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	host := readHost(t, server)
	mend(t, server, host.RealServer([]netip.Addr{netip.MustParseAddr("10.0.0.3")}))
	if out, err := check(); err != nil || out != "this host: good, it has 10.0.0.3 and tells nobody\n" {
		t.Errorf("%v, %s", err, out)
	}
	if answered() {
		t.Error("the address is answered for")
	}
	other.Run("ip", "route", "add", "10.0.0.3/32", "via", "10.0.0.11") // as a director sends
	other.Run("ping", "-c", "1", "-W", "5", "10.0.0.3")
}

// Without what check says, the answers of a translated service do not come back.
func TestWhatCheckSaysMakesADirector(t *testing.T) {
	s := newTranslatedSite(t)
	d := &director{site: s, host: s.directors[0], dir: t.TempDir()}
	d.start(translatedService)
	d.has(second, "")
	s.await("it answers", func() bool { _, err := get(s.client, service); return err == nil })
	d.host.Sysctl("net/ipv4/ip_forward", "0")
	d.host.Sysctl("net/ipv4/conf/all/send_redirects", "1")
	out := d.host.Run(testbin.Path(), "check", d.dir+"/pairkeeper.yaml")
	const want = "warning: this host: net.ipv4.ip_forward is 0: what the servers of web answer has to pass this host (forward: nat), and is dropped: sysctl -w net.ipv4.ip_forward=1; "
	if !strings.Contains(out, want) || strings.Count(out, "warning") != 1 { // the servers are on another interface
		t.Errorf("got\n%s", out)
	}
	if out := s.client.Run(testbin.Path(), "check", "--node", "dir1", d.dir+"/pairkeeper.yaml"); strings.Contains(out, "this host") {
		t.Errorf("a host that is no director is told\n%s", out)
	}
	if err := connect(s.client, service); err == nil {
		t.Error("it answers, though nothing is forwarded")
	}
	host := readHost(t, d.host)
	duty := ipvs.Duty{Config: ipvs.Config{Name: "web", Key: tcp(service), Options: ipvs.Options{Scheduler: "rr"}, Servers: []ipvs.Real{{Server: realServer("10.0.0.21:80", ipvs.NAT, 1)}}}, Interface: "eth0"}
	mend(t, d.host, host.Director([]ipvs.Duty{duty}))
	if got := fmt.Sprint(s.ask(2)); got != "[rs1 rs2]" && got != "[rs2 rs1]" {
		t.Errorf("%s answered", got)
	}
}
