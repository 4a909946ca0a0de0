package daemon_test

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

const vmac = "00:00:5e:00:01:32"

// pairVMAC announces nothing but what there is a reason for.
var pairVMAC = twoNodes + router("web", 50, "10.0.0.3/24", "virtual_mac: true", "garp: {again: 0, refresh: 0}")

// macvlans are the names of a host's macvlans.
func macvlans(h *netlab.Host) (names []string) {
	for line := range strings.Lines(h.Run("ip", "-o", "link", "show", "type", "macvlan")) {
		name := strings.Fields(line)[1]
		name, _, _ = strings.Cut(name, "@")
		names = append(names, strings.TrimSuffix(name, ":"))
	}
	return names
}

// sysctl reads one.
func sysctl(h *netlab.Host, name string) string {
	return strings.TrimSpace(h.Run("cat", "/proc/sys/"+name))
}

// cleanup does what the command of that name does.
func (n *node) cleanup(name string) error {
	file, err := config.Load(n.file, name)
	if err == nil {
		n.host.Do(func() { err = daemon.Cleanup(file.Config, "", slog.New(slog.DiscardHandler)) })
	}
	return err
}

// The control socket need not be there.
func TestACleanupTakesNothingFromADaemonThatRuns(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", pairVMAC)
	n.await("held", func(r daemon.RouterStatus) bool { return r.Held })
	if err := n.cleanup("lb01"); err == nil || !strings.Contains(err.Error(), "another pairkeeper on this host runs virtual router 50: stop it") {
		t.Errorf("the cleanup says %v", err)
	}
	time.Sleep(time.Second)
	n.is("ACTIVE")
	if n.moves() != 2 || strings.Contains(n.log.String(), "address-vanished") {
		t.Error("something was taken")
	}
}

func TestCleanupOfAVirtualMACLeavesNoTraceAndTellsThePeer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, address, mac string
		released           func(netlab.Frame) bool
	}{
		{"IPv4", "10.0.0.3/24", vmac, advert(50, 0)},
		{"IPv6", "'2001:db8::3/64'", "00:00:5e:00:02:32", advert6(50, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t)
			h := lab.Host("lb01", "10.0.0.1/24", "2001:db8::1/64")
			settings := []string{"net/ipv4/conf/eth0/arp_ignore", "net/ipv4/conf/eth0/arp_announce"}
			before := map[string]string{}
			for _, s := range settings {
				before[s] = sysctl(h, s)
			}
			n := start(t, h, "lb01", twoNodes+router("web", 50, c.address, "virtual_mac: true"))
			n.await("held", func(r daemon.RouterStatus) bool { return r.Held })
			n.kill()
			wire := lab.Capture()
			if err := n.cleanup("lb01"); err != nil {
				t.Error(err)
			}
			if len(wire.Wait(1, soon, by(c.mac, c.released))) != 1 {
				t.Error("the peer is not told by the virtual MAC address")
			}
			if left := macvlans(h); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			for _, s := range settings {
				if now := sysctl(h, s); now != before[s] {
					t.Errorf("%s is %s, was %s", s, now, before[s])
				}
			}
		})
	}
}

func TestAMACVLANDeletedByHandComesBack(t *testing.T) {
	t.Parallel()
	d := startDuo(t, pairVMAC)
	d.answers(t, vip)
	n := d.nodes[0]
	name := macvlans(n.host)[0]
	time.Sleep(1200 * time.Millisecond)
	wire := d.lab.Capture()
	n.host.Run("ip", "link", "delete", name)
	n.says("(address-vanished)")
	n.await("held", func(r daemon.RouterStatus) bool { return r.Held && r.State == "ACTIVE" })
	if len(wire.Wait(1, soon, by(vmac, announcement4(vip)))) == 0 {
		t.Error("not announced anew")
	}
	d.answers(t, vip)
	if strings.Contains(n.log.String(), "ACTIVE -> ") {
		t.Error("it left")
	}
}

func TestAnInterfaceWithAVirtualMACGoesDownAndComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ address, ask string }{
		"IPv4": {"10.0.0.3/24", vip},
		"IPv6": {"'2001:db8::3/64'", vip6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDuo(t, twoNodes+router("web", 50, c.address, "virtual_mac: true"))
			d.answers(t, c.ask)
			h := d.nodes[0].host
			h.Sysctl("net/ipv6/conf/eth0/keep_addr_on_down", "1") // else the host's own address and its route are gone
			h.Run("ip", "link", "set", "dev", "eth0", "down")
			d.nodes[0].isOut("link-down")
			d.nodes[1].is("ACTIVE")
			d.answers(t, c.ask)
			h.Run("ip", "link", "set", "dev", "eth0", "up")
			d.nodes[0].is("ACTIVE")
			d.nodes[1].is("BACKUP")
			d.answers(t, c.ask)
			d.nodes[0].stop()
			if left := macvlans(h); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestTheBaseOfAVirtualMACMayChangeItsOwn(t *testing.T) {
	t.Parallel()
	d := startDuo(t, pairVMAC)
	d.answers(t, vip)
	n := d.nodes[0]
	wire := d.lab.Capture()
	n.host.Run("ip", "link", "set", "dev", "eth0", "address", "02:00:00:00:00:99")
	time.Sleep(time.Second)
	d.answers(t, vip)
	n.is("ACTIVE")
	d.nodes[1].is("BACKUP")
	if len(wire.Wait(3, soon, by(vmac, advert(50, 150)))) < 3 {
		t.Error("no adverts by the virtual MAC address any more")
	}
	wrong := func(f netlab.Frame) bool { return announcement4(vip)(f) && f.Source().String() != vmac }
	if len(wire.Frames(wrong)) > 0 {
		t.Error("announced with another MAC address than the virtual one")
	}
}

// Every reload leaves exactly the macvlan that it asks for, and the address is served.
func TestReloadsSwitchAVirtualMACOnAndOffAndRenameIt(t *testing.T) {
	t.Parallel()
	d := startDuo(t, pairVMAC)
	conf := func(more ...string) string {
		return twoNodes + router("web", 50, "10.0.0.3/24", append(more, "garp: {again: 0, refresh: 0}")...)
	}
	for i, c := range []struct {
		more []string
		name string
	}{
		{nil, ""},
		{[]string{"virtual_mac: true"}, "pk"},
		{[]string{"virtual_mac: {name: other}"}, "other"},
		{[]string{"virtual_mac: {name: other, adverts: base}"}, "other"},
		{nil, ""},
		{[]string{"virtual_mac: {name: other}"}, "other"},
	} {
		for _, n := range d.nodes {
			n.write(conf(c.more...))
			if a := n.reload(); a.Problem != "" {
				t.Fatal(a.Problem)
			}
		}
		d.nodes[0].await("ACTIVE and held", func(r daemon.RouterStatus) bool { return r.State == "ACTIVE" && r.Held })
		d.nodes[1].is("BACKUP")
		for _, n := range d.nodes {
			n.until(fmt.Sprintf("step %d: the macvlan %q", i, c.name), func() bool {
				have := macvlans(n.host)
				if c.name == "" {
					return len(have) == 0
				}
				return len(have) == 1 && strings.HasPrefix(have[0], c.name)
			})
		}
		d.answers(t, vip)
	}
}

func TestAStopEndsTwentyVirtualMACs(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	conf := twoNodes
	for i := range 20 {
		conf += router(fmt.Sprintf("r%d", i), 50+i, fmt.Sprintf("10.0.0.%d/24", 100+i), "virtual_mac: true")
	}
	n := start(t, h, "lb01", conf)
	n.until("all held", func() bool {
		s, err := n.status()
		for _, r := range s.Routers {
			if !r.Held {
				return false
			}
		}
		return err == nil
	})
	if have := macvlans(h); len(have) != 20 {
		t.Errorf("%d macvlans", len(have))
	}
	begin := time.Now()
	n.stop()
	t.Logf("stopped in %s", time.Since(begin).Round(time.Millisecond))
	if left := macvlans(h); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The Backup is told before it is needed; the peer keeps the address.
func TestAForeignInterfaceOfTheVirtualMACsNameIsAFaultWithTheCure(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	conf := twoNodes + router("web", 50, "10.0.0.3/24", "virtual_mac: {name: theirs}")
	a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", conf)
	a.is("ACTIVE")
	h := lab.Host("lb02", "10.0.0.2/24")
	h.Run("ip", "link", "add", "theirs", "type", "bridge")
	b := start(t, h, "lb02", conf)
	s := b.isOut("vip-failed")
	if !strings.Contains(s.Detail, "theirs") {
		t.Errorf("detail %q", s.Detail)
	}
	t.Log(s.Detail)
	a.stop()
	time.Sleep(2 * time.Second)
	b.await("never Active", func(r daemon.RouterStatus) bool { return r.State != "ACTIVE" && !r.Held })
	h.Run("ip", "link", "delete", "theirs")
	b.is("ACTIVE")
	var mac string
	h.Do(func() {
		if link, err := net.InterfaceByName("theirs"); err == nil {
			mac = link.HardwareAddr.String()
		}
	})
	if mac != vmac {
		t.Errorf("the macvlan has %q", mac)
	}
}
