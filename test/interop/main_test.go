//go:build linux

package interop

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

const (
	vrid = 50
	vip  = "10.0.0.3"
	soon = 30 * time.Second // generous: the machine may be busy

	// overlap is how long two hosts may hold the address while it is handed over: the
	// loser needs a moment to hear of it, on a busy machine a long one.
	overlap = 500 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the binary once. The tests mostly wait, so more of them than processors
// run at a time.
func run(m *testing.M) int {
	flag.Parse()
	_ = flag.Set("test.parallel", "4")
	remove, err := testbin.Provide()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	return m.Run()
}

// network is two hosts for the routers and one that looks on.
type network struct {
	t      testing.TB
	lab    *netlab.Lab
	hosts  [2]*netlab.Host // lb01, lb02
	third  *netlab.Host
	wire   *netlab.Capture
	census *Census
	begun  time.Time
}

// newNetwork has NodeAddresses on the hosts, named as Nodes.
func newNetwork(t testing.TB) *network {
	t.Helper()
	netlab.Need(t, "keepalived", "ip")
	n := &network{t: t, lab: netlab.New(t)}
	for i, name := range Nodes {
		n.hosts[i] = n.lab.Host(name, NodeAddresses[i]+"/24")
	}
	n.third = n.lab.Host("third", "10.0.0.9/24")
	n.wire = n.lab.Capture()
	n.census = StartCensus(t, n.wire, n.third, vip, n.hosts[0], n.hosts[1])
	n.begun = time.Now()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("holders of %s: %v", vip, n.census.Spans(time.Time{}))
		}
	})
	return n
}

// holder waits until exactly this host holds the address.
func (n *network) holder(h *netlab.Host) {
	n.t.Helper()
	n.census.WaitFor(n.t, soon, h.Name)
}

// bothHold waits until both hosts hold the address.
func (n *network) bothHold() {
	n.t.Helper()
	n.census.WaitFor(n.t, soon, Nodes[0], Nodes[1])
}

// neverTwo asserts that two hosts held the address for no longer than handing over takes.
func (n *network) neverTwo() {
	n.t.Helper()
	if d := n.census.Double(n.begun); d > overlap {
		n.t.Errorf("two hosts held %s for %v: %v", vip, d, n.census.Spans(n.begun))
	}
}

// inject sends a VRRP message from the third host, from an address of its choice.
func (n *network) inject(w *Wire, source string, ttl byte, msg []byte) {
	w.Send(frame(w.MAC, netip.MustParseAddr(source), ttl, msg))
}

// router is one of the two programs; it calls the RFC's Active and Backup by a word of
// its own.
type router interface {
	Stop(testing.TB)
	Kill(testing.TB)
	WaitFor(t testing.TB, state string, limit time.Duration)
}

// station is a host with the program that it runs.
type station struct {
	name   string
	host   *netlab.Host
	addr   string
	start  func() router
	router router // nil: not running
	active string
}

func (s *station) up(t testing.TB) {
	t.Helper()
	s.router = s.start()
}

func (s *station) isActive(t testing.TB) {
	t.Helper()
	s.router.WaitFor(t, s.active, soon)
}

func (s *station) isBackup(t testing.TB) {
	t.Helper()
	s.router.WaitFor(t, "BACKUP", soon)
}

// powerCut ends the host's program and its network at once; the switch keeps nothing of
// it, its own kernel forgets everything.
func (s *station) powerCut(t testing.TB) {
	t.Helper()
	s.host.Cable("eth0").Detach()
	s.router.Kill(t)
	_, _ = s.host.Try("ip", "address", "del", vip+"/24", "dev", "eth0") // absent after a lifetime
}

func (s *station) powerOn(t testing.TB) {
	t.Helper()
	s.host.Cable("eth0").Attach()
	s.up(t)
}

// protocol is what both programs are told of the protocol.
type protocol struct {
	name     string
	version  int
	interval time.Duration
	pass     string
}

var (
	v2     = protocol{"v2 none 1s", 2, time.Second, ""}
	v2pass = protocol{"v2 pass 1s", 2, time.Second, "secret"}
	v3     = protocol{"v3 200ms", 3, 200 * time.Millisecond, ""}
	v3fast = protocol{"v3 100ms", 3, 100 * time.Millisecond, ""}
)

// pair is pairkeeper's configuration of a protocol.
func (p protocol) pair(priorities [2]int) Pair {
	return Pair{Version: p.version, VRID: vrid, Interval: p.interval, Priorities: priorities, Addresses: []string{vip + "/24"}, AuthPass: p.pass}
}

// instance is keepalived's.
func (p protocol) instance(priority int) Instance {
	return Instance{Version: p.version, Interface: "eth0", VRID: vrid, Priority: priority, Interval: p.interval, Addresses: []string{vip + "/24"}, AuthPass: p.pass}
}

// down is the down interval of a priority (RFC 9568 6.1, RFC 3768 6.1).
func (p protocol) down(priority int) time.Duration {
	return 3*p.interval + p.interval*time.Duration(256-priority)/256
}

// pairkeeper makes a host run pairkeeper.
func (n *network) pairkeeper(i int, pair Pair) *station {
	return &station{
		name: "pairkeeper", host: n.hosts[i], addr: NodeAddresses[i], active: "ACTIVE",
		start: func() router { return StartPairkeeper(n.t, n.hosts[i], Nodes[i], pair.Config()) },
	}
}

// keepalived makes a host run keepalived.
func (n *network) keepalived(i int, vi Instance) *station {
	return &station{
		name: "keepalived", host: n.hosts[i], addr: NodeAddresses[i], active: "MASTER",
		start: func() router { return StartKeepalived(n.t, n.hosts[i], vi.Config()) },
	}
}
