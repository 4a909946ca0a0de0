//go:build linux

package vm

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/internal/vmlab"
)

// itself is two hosts that are directors and the real servers, too.
const itself = `
nodes:
  lb01: {address: 10.0.0.5, priority: 150}
  lb02: {address: 10.0.0.6, priority: 100}
virtual_routers:
  - {interface: eth0, vrid: 50, advert_interval: 500ms, addresses: [10.0.0.3/24]}
virtual_servers:
  - name: web
    address: 10.0.0.3
    ports: [80]
    scheduler: rr
    forward: dr
    check: {tcp: {}, interval: 1s, timeout: 2s}
    servers: [{address: 10.0.0.5}, {address: 10.0.0.6}]
`

// newSiteOfTwo has the hosts, which are mended as check says.
func newSiteOfTwo(t *testing.T) (front *netlab.Lab, hosts [2]*director, client *netlab.Host) {
	t.Helper()
	vmlab.Need(t)
	front = netlab.New(t)
	for i := range hosts {
		h := front.Host(fmt.Sprintf("lb%02d", i+1), fmt.Sprintf("10.0.0.%d/24", 5+i))
		host := readHost(t, h)
		mend(t, h, host.RealServer([]netip.Addr{netip.MustParseAddr("10.0.0.3")}))
		startNginx(t, h)
		hosts[i] = &director{site: &site{T: t}, host: h, dir: t.TempDir()}
	}
	return front, hosts, front.Host("client", "10.0.0.9/24")
}

// syns are the frames with which a connection to the virtual address begins.
func syns(c *netlab.Capture) int {
	const tcp, syn, ack = 6, 0x02, 0x10
	return len(c.Frames(func(f netlab.Frame) bool {
		if !f.IsIPv4(tcp) || netip.AddrFrom4([4]byte(f.Payload()[16:20])).String() != "10.0.0.3" {
			return false
		}
		p := f.Payload()
		at := int(p[0]&0xf)*4 + 13
		return len(p) > at && p[at]&(syn|ack) == syn
	}))
}

func TestDirectorsThatAreTheRealServersDoNotLoop(t *testing.T) {
	front, hosts, client := newSiteOfTwo(t)
	for _, d := range hosts {
		d.start(itself)
	}
	first, second := hosts[0], hosts[1]
	first.has("10.0.0.6:80", "")
	if out := first.host.Run(testbin.Path(), "check", first.dir+"/pairkeeper.yaml"); strings.Contains(out, "warning") {
		t.Errorf("mended, and yet\n%s", out)
	}
	both := hostlab.NewClientIn(client, netip.MustParseAddrPort(exampleService), 100*time.Millisecond)
	defer both.Stop()
	both.WaitFor(t, "lb01", soon)
	both.WaitFor(t, "lb02", soon)
	if got := rules(second.host); got != "" {
		t.Errorf("lb02 is not Active and has\n%s", got)
	}
	first.stop()
	second.has("10.0.0.5:80", "")
	both.WaitFor(t, "lb01", soon) // as a real server
	both.WaitFor(t, "lb02", soon)
	both.Stop()

	const connections, loop = 4, 40
	wire := front.Capture()
	for range connections {
		if err := connect(client, exampleService); err != nil {
			t.Error(err)
		}
	}
	healthy := syns(wire)
	if healthy < connections || healthy > loop {
		t.Errorf("%d packets for %d connections", healthy, connections)
	}

	// What check refuses, made by hand: every second connection goes round until its packets
	// have crossed the wire as often as they may.
	for _, rule := range []string{"-A -t 10.0.0.3:80 -s rr", "-a -t 10.0.0.3:80 -r 10.0.0.6 -g"} {
		first.host.Run("ipvsadm", strings.Fields(rule)...)
	}
	var problem error
	for range connections {
		problem = errors.Join(problem, connect(client, exampleService))
	}
	n := syns(wire) - healthy
	t.Logf("%d connections are %d packets, and %d with two tables: %v", connections, healthy, n, problem)
	if problem == nil || n < loop {
		t.Errorf("two tables do no harm, against what docs/ipvs.md says: %d packets, %v", n, problem)
	}
}
