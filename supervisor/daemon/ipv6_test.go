package daemon_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// vip6 is the virtual address of pair6.
const vip6 = "2001:db8::3"

// pair6 announces nothing but what there is a reason for.
var pair6 = twoNodes + router("web", 50, "'2001:db8::3/64'", "garp: {again: 0, refresh: 0}")

// holds6 waits until the kernel has the address, or has it no more.
func (n *node) holds6(want bool) {
	n.Helper()
	n.until(fmt.Sprintf("holds %s: %t", vip6, want), func() bool { return (lifetime(n.host, "eth0", vip6) != 0) == want })
}

// announcement6 tells an unsolicited neighbour advertisement of an address.
func announcement6(address string) func(netlab.Frame) bool {
	target := netip.MustParseAddr(address)
	return func(f netlab.Frame) bool {
		p := f.Payload()
		if f.Type() != unix.ETH_P_IPV6 || len(p) < 64 || p[6] != unix.IPPROTO_ICMPV6 || p[40] != 136 {
			return false
		}
		got, _ := netip.AddrFromSlice(p[48:64])
		return got == target && f.Destination()[0] == 0x33
	}
}

// announcement4 tells a gratuitous ARP of an address.
func announcement4(address string) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		return f.IsARP() && net.IP(f.Payload()[14:18]).String() == address && net.IP(f.Payload()[24:28]).String() == address
	}
}

// by narrows what is looked for to the frames of a MAC address.
func by(mac string, what func(netlab.Frame) bool) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool { return what(f) && f.Source().String() == mac }
}

func TestAKilledDaemonsIPv6AddressEndsAndThePeerServesIt(t *testing.T) {
	t.Parallel()
	d := startDuo(t, pair6)
	d.answers(t, vip6)
	d.nodes[0].kill()
	d.nodes[1].is("ACTIVE")
	d.nodes[0].holds6(false)
	d.answers(t, vip6)
	d.nodes[1].is("ACTIVE")
}

// kill ends a daemon without a chance to tidy up.
func (n *node) kill() {
	n.Helper()
	_ = n.cmd.Process.Kill()
	n.wait()
}

// The loser hears the winner first, and is gone before it has said a word.
func TestT61AfterAHealTheWinnerIsAnnounced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, address, ask, mac string
		more                    string
		announces               func(netlab.Frame) bool
	}{
		{"IPv4", "10.0.0.3/24", vip, "02:00:00:00:00:01", "preempt: true", announcement4(vip)},
		{"IPv6", "'2001:db8::3/64'", vip6, "02:00:00:00:00:01", "preempt: true", announcement6(vip6)},
		{"IPv4, virtual MAC", "10.0.0.3/24", vip, "00:00:5e:00:01:32", "virtual_mac: true", announcement4(vip)},
		{"IPv6, virtual MAC", "'2001:db8::3/64'", vip6, "00:00:5e:00:02:32", "virtual_mac: true", announcement6(vip6)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, twoNodes+router("web", 50, c.address, "garp: {again: 0, refresh: 0}", c.more))
			cable := d.nodes[1].host.Cable("eth0")
			cable.Detach()
			d.nodes[1].is("ACTIVE")
			time.Sleep(1500 * time.Millisecond) // the last announcement is old
			wire := d.lab.Capture()
			cable.Attach()
			d.nodes[1].is("BACKUP")
			d.nodes[1].says("higher-advert")
			healed := wire.Wait(1, soon, func(f netlab.Frame) bool { return advert(50, 100)(f) || advert6(50, 100)(f) })
			told := wire.Wait(1, soon, by(c.mac, c.announces))
			if len(healed) == 0 || len(told) == 0 {
				t.Fatalf("%d adverts of the loser, %d announcements of the winner", len(healed), len(told))
			}
			if late := told[len(told)-1].At.Sub(healed[0].At); late > 3*time.Second {
				t.Errorf("announced %s after the heal", late)
			} else {
				t.Logf("announced %s after the heal", late.Round(time.Millisecond))
			}
			d.nodes[0].is("ACTIVE")
			d.answers(t, c.ask)
			if since := d.nodes[0].is("ACTIVE"); strings.Contains(d.nodes[0].log.String(), "ACTIVE -> ") {
				t.Errorf("the winner moved: %+v", since)
			}
		})
	}
}

// advert6 tells an advert over IPv6.
func advert6(vrid, priority byte) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		p := f.Payload()
		return f.Type() == unix.ETH_P_IPV6 && len(p) > 43 && p[6] == 112 && p[41] == vrid && p[42] == priority
	}
}

func TestAnIPv6AddressRemovedByHandComesBackAndIsAnnounced(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24", "2001:db8::1/64")
	n := start(t, h, "lb01", pair6)
	n.is("ACTIVE")
	n.holds6(true)
	time.Sleep(1200 * time.Millisecond) // the burst of the take-over is over
	wire := lab.Capture()
	h.Run("ip", "address", "del", vip6+"/64", "dev", "eth0")
	n.says("(address-vanished)")
	n.holds6(true)
	if len(wire.Wait(1, soon, announcement6(vip6))) == 0 {
		t.Error("it was not announced anew")
	}
	n.is("ACTIVE")
}

// The kernel tries the address out first, and finds that the Active node has it.
func TestAnIPv6AddressAddedByHandOnABackupIsRemoved(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"tried out": nil, "at once": {"nodad"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, pair6)
			d.nodes[1].host.Run("ip", append([]string{"address", "add", vip6 + "/64", "dev", "eth0"}, flags...)...)
			d.nodes[1].says("(address-found)")
			d.nodes[1].holds6(false)
			d.nodes[0].is("ACTIVE")
			d.nodes[1].is("BACKUP")
			d.answers(t, vip6)
		})
	}
}

func TestAnInterfaceMadeAnewIsTakenUpAgainOverIPv6(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01", "2001:db8::1/64")
	n := start(t, h, "lb01", pair6)
	n.is("ACTIVE")
	n.holds6(true)
	h.Run("ip", "link", "delete", "eth0")
	n.isOut("link-missing")
	wire := lab.Capture()
	again := h.Plug("eth0", "2001:db8::1/64")
	n.is("ACTIVE")
	n.holds6(true)
	if len(wire.Wait(1, soon, by(again.MAC.String(), announcement6(vip6)))) == 0 {
		t.Error("not announced from the new interface")
	}
}

// At the start of a host the link-local address is being tried out: that is no fault.
func TestALinkLocalAddressThatIsTriedOutIsAwaited(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	h := lab.Host("lb01")
	h.Sysctl("net/ipv6/conf/default/accept_dad", "1")
	h.Sysctl("net/ipv6/conf/default/dad_transmits", "3")
	h.Plug("eth0", "2001:db8::1/64")
	n := start(t, h, "lb01", pair6)
	s := n.await("waits for its address", func(r daemon.RouterStatus) bool {
		return strings.Contains(r.Detail, "tried out") || r.State == "ACTIVE"
	})
	if s.State != "INIT" || s.Reason != "starting" {
		t.Errorf("meanwhile %+v", s)
	}
	n.is("ACTIVE")
	if strings.Contains(n.log.String(), "FAULT") {
		t.Error("a fault in the log")
	}
}

func TestAnInterfaceWithoutIPv6IsAFaultThatSaysSo(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pair6)
	n.is("ACTIVE")
	h.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1")
	s := n.isOut("no-address")
	if !strings.Contains(s.Detail, "eth0 has no link-local IPv6 address") || !strings.Contains(s.Detail, "disable_ipv6") {
		t.Errorf("detail %q", s.Detail)
	}
	h.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "0")
	n.is("ACTIVE")
	n.holds6(true)
}

// Somebody else says that it has the address: the network is told better at once.
func TestAForeignClaimOverIPv6IsAnswered(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	n := start(t, lab.Host("lb01", "2001:db8::1/64"), "lb01", pair6)
	n.is("ACTIVE")
	n.holds6(true)
	thief := lab.Host("thief", "2001:db8::9/64")
	time.Sleep(1200 * time.Millisecond)
	wire := lab.Capture()
	claim(t, thief, netip.MustParseAddr(vip6))
	if len(wire.Wait(1, soon, by("02:00:00:00:00:01", announcement6(vip6)))) == 0 {
		t.Error("not answered")
	}
	n.says("(address-claimed)", thief.Cable("eth0").MAC.String())
	n.is("ACTIVE")
	n.holds6(true)
}

// claim announces an address from a host that may not have it.
func claim(t *testing.T, h *netlab.Host, address netip.Addr) {
	t.Helper()
	cable := h.Cable("eth0")
	link := vrrpnet.Link{Name: "eth0", Index: cable.Index, MAC: cable.MAC}
	h.Do(func() {
		var n vrrpnet.Neighbours
		var err error
		if address.Is4() {
			n, err = vrrpnet.OpenARP(link)
		} else {
			n, err = vrrpnet.OpenNDP(link)
		}
		if err == nil {
			err = n.Announce(address, link.MAC)
			_ = n.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// Another host has the address for good: the Active node keeps serving, and who starts
// waits no longer than a lifetime for it.
func TestAHostThatHasTheIPv6AddressTooKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	thief := lab.Host("thief", "2001:db8::9/64")
	thief.Run("ip", "address", "add", vip6+"/64", "dev", "eth0", "nodad")
	n := start(t, lab.Host("lb01", "2001:db8::1/64"), "lb01", pair6)
	n.says("(address-answered)", thief.Cable("eth0").MAC.String())
	n.is("ACTIVE")
	n.holds6(true)
	n.says("(address-contest)")
}
