package vrrpnet

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const macvlanVRID = 51

var (
	macvlan4 = VirtualMAC(macvlanVRID, false)
	macvlan6 = VirtualMAC(macvlanVRID, true)
)

func openMACVLANs(t *testing.T, h *netlab.Host) (a *MACVLANs) {
	t.Helper()
	h.Do(func() {
		var err error
		if a, err = OpenMACVLANs(); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { a.Close() })
	return a
}

// ipv4MACVLAN and ipv6MACVLAN are what a router on eth0 wants.
func ipv4MACVLAN(t *testing.T, h *netlab.Host) MACVLAN {
	t.Helper()
	return MACVLAN{Name: "pk51", Base: linkOf(t, h, "eth0"), MAC: macvlan4}
}

func ipv6MACVLAN(t *testing.T, h *netlab.Host) MACVLAN {
	t.Helper()
	return MACVLAN{Name: "pk51-6", Base: linkOf(t, h, "eth0"), MAC: macvlan6, IPv6: true}
}

func raise(t *testing.T, h *netlab.Host, a *MACVLANs, m MACVLAN) (index int) {
	t.Helper()
	h.Do(func() {
		var err error
		if index, err = a.Raise(m); err != nil {
			t.Fatal(err)
		}
	})
	return index
}

func removeMACVLAN(t *testing.T, h *netlab.Host, a *MACVLANs, m MACVLAN) {
	t.Helper()
	h.Do(func() { must(t, a.Delete(m)) })
}

// ipLink is an interface as ip(8) shows it; false: it is not there.
func ipLink(t *testing.T, h *netlab.Host, name string) (l struct {
	Ifindex  int      `json:"ifindex"`
	Link     string   `json:"link"`
	Flags    []string `json:"flags"`
	Address  string   `json:"address"`
	Alias    string   `json:"ifalias"`
	GenMode  string   `json:"inet6_addr_gen_mode"`
	LinkInfo struct {
		Kind string `json:"info_kind"`
		Data struct {
			Mode string `json:"mode"`
		} `json:"info_data"`
	} `json:"linkinfo"`
}, there bool) {
	t.Helper()
	out, err := h.Try("ip", "-d", "-j", "link", "show", "dev", name)
	if err != nil {
		return l, false
	}
	all := []any{&l}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	return l, true
}

func isUp(t *testing.T, h *netlab.Host, name string) bool {
	t.Helper()
	l, there := ipLink(t, h, name)
	return there && strings.Contains(strings.Join(l.Flags, " ")+" ", "UP ")
}

func sysctl(t *testing.T, h *netlab.Host, name string) (value string) {
	t.Helper()
	h.Do(func() {
		b, err := os.ReadFile(filepath.Join("/proc/sys/net", name))
		if err != nil {
			t.Fatal(err)
		}
		value = strings.TrimSpace(string(b))
	})
	return value
}

func wantSysctls(t *testing.T, h *netlab.Host, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := sysctl(t, h, name); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
}

// RFC 9568 7.3.
func TestVirtualMACIsOfRFC9568(t *testing.T) {
	for _, c := range []struct {
		vrid uint8
		ipv6 bool
		want string
	}{
		{1, false, "00:00:5e:00:01:01"},
		{255, false, "00:00:5e:00:01:ff"},
		{51, true, "00:00:5e:00:02:33"},
	} {
		if got := VirtualMAC(c.vrid, c.ipv6).String(); got != c.want {
			t.Errorf("VRID %d, IPv6 %t: %s, want %s", c.vrid, c.ipv6, got, c.want)
		}
	}
}

func TestRaiseMakesTheInterfaceAndItsSysctls(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	for _, c := range []struct {
		m     MACVLAN
		alias string
		conf  map[string]string
	}{
		{ipv4MACVLAN(t, h), "pairkeeper eth0 ipv4 arp_ignore=0 arp_announce=0", map[string]string{
			"ipv4/conf/pk51/arp_ignore":   "1",
			"ipv4/conf/pk51/arp_announce": "2",
			"ipv4/conf/pk51/arp_filter":   "0",
			"ipv4/conf/pk51/rp_filter":    "2",
			"ipv6/conf/pk51/disable_ipv6": "1",
			"ipv4/conf/eth0/arp_ignore":   "1",
			"ipv4/conf/eth0/arp_announce": "2",
		}},
		{ipv6MACVLAN(t, h), "pairkeeper eth0 ipv6", map[string]string{
			"ipv6/conf/pk51-6/disable_ipv6": "0",
			"ipv6/conf/pk51-6/accept_ra":    "0",
		}},
	} {
		index := 0
		h.Do(func() {
			var err error
			index, err = a.Prepare(c.m)
			must(t, err)
		})
		if isUp(t, h, c.m.Name) {
			t.Errorf("%s: up after Prepare", c.m.Name)
		}
		if again := raise(t, h, a, c.m); again != index {
			t.Errorf("%s: interface %d, then %d", c.m.Name, index, again)
		}
		l, _ := ipLink(t, h, c.m.Name)
		if l.Ifindex != index || l.Link != "eth0" || l.Address != c.m.MAC.String() || l.Alias != c.alias ||
			l.GenMode != "none" || l.LinkInfo.Kind != "macvlan" || l.LinkInfo.Data.Mode != "bridge" {
			t.Errorf("%s: ip shows %+v", c.m.Name, l)
		}
		if !isUp(t, h, c.m.Name) {
			t.Errorf("%s: not up after Raise", c.m.Name)
		}
		wantSysctls(t, h, c.conf)
	}
}

func TestRaiseLowerDeleteMayBeRepeated(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	m := ipv4MACVLAN(t, h)
	timed := func(what string, f func() error) {
		t.Helper()
		start := time.Now()
		err := f()
		took := time.Since(start)
		must(t, err)
		t.Logf("%s took %s", what, took.Round(time.Microsecond))
	}
	raise := func() error { _, err := a.Raise(m); return err }
	h.Do(func() {
		timed("Lower of an absent one", func() error { return a.Lower(m) })
		timed("Delete of an absent one", func() error { return a.Delete(m) })
		timed("Prepare that makes it", func() error { _, err := a.Prepare(m); return err })
		for range 3 {
			timed("Raise", raise)
			timed("Raise of one that is up", raise)
			timed("Lower", func() error { return a.Lower(m) })
			timed("Lower of one that is down", func() error { return a.Lower(m) })
		}
	})
	if _, there := ipLink(t, h, m.Name); !there || isUp(t, h, m.Name) {
		t.Errorf("there: %t, up: %t, want it there and down", there, isUp(t, h, m.Name))
	}
	h.Do(func() {
		timed("Raise", raise)
		timed("Delete", func() error { return a.Delete(m) })
		must(t, a.Delete(m))
		timed("Raise that makes it", raise)
	})
	if !isUp(t, h, m.Name) {
		t.Error("not up")
	}
}

// What a daemon that was killed left is the next one's, addresses and all.
func TestNextDaemonAdoptsWhatTheLastOneLeft(t *testing.T) {
	_, h, _ := pair(t)
	first := openMACVLANs(t, h)
	m := ipv4MACVLAN(t, h)
	index := raise(t, h, first, m)
	addresses := openAddresses(t, h)
	must(t, addresses.Put([]Held{{Link: index, Prefix: netip.PrefixFrom(virtual, 24), NoPrefixRoute: true, Lifetime: time.Minute}}))
	must(t, first.Close())

	second := openMACVLANs(t, h)
	for _, base := range []Link{{}, m.Base} {
		ours, err := second.Ours(base)
		must(t, err)
		if len(ours) != 1 || ours[0].Name != "pk51" || ours[0].MAC.String() != macvlan4.String() || ours[0].IPv6 ||
			ours[0].Base.Name != "eth0" || ours[0].Base.Index != m.Base.Index || ours[0].Base.MAC.String() != m.Base.MAC.String() {
			t.Errorf("ours on %+v: %+v", base, ours)
		}
	}
	if ours, err := second.Ours(linkOf(t, h, "lo")); err != nil || len(ours) != 0 {
		t.Errorf("ours on lo: %+v, %v", ours, err)
	}
	if again := raise(t, h, second, m); again != index {
		t.Errorf("interface %d became %d", index, again)
	}
	if !has(t, addresses, index, virtual) {
		t.Error("the address is gone")
	}
	removeMACVLAN(t, h, second, m)
	wantSysctls(t, h, map[string]string{"ipv4/conf/eth0/arp_ignore": "0", "ipv4/conf/eth0/arp_announce": "0"})
	if ours, err := second.Ours(Link{}); err != nil || len(ours) != 0 {
		t.Errorf("left: %+v, %v", ours, err)
	}
}

func TestLastDeletePutsTheFormerSysctlsBack(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	h.Sysctl("net/ipv4/conf/eth0/arp_ignore", "0")
	h.Sysctl("net/ipv4/conf/eth0/arp_announce", "1")
	first, second, third := ipv4MACVLAN(t, h), ipv4MACVLAN(t, h), ipv6MACVLAN(t, h)
	second.Name, second.MAC = "pk52", VirtualMAC(52, false)
	raise(t, h, a, first)
	raise(t, h, a, second)
	raise(t, h, a, third)
	ours := map[string]string{"ipv4/conf/eth0/arp_ignore": "1", "ipv4/conf/eth0/arp_announce": "2"}
	wantSysctls(t, h, ours)
	removeMACVLAN(t, h, a, first)
	wantSysctls(t, h, ours)
	removeMACVLAN(t, h, a, second) // the third does without
	wantSysctls(t, h, map[string]string{"ipv4/conf/eth0/arp_ignore": "0", "ipv4/conf/eth0/arp_announce": "1"})
	removeMACVLAN(t, h, a, third)
	wantSysctls(t, h, map[string]string{"ipv4/conf/eth0/arp_ignore": "0", "ipv4/conf/eth0/arp_announce": "1"})

	// What an operator set meanwhile is his; what was enough already is left alone.
	for _, c := range []struct{ before, meanwhile, after string }{
		{"0", "2", "2"}, {"0", "0", "0"}, {"2", "2", "2"}, {"8", "8", "8"}, {"3", "1", "3"},
	} {
		h.Sysctl("net/ipv4/conf/eth0/arp_ignore", c.before)
		raise(t, h, a, first)
		h.Sysctl("net/ipv4/conf/eth0/arp_ignore", c.meanwhile)
		removeMACVLAN(t, h, a, first)
		if got := sysctl(t, h, "ipv4/conf/eth0/arp_ignore"); got != c.after {
			t.Errorf("arp_ignore %s, then %s, became %s, want %s", c.before, c.meanwhile, got, c.after)
		}
	}
}

// Programs that apply sysctl.d late, as udev does, must not win.
func TestRaiseRepairsWhatSomebodyChanged(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	m, m6 := ipv4MACVLAN(t, h), ipv6MACVLAN(t, h)
	index := raise(t, h, a, m)
	raise(t, h, a, m6)
	h.Sysctl("net/ipv4/conf/pk51/rp_filter", "1")
	h.Sysctl("net/ipv4/conf/eth0/arp_announce", "0")
	h.Sysctl("net/ipv6/conf/pk51-6/accept_ra", "1")
	if again := raise(t, h, a, m); again != index {
		t.Errorf("interface %d became %d", index, again)
	}
	raise(t, h, a, m6)
	wantSysctls(t, h, map[string]string{
		"ipv4/conf/pk51/rp_filter": "2", "ipv4/conf/eth0/arp_announce": "2", "ipv6/conf/pk51-6/accept_ra": "0",
	})
	removeMACVLAN(t, h, a, m)
	wantSysctls(t, h, map[string]string{"ipv4/conf/eth0/arp_ignore": "0", "ipv4/conf/eth0/arp_announce": "0"})
}

func TestOursThatIsWrongIsMadeAgain(t *testing.T) {
	_, h, _ := pair(t)
	h.Plug("eth1", "10.10.0.1/24")
	a := openMACVLANs(t, h)
	m := ipv4MACVLAN(t, h)
	for name, spoil := range map[string]func(){
		"MAC":    func() { h.Run("ip", "link", "set", m.Name, "address", "00:00:5e:00:01:07") },
		"mode":   func() { h.Run("ip", "link", "set", m.Name, "type", "macvlan", "mode", "private") },
		"family": func() { h.Run("ip", "link", "set", m.Name, "alias", "pairkeeper eth0 ipv6") },
		"base": func() {
			removeMACVLAN(t, h, a, m)
			other := m
			other.Base = linkOf(t, h, "eth1")
			raise(t, h, a, other)
			wantSysctls(t, h, map[string]string{"ipv4/conf/eth1/arp_announce": "2"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			raise(t, h, a, m)
			spoil()
			raise(t, h, a, m)
			l, _ := ipLink(t, h, m.Name)
			if l.Link != "eth0" || l.Address != macvlan4.String() || l.LinkInfo.Data.Mode != "bridge" || !isUp(t, h, m.Name) {
				t.Errorf("ip shows %+v", l)
			}
			wantSysctls(t, h, map[string]string{
				"ipv4/conf/eth0/arp_ignore": "1", "ipv4/conf/eth0/arp_announce": "2",
				"ipv4/conf/eth1/arp_ignore": "0", "ipv4/conf/eth1/arp_announce": "0",
			})
			removeMACVLAN(t, h, a, m)
		})
	}
}

func TestForeignInterfaceIsNotTouched(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	m := ipv4MACVLAN(t, h)
	for name, c := range map[string]struct {
		make [][]string
		says string
	}{
		"bridge": {[][]string{{"add", "pk51", "type", "bridge"}}, "a bridge"},
		"bridge with our alias": {[][]string{{"add", "pk51", "type", "bridge"},
			{"set", "pk51", "alias", "pairkeeper eth0 ipv4 arp_ignore=0 arp_announce=0"}}, "a bridge"},
		"macvlan without an alias": {[][]string{{"add", "pk51", "link", "eth0", "address", macvlan4.String(), "type", "macvlan", "mode", "bridge"}}, "a macvlan"},
		"macvlan with another alias": {[][]string{{"add", "pk51", "link", "eth0", "address", macvlan4.String(), "type", "macvlan", "mode", "bridge"},
			{"set", "pk51", "alias", "pairkeepers"}}, `alias "pairkeepers"`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, args := range c.make {
				h.Run("ip", append([]string{"link"}, args...)...)
			}
			before := h.Run("ip", "-d", "link", "show", "dev", "pk51")
			h.Do(func() {
				_, prepare := a.Prepare(m)
				_, raise := a.Raise(m)
				for _, err := range []error{prepare, raise, a.Lower(m), a.Delete(m)} {
					if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "ip link delete pk51") {
						t.Errorf("error %v", err)
					}
				}
				if ours, err := a.Ours(Link{}); err != nil || len(ours) != 0 {
					t.Errorf("ours: %+v, %v", ours, err)
				}
			})
			if after := h.Run("ip", "-d", "link", "show", "dev", "pk51"); after != before {
				t.Errorf("changed from\n%sto\n%s", before, after)
			}
			wantSysctls(t, h, map[string]string{"ipv4/conf/eth0/arp_ignore": "0"})
			h.Run("ip", "link", "delete", "pk51")
		})
	}
}

func TestBaseThatCannotCarryAVirtualMACIsRefusedWithTheCure(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	h.Run("ip", "link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")
	h.Plug("eth1", "10.10.0.1/24")
	h.Run("ip", "link", "add", "br7", "type", "bridge")
	h.Run("ip", "link", "set", "eth1", "master", "br7")
	for _, c := range []struct {
		base string
		says []string
		is   error
	}{
		{"lo", []string{"lo is not an Ethernet interface", "do without the virtual MAC"}, nil},
		{"mv0", []string{"mv0 is itself a macvlan", "name another interface"}, nil},
		{"eth1", []string{"eth1 is a port of", "put the router on that one"}, unix.EBUSY},
	} {
		m := ipv4MACVLAN(t, h)
		m.Base = linkOf(t, h, c.base)
		h.Do(func() {
			_, err := a.Raise(m)
			for _, s := range c.says {
				if err == nil || !strings.Contains(err.Error(), s) {
					t.Errorf("%s: error %v, want %q in it", c.base, err, s)
				}
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s: error %v is not %v", c.base, err, c.is)
			}
		})
		if _, there := ipLink(t, h, m.Name); there {
			t.Errorf("%s: made none the less", c.base)
		}
	}
}

func TestMACVLANErrorsNameTheInterface(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	good := ipv4MACVLAN(t, h)
	for want, spoil := range map[string]func(*MACVLAN){
		`virtual MAC interface "a-name-too-long-": its name`: func(m *MACVLAN) { m.Name = "a-name-too-long-" },
		"is not the MAC address of an interface":             func(m *MACVLAN) { m.MAC = net.HardwareAddr{1, 0, 0x5e, 0, 0, 18} },
		"pk51: interface number 0":                           func(m *MACVLAN) { m.Base = Link{Name: "eth0"} },
		"interface eth9 (number 99) is not there":            func(m *MACVLAN) { m.Base = Link{Name: "eth9", Index: 99} },
	} {
		bad := good
		spoil(&bad)
		h.Do(func() {
			if _, err := a.Raise(bad); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
		})
	}
	var missing *MissingCapability
	h.Do(func() {
		without(t, unix.CAP_NET_ADMIN, func() { _, err := a.Raise(good); errors.As(err, &missing) })
	})
	if missing == nil || missing.Name != "CAP_NET_ADMIN" {
		t.Errorf("missing: %v", missing)
	}
	if _, there := ipLink(t, h, good.Name); there {
		t.Error("made none the less")
	}
}

// keepalived leaves its own when it is killed.
func TestSecondMACVLANWithTheSameMACIsRefused(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	m := ipv4MACVLAN(t, h)
	h.Run("ip", "link", "add", "vrrp.51", "link", "eth0", "address", macvlan4.String(), "type", "macvlan", "mode", "private")
	h.Run("ip", "link", "set", "vrrp.51", "up")
	h.Do(func() {
		if _, err := a.Raise(m); err == nil || !strings.Contains(err.Error(), "another macvlan with its MAC address is up") {
			t.Errorf("error %v", err)
		}
	})
	h.Run("ip", "link", "delete", "vrrp.51")
	raise(t, h, a, m)
}

func TestSysctlsOfAllInterfacesThatWouldSpoilItAreRefused(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	m := ipv4MACVLAN(t, h)
	for _, c := range []struct{ name, value, says string }{
		{"arp_ignore", "3", "net.ipv4.conf.all.arp_ignore is 3"},
		{"arp_ignore", "8", "set it to 1"},
		{"arp_filter", "1", "net.ipv4.conf.all.arp_filter is 1"},
	} {
		h.Sysctl("net/ipv4/conf/all/"+c.name, c.value)
		h.Do(func() {
			if _, err := a.Raise(m); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v", err)
			}
		})
		if isUp(t, h, m.Name) {
			t.Errorf("%s=%s: up", c.name, c.value)
		}
		h.Sysctl("net/ipv4/conf/all/"+c.name, "0")
	}
	raise(t, h, a, m)
}

func TestRecordIsReadAsWritten(t *testing.T) {
	for _, want := range []record{
		{base: "eth0", known: true, former: baseConf{ignore: 2, announce: 1}},
		{base: "bond0.17", known: true},
		{base: "eth0", ipv6: true},
	} {
		if got, ours := readRecord(want.String()); !ours || got != want {
			t.Errorf("%q: %+v, ours %t, want %+v", want, got, ours, want)
		}
	}
	for alias, want := range map[string]bool{
		"": false, "pairkeepers eth0": false, "my pairkeeper": false,
		"pairkeeper": true, "pairkeeper eth0": true, "pairkeeper eth0 ipv4 arp_ignore=x": true,
	} {
		if r, ours := readRecord(alias); ours != want || r.known {
			t.Errorf("%q: ours %t, want %t; %+v", alias, ours, want, r)
		}
	}
}

func TestWirelessInterfaceIsTold(t *testing.T) {
	sys := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(sys, "wlan0", "phy80211"), 0o755))
	must(t, os.MkdirAll(filepath.Join(sys, "eth0"), 0o755))
	if !wireless(sys, "wlan0") || wireless(sys, "eth0") || wireless(sys, "none") {
		t.Errorf("wlan0 %t, eth0 %t, none %t", wireless(sys, "wlan0"), wireless(sys, "eth0"), wireless(sys, "none"))
	}
}

// The daemon may be an unprivileged user with CAP_NET_ADMIN.
func TestCapNetAdminIsEnoughForSysctls(t *testing.T) {
	netlab.Need(t, "setpriv", "sh")
	_, h, _ := pair(t)
	as := func(caps string) error {
		_, err := h.Try("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps="+caps, "--ambient-caps="+caps,
			"sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra")
		return err
	}
	if err := as("-all,+net_admin"); err != nil {
		t.Error("refused with CAP_NET_ADMIN alone")
	}
	if err := as("-all"); err == nil {
		t.Error("allowed without")
	}
}

// withReadOnlySysctls runs f in h where /proc/sys cannot be written, as in a container
// or a unit with ProtectKernelTunables=. f runs on a goroutine of its own, whose thread
// ends with it.
func withReadOnlySysctls(t *testing.T, h *netlab.Host, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := errors.Join(
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("/proc/sys", "/proc/sys", "", unix.MS_BIND, ""),
			unix.Mount("", "/proc/sys", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""),
		)
		if err == nil {
			h.Do(f)
		}
		done <- err
	}()
	must(t, <-done)
}

func TestReadOnlySysctlsAreEnoughForIPv4AndToldForIPv6(t *testing.T) {
	_, h, _ := pair(t)
	a := openMACVLANs(t, h)
	m, m6 := ipv4MACVLAN(t, h), ipv6MACVLAN(t, h)
	h.Sysctl("net/ipv6/conf/default/accept_ra", "1")
	withReadOnlySysctls(t, h, func() {
		if _, err := a.Raise(m); err != nil {
			t.Errorf("IPv4: %v", err)
		}
		if _, err := a.Raise(m6); !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "ReadWritePaths=/proc/sys/net") {
			t.Errorf("IPv6: error %v", err)
		}
	})
	wantSysctls(t, h, map[string]string{"ipv4/conf/pk51/rp_filter": "2", "ipv4/conf/eth0/arp_announce": "2", "ipv6/conf/pk51/disable_ipv6": "0"})
	if !isUp(t, h, m.Name) || isUp(t, h, m6.Name) {
		t.Errorf("up: IPv4 %t, IPv6 %t", isUp(t, h, m.Name), isUp(t, h, m6.Name))
	}
	removeMACVLAN(t, h, a, m6)
	h.Sysctl("net/ipv6/conf/default/accept_ra", "0")
	withReadOnlySysctls(t, h, func() {
		if _, err := a.Raise(m6); err != nil {
			t.Errorf("IPv6 with a good default: %v", err)
		}
	})
}
