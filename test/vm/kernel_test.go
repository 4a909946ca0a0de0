//go:build linux

package vm

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/moby/ipvs"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/vmlab"
)

// handle opens the table of virtual services of a host.
func handle(t *testing.T, h *netlab.Host) *ipvs.Handle {
	t.Helper()
	var table *ipvs.Handle
	h.Do(func() {
		if _, err := netlink.GenlFamilyGet("IPVS"); err != nil {
			t.Fatalf("this kernel has no IPVS: %v", err)
		}
		var err error
		if table, err = ipvs.New(""); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(table.Close)
	return table
}

func tcpService(address string, port uint16, scheduler string) *ipvs.Service {
	return &ipvs.Service{
		AddressFamily: unix.AF_INET, Protocol: unix.IPPROTO_TCP,
		Address: net.ParseIP(address), Port: port, SchedName: scheduler, Netmask: 0xffffffff,
	}
}

func server(address string, port uint16, forward uint32) *ipvs.Destination {
	return &ipvs.Destination{
		AddressFamily: unix.AF_INET, Address: net.ParseIP(address), Port: port, Weight: 1, ConnectionFlags: forward,
	}
}

func TestServicesAndServersComeAndGo(t *testing.T) {
	vmlab.Need(t)
	director := netlab.New(t).Host("director")
	table := handle(t, director)
	web := tcpService("192.0.2.1", 80, "rr")
	if err := table.NewService(web); err != nil {
		t.Fatal(err)
	}
	for i, forward := range []uint32{ipvs.ConnFwdMasq, ipvs.ConnFwdDirectRoute, ipvs.ConnFwdTunnel} {
		if err := table.NewDestination(web, server("198.51.100."+string(rune('1'+i)), 80, forward)); err != nil {
			t.Fatal(err)
		}
	}
	servers, err := table.GetDestinations(web)
	if err != nil || len(servers) != 3 {
		t.Fatalf("%d servers, %v", len(servers), err)
	}
	listing := director.Run("ipvsadm", "-Ln")
	for _, line := range []string{"TCP  192.0.2.1:80 rr", "-> 198.51.100.1:80              Masq", "-> 198.51.100.2:80              Route", "-> 198.51.100.3:80              Tunnel"} {
		if !strings.Contains(listing, line) {
			t.Errorf("ipvsadm does not show %q:\n%s", line, listing)
		}
	}
	if err := table.DelDestination(web, servers[0]); err != nil {
		t.Error(err)
	}
	if servers, err = table.GetDestinations(web); err != nil || len(servers) != 2 {
		t.Errorf("%d servers after one was removed, %v", len(servers), err)
	}
	if err := table.DelService(web); err != nil {
		t.Error(err)
	}
	if services, err := table.GetServices(); err != nil || len(services) != 0 {
		t.Errorf("%d services after the only one was removed, %v", len(services), err)
	}
}

// The table belongs to a network namespace: what one director has, another has not.
func TestEachHostHasATableOfItsOwn(t *testing.T) {
	vmlab.Need(t)
	lab := netlab.New(t)
	one, two := handle(t, lab.Host("one")), handle(t, lab.Host("two"))
	if err := one.NewService(tcpService("192.0.2.1", 80, "rr")); err != nil {
		t.Fatal(err)
	}
	if services, err := two.GetServices(); err != nil || len(services) != 0 {
		t.Errorf("the other host has %d services, %v", len(services), err)
	}
}

func TestTheKernelLoadsEverySchedulerItHas(t *testing.T) {
	vmlab.Need(t)
	table := handle(t, netlab.New(t).Host("director"))
	for i, scheduler := range []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "mh", "sed", "nq", "fo", "ovf"} {
		if err := table.NewService(tcpService("192.0.2.1", uint16(i+1), scheduler)); err != nil {
			t.Errorf("%s: %v", scheduler, err)
		}
	}
	if err := table.NewService(tcpService("192.0.2.1", 99, "nonesuch")); err == nil {
		t.Error("a scheduler that does not exist was accepted")
	}
}

func TestInterfacesOfEveryKindCanBeMade(t *testing.T) {
	vmlab.Need(t)
	h := netlab.New(t).Host("h", "10.9.0.1/24")
	h.Run("modprobe", "fou") // nothing asks for it
	h.Run("ip", "fou", "add", "port", "6080", "gue")
	for _, args := range []string{
		"dummy0 type dummy",
		"mac0 link eth0 type macvlan mode private",
		"ipip1 type ipip local 10.9.0.1 remote 10.9.0.2",
		"gre1 type gre local 10.9.0.1 remote 10.9.0.2",
		"gue1 type ipip local 10.9.0.1 remote 10.9.0.3 encap gue encap-sport auto encap-dport 6080",
		"ip6tnl1 type ip6tnl local 2001:db8::1 remote 2001:db8::2",
	} {
		h.Run("ip", append([]string{"link", "add", "name"}, strings.Fields(args)...)...)
	}
	h.Run("ip", "tuntap", "add", "tun0", "mode", "tun")
}

func TestThePacketFilterTranslatesAndGates(t *testing.T) {
	vmlab.Need(t)
	h := netlab.New(t).Host("h", "10.9.0.1/24")
	h.Rules(`
table ip nat {
	chain out { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
	chain in { type nat hook prerouting priority -100; tcp dport 80 dnat to 10.9.0.2; }
}
table inet web {
	chain in { type filter hook prerouting priority -150; ct state new tcp dport { 80, 443 } meta mark set 7; }
}
table netdev gate {
	set open { type ipv4_addr; timeout 300ms; }
	chain in { type filter hook ingress device eth0 priority 0; arp daddr ip @open accept; }
}`)
}

func TestDelayCanBeAddedToALink(t *testing.T) {
	vmlab.Need(t)
	lab := netlab.New(t)
	a := lab.Host("a", "10.9.0.1/24")
	lab.Host("b", "10.9.0.2/24")
	ping := func() time.Duration {
		begun := time.Now()
		a.Run("ping", "-c", "1", "-W", "20", "10.9.0.2")
		return time.Since(begun)
	}
	ping() // resolves the neighbour
	const delay = time.Second
	a.Do(func() {
		netem := netlink.NewNetem(netlink.QdiscAttrs{LinkIndex: a.Cable("eth0").Index, Parent: netlink.HANDLE_ROOT},
			netlink.NetemQdiscAttrs{Latency: uint32(delay.Microseconds())})
		if err := netlink.QdiscAdd(netem); err != nil {
			t.Fatal(err)
		}
	})
	if took := ping(); took < delay {
		t.Errorf("an echo over a link with a delay of %v took %v", delay, took)
	}
}
