//go:build linux

package interop

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const (
	vrid   = 50
	vip    = "10.0.0.3"
	vip6   = "2001:db8::100"
	local6 = "fe80::100" // what the list of an IPv6 router begins with
)

// The link-local addresses of the hosts, which adverts of IPv6 come from.
var linkLocal = [2]string{"fe80::1", "fe80::2"}

// network is two hosts for the routers and one that looks on.
type network struct {
	t      testing.TB
	lab    *netlab.Lab
	hosts  [2]*netlab.Host // lb01, lb02
	third  *netlab.Host
	wire   *netlab.Capture
	vip    string // what the census asks for
	census *Census
	begun  time.Time
}

// newNetwork has NodeAddresses on the hosts, named as Nodes.
func newNetwork(t testing.TB) *network {
	t.Helper()
	n := newLab(t, vip)
	for i, name := range Nodes {
		n.hosts[i] = n.lab.Host(name, NodeAddresses[i]+"/24")
	}
	n.third = n.lab.Host("third", "10.0.0.9/24")
	n.lookOn("10.0.0.9")
	return n
}

// newNetwork6 has IPv6 as well; the virtual address is one of IPv6.
func newNetwork6(t testing.TB) *network {
	t.Helper()
	n := newLab(t, vip6)
	for i, name := range Nodes {
		n.hosts[i] = n.host6(name, NodeAddresses[i]+"/24", linkLocal[i]+"/64", "2001:db8::"+linkLocal[i][6:]+"/64")
	}
	n.third = n.host6("third", "10.0.0.9/24", "fe80::9/64", "2001:db8::9/64")
	n.lookOn("fe80::9")
	return n
}

func newLab(t testing.TB, vip string) *network {
	t.Helper()
	netlab.Need(t, "keepalived", "ip")
	return &network{t: t, lab: netlab.New(t), vip: vip}
}

// host6 has these addresses only, and at once: the host's own are not what is tested.
func (n *network) host6(name string, addresses ...string) *netlab.Host {
	n.t.Helper()
	h := n.lab.Host(name)
	h.Sysctl("net/ipv6/conf/default/addr_gen_mode", "1") // none
	h.Sysctl("net/ipv6/conf/default/accept_dad", "0")
	h.Plug("eth0", addresses...)
	h.Sysctl("net/ipv6/conf/eth0/accept_dad", "1")
	h.Sysctl("net/ipv6/conf/default/accept_dad", "1")
	return h
}

func (n *network) lookOn(asker string) {
	n.t.Helper()
	n.wire = n.lab.Capture()
	n.census = n.ask(asker, n.vip)
	n.begun = time.Now()
}

// ask starts a census of an address.
func (n *network) ask(asker, address string) *Census {
	n.t.Helper()
	c := StartCensus(n.t, n.third, asker, address, n.hosts[0], n.hosts[1])
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("holders of %s: %v", address, c.Spans(time.Time{}))
		}
	})
	return c
}

// holder waits until exactly this router's host holds the address.
func (n *network) holder(s *station) {
	n.t.Helper()
	n.census.WaitFor(n.t, soon, s.host.Name)
}

// bothHold waits until both hosts hold the address.
func (n *network) bothHold() {
	n.t.Helper()
	n.census.WaitFor(n.t, soon, Nodes[0], Nodes[1])
}

// neverTwo asserts that two hosts held the address for no longer than handing over
// takes, since a moment.
func (n *network) neverTwo(since time.Time) {
	n.t.Helper()
	if d := n.census.Double(since); d > overlap {
		n.t.Errorf("two hosts held %s for %v: %v", n.vip, d, n.census.Spans(since))
	}
}

// staysWith asserts that nobody else holds the address for a while.
func (n *network) staysWith(s *station, while time.Duration) {
	n.t.Helper()
	n.holder(s)
	since := time.Now()
	time.Sleep(while)
	spans := n.census.Spans(since)
	for _, span := range spans {
		if span.Host != s.host.Name {
			n.t.Errorf("%v held it", span)
		}
	}
	if len(spans) == 0 {
		n.t.Error("nobody held it")
	}
}

// inject sends a VRRP message from the third host, from an address of its choice.
func (n *network) inject(w *Wire, source string, ttl byte, msg []byte) {
	w.Send(frame(w.MAC, netip.MustParseAddr(source), ttl, msg))
}

// released is when a router sent its first advert of priority 0 since a moment.
func (n *network) released(s *station, since time.Time) time.Time {
	n.t.Helper()
	for _, a := range advertsOf(n.wire, s.addr, since) {
		if a.Priority() == 0 {
			return a.At
		}
	}
	n.t.Fatalf("%s did not send priority 0", s.name)
	return time.Time{}
}

// taken is when a router sent its first other advert since a moment.
func (n *network) taken(s *station, since time.Time) time.Time {
	n.t.Helper()
	for _, a := range advertsOf(n.wire, s.addr, since) {
		if a.Priority() > 0 {
			return a.At
		}
	}
	n.t.Fatalf("%s did not send an advert", s.name)
	return time.Time{}
}

// lastBefore is when a router sent its last advert before a moment.
func (n *network) lastBefore(s *station, end time.Time) time.Time {
	n.t.Helper()
	var last time.Time
	for _, a := range advertsOf(n.wire, s.addr, time.Time{}) {
		if a.At.Before(end) {
			last = a.At
		}
	}
	if last.IsZero() {
		n.t.Fatalf("%s never sent an advert", s.name)
	}
	return last
}

// announcements are those of the virtual address by a router since a moment: all by
// its MAC address.
func (n *network) announcements(s *station, since time.Time) func(netlab.Frame) bool {
	address, mac := netip.MustParseAddr(n.vip), s.mac()
	return func(f netlab.Frame) bool {
		return isAnnouncement(f, address) && f.Source().String() == mac && !f.At.Before(since)
	}
}

// announced is when a router first announced the address since a moment.
func (n *network) announced(s *station, since time.Time) time.Time {
	n.t.Helper()
	all := n.wire.Wait(1, soon, n.announcements(s, since))
	if len(all) == 0 {
		n.t.Fatalf("%s does not announce %s", s.name, n.vip)
	}
	return all[0].At
}

// asserted is when a router first advertised, announced or answered since a moment.
func (n *network) asserted(s *station, since time.Time) time.Time {
	n.t.Helper()
	address := netip.MustParseAddr(n.vip)
	own := n.wire.Frames(func(f netlab.Frame) bool {
		_, advert := readAdvert(f)
		return f.Source().String() == s.mac() && !f.At.Before(since) && (advert || isAnnouncement(f, address) || isAnswer(f, address))
	})
	if len(own) == 0 {
		n.t.Fatalf("%s never asserted itself", s.name)
	}
	return own[0].At
}
