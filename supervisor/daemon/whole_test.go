package daemon_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// twoNodes begins a configuration; a router's mapping follows.
const twoNodes = `nodes:
  lb01: {address: 10.0.0.1, priority: 150}
  lb02: {address: 10.0.0.2, priority: 100}
virtual_routers:
`

// router is one virtual router of a configuration, with more keys.
func router(name string, vrid int, address string, more ...string) string {
	return fmt.Sprintf("  - {name: %s, interface: eth0, vrid: %d, addresses: [%s], preempt_delay: 0%s}\n",
		name, vrid, address, strings.Join(append([]string{""}, more...), ", "))
}

// duo is a pair of daemons on one link, and a client.
type duo struct {
	lab    *netlab.Lab
	client *netlab.Host
	nodes  [2]*node
}

func startDuo(t *testing.T, conf string) *duo {
	t.Helper()
	d := &duo{lab: netlab.New(t)}
	a, b := d.lab.Host("lb01", "10.0.0.1/24", "2001:db8::1/64"), d.lab.Host("lb02", "10.0.0.2/24", "2001:db8::2/64")
	d.client = d.lab.Host("client", "10.0.0.9/24", "2001:db8::9/64")
	d.nodes[0] = start(t, a, "lb01", conf)
	d.nodes[0].is("ACTIVE")
	d.nodes[1] = start(t, b, "lb02", conf)
	d.nodes[1].is("BACKUP")
	return d
}

// answers wants the client to reach an address: that it says that nothing listens there.
func (d *duo) answers(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(50 * time.Millisecond) {
		var err error
		d.client.Do(func() { err = knock(address) })
		if errors.Is(err, unix.ECONNREFUSED) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v", address, err)
		}
	}
}

func knock(address string) error {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(address, "9"), time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err
}

// handsOver has the first node stop in order, and the second one serve the address.
func (d *duo) handsOver(t *testing.T, address string) {
	t.Helper()
	d.answers(t, address)
	d.nodes[1].await("hears the peer", func(r daemon.RouterStatus) bool { return r.Adverts.Received > 2 })
	if refused := d.nodes[1].is("BACKUP").Adverts.Refused; len(refused) > 0 {
		t.Errorf("lb02 refuses %+v", refused)
	}
	d.nodes[0].stop()
	d.nodes[1].is("ACTIVE")
	d.nodes[1].says("BACKUP -> ACTIVE (peer-released) [MASTER], peer ")
	d.answers(t, address)
}

func TestAPairOverIPv6(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, addresses, ask string }{
		{"link-local first", "'2001:db8::3/64', 'fe80::100/64'", "2001:db8::3"},
		{"global only", "'2001:db8::3/64'", "2001:db8::3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, twoNodes+router("web", 50, c.addresses))
			d.handsOver(t, c.ask)
		})
	}
}

func TestAPairOfEveryAuthentication(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("hex:"+hex.EncodeToString([]byte(strings.Repeat("k", 32)))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string][]string{
		"pass":             {"version: 2", "auth: {type: pass, password: secret}"},
		"ah":               {"version: 2", "auth: {type: ah, password: secret}"},
		"hmac":             {"auth: {type: hmac, keys: [{id: 1, file: " + key + "}]}"},
		"hmac, permissive": {"auth: {type: hmac, mode: permissive, keys: [{id: 1, file: " + key + "}]}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, twoNodes+router("web", 50, "10.0.0.3/24", more...))
			d.handsOver(t, vip)
		})
	}
}

func TestAPairByUnicast(t *testing.T) {
	t.Parallel()
	d := startDuo(t, twoNodes+router("web", 50, "10.0.0.3/24", "unicast: true"))
	wire := d.lab.Capture()
	d.handsOver(t, vip)
	multicast := func(f netlab.Frame) bool { return f.IsIPv4(vrrp.Protocol) && f.Destination()[0]&1 == 1 }
	if n := len(wire.Frames(multicast)); n > 0 {
		t.Errorf("%d multicast adverts", n)
	}
}

func TestAPairOverAnotherInterface(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	conf := twoNodes + router("web", 50, "10.0.0.3/24", "advert_interface: eth1")
	var nodes [2]*node
	for i, name := range []string{"lb01", "lb02"} {
		h := lab.Host(name, fmt.Sprintf("10.0.0.%d/24", i+1))
		h.Plug("eth1", fmt.Sprintf("10.1.0.%d/24", i+1))
		nodes[i] = start(t, h, name, conf)
		nodes[i].is([]string{"ACTIVE", "BACKUP"}[i])
	}
	nodes[1].await("hears 10.1.0.1", func(r daemon.RouterStatus) bool { return r.Peer != nil && r.Peer.Address == "10.1.0.1" })
	nodes[0].host.Cable("eth1").Cut()
	nodes[0].isOut("link-down")
	nodes[1].is("ACTIVE")
}

func TestAPairWithAVirtualMACAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, address, ask, mac, adverts string }{
		{"IPv4", "10.0.0.3/24", vip, "00:00:5e:00:01:32", "true"},
		{"IPv6", "'fe80::100/64', '2001:db8::3/64'", "2001:db8::3", "00:00:5e:00:02:32", "true"},
		{"adverts from the base", "10.0.0.3/24", vip, "00:00:5e:00:01:32", "{adverts: base}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, twoNodes+router("web", 50, c.address, "virtual_mac: "+c.adverts))
			d.handsOver(t, c.ask)
			neighbour := d.client.Run("ip", "neigh", "show", c.ask)
			if !strings.Contains(neighbour, c.mac) {
				t.Errorf("the client has %q, want %s", neighbour, c.mac)
			}
			d.nodes[1].stop()
			for _, n := range d.nodes {
				if links := n.host.Run("ip", "-o", "link", "show", "type", "macvlan"); links != "" {
					t.Errorf("%s is left with %s", n.host.Name, links)
				}
			}
		})
	}
}

func TestAVirtualMACLeftByADeadDaemonIsAdopted(t *testing.T) {
	t.Parallel()
	conf := twoNodes + router("web", 50, "10.0.0.3/24", "virtual_mac: true")
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", conf)
	n.is("ACTIVE")
	_ = n.cmd.Process.Kill()
	n.wait()
	if links := h.Run("ip", "-o", "link", "show", "type", "macvlan"); links == "" {
		t.Fatal("nothing is left to adopt")
	}
	again := start(t, h, "lb01", conf)
	again.is("ACTIVE")
	again.stop()
	if links := h.Run("ip", "-o", "link", "show", "type", "macvlan"); links != "" {
		t.Errorf("left: %s", links)
	}
}

// Two routers crossed over two nodes, as in every tutorial.
func TestADualMaster(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	conf := twoNodes + router("one", 51, "10.0.0.3/24", "preferred: lb01") + router("two", 52, "10.0.0.4/24", "preferred: lb02")
	a, b := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", conf), start(t, lab.Host("lb02", "10.0.0.2/24"), "lb02", conf)
	a.routers("ACTIVE", "BACKUP")
	b.routers("BACKUP", "ACTIVE")
	a.stop()
	b.routers("ACTIVE", "ACTIVE")
}

// routers wants the states of all routers, in their order.
func (n *node) routers(want ...string) {
	n.Helper()
	n.until(strings.Join(want, ", "), func() bool {
		s, err := n.status()
		if err != nil || len(s.Routers) != len(want) {
			return false
		}
		for i, r := range s.Routers {
			if r.State != want[i] {
				return false
			}
		}
		return true
	})
}

// An IPv4 and an IPv6 address that belong together: the firewall eats the adverts of one
// of them, which must not make two masters.
func TestAGroupOfBothFamilies(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	conf := twoNodes + router("four", 50, "10.0.0.3/24", "group: web") + router("six", 50, "'2001:db8::3/64'", "group: web")
	a, b := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", conf), start(t, lab.Host("lb02", "10.0.0.2/24"), "lb02", conf)
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
	b.host.Rules("table inet f {\nchain i {\ntype filter hook input priority 0;\nip6 nexthdr 112 drop\n}\n}")
	time.Sleep(3 * time.Second) // five down intervals
	b.routers("BACKUP", "BACKUP")
	a.routers("ACTIVE", "ACTIVE")
	a.stop()
	b.routers("ACTIVE", "ACTIVE")
}

func TestATrackedInterface(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ track, says string }{
		"fatal":   {"[eth1]", "ACTIVE -> FAULT (track)"},
		"penalty": {"[{interface: eth1, penalty: 60}]", "ACTIVE -> BACKUP (outranked)"},
		"address": {"[{interface: eth1, need: address, weight: -60}]", "ACTIVE -> BACKUP (outranked)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t)
			conf := twoNodes + router("web", 50, "10.0.0.3/24", "track: "+c.track)
			var nodes [2]*node
			for i, name := range []string{"lb01", "lb02"} {
				h := lab.Host(name, fmt.Sprintf("10.0.0.%d/24", i+1))
				h.Plug("eth1", fmt.Sprintf("10.1.0.%d/24", i+1))
				nodes[i] = start(t, h, name, conf)
				nodes[i].is([]string{"ACTIVE", "BACKUP"}[i])
			}
			if name == "address" {
				nodes[0].host.Run("ip", "address", "flush", "dev", "eth1")
			} else {
				nodes[0].host.Cable("eth1").Cut()
			}
			nodes[1].is("ACTIVE")
			nodes[0].says(c.says)
		})
	}
}

// What is strange on the wire is shown with who sends it and what to do.
func TestForeignAdvertsAreShownWithTheirSenderAndTheRemedy(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	n := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", pair)
	n.is("ACTIVE")
	stranger := lab.Host("stranger", "10.0.0.7/24")
	env := vrrp.Envelope{Source: netip.MustParseAddr("10.0.0.7"), Destination: vrrp.Group4, TTL: 255}
	other := vrrp.Format{Version: vrrp.V2, VRID: 50, Auth: vrrp.Auth{Type: vrrp.AuthPass, Key: []byte("1111")}}
	ad := vrrp.Advert{Priority: 90, Interval: time.Second, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.3")}}
	version, err := other.Append(nil, &ad, env)
	if err != nil {
		t.Fatal(err)
	}
	carp := make([]byte, 36)
	carp[0], carp[1], carp[3] = 0x21, 50, 7
	n.until("both refusals", func() bool {
		stranger.Do(func() { sendRaw(t, version); sendRaw(t, carp) })
		seen := map[string]bool{}
		for _, r := range n.is("ACTIVE").Adverts.Refused {
			seen[r.Reason] = r.From == "10.0.0.7" && r.Remedy != "" && r.Count > 0
		}
		return seen["version"] && seen["carp"]
	})
	n.says("web: adverts of 10.0.0.7 on eth0 refused (version)", "web: adverts of 10.0.0.7 on eth0 refused (carp)")
	if lines := strings.Count(n.log.String(), "refused (carp)"); lines != 1 {
		t.Errorf("said %d times within a minute", lines)
	}
}

// sendRaw sends a VRRP message to the group from the thread's namespace.
func sendRaw(t *testing.T, msg []byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, vrrp.Protocol)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255)
	if err := unix.BindToDevice(fd, "eth0"); err != nil {
		t.Error(err)
	}
	if err := unix.Sendto(fd, msg, 0, &unix.SockaddrInet4{Addr: vrrp.Group4.As4()}); err != nil {
		t.Error(err)
	}
}

// Accept_Mode is always true here, since a proxy listens on the address; whatever it is,
// the Active router answers neighbour solicitations (RFC 9568 6.1, 6.4.3).
func TestT36TheActiveRouterAnswersNeighbourSolicitations(t *testing.T) {
	t.Parallel()
	d := startDuo(t, twoNodes+router("web", 50, "'2001:db8::3/64'"))
	d.answers(t, "2001:db8::3")
	neighbour := d.client.Run("ip", "-6", "neigh", "show", "2001:db8::3")
	var mac string
	d.nodes[0].host.Do(func() {
		if eth0, err := net.InterfaceByName("eth0"); err == nil {
			mac = eth0.HardwareAddr.String()
		}
	})
	if mac == "" || !strings.Contains(neighbour, mac) {
		t.Errorf("the client has %q, want %q", neighbour, mac)
	}
}
