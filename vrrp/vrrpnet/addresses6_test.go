package vrrpnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// held6 is addresses on eth0.
func held6(t *testing.T, h *netlab.Host, lifetime time.Duration, prefixes ...string) (held []Held) {
	t.Helper()
	index := linkOf(t, h, "eth0").Index
	for _, p := range prefixes {
		held = append(held, Held{Link: index, Prefix: netip.MustParsePrefix(p), Lifetime: lifetime})
	}
	return held
}

// bindable tells whether the kernel lets an address be used now; a tentative one it
// does not.
func bindable(t *testing.T, h *netlab.Host, addr netip.Addr) (err error) {
	t.Helper()
	h.Do(func() {
		var c net.PacketConn
		if c, err = net.ListenPacket("udp6", netip.AddrPortFrom(addr.WithZone("eth0"), 0).String()); err == nil {
			c.Close()
		}
	})
	return err
}

func TestIPv6AddressIsUsableAtOnceWithoutDAD(t *testing.T) {
	need6(t)
	lab, h, _ := pair(t) // with duplicate address detection
	a := openAddresses(t, h)
	usable(t, h, localA)
	wire := lab.Capture()
	held := held6(t, h, time.Minute, "fe80::100/64", "fd09::3/64", "fd77::3/128")
	for range 2 { // the second time by Refresh
		for _, one := range held {
			addr := one.Prefix.Addr()
			must(t, a.Refresh([]Held{one}))
			if err := bindable(t, h, addr); err != nil {
				t.Errorf("%s: %v", addr, err)
			}
			must(t, a.Remove([]Held{one}))
		}
		for _, one := range held {
			must(t, a.Put([]Held{one}))
			if err := bindable(t, h, one.Prefix.Addr()); err != nil {
				t.Errorf("%s: %v", one.Prefix, err)
			}
			if got := show(t, h, one.Prefix.Addr()); len(got) != 1 || got[0].Tentative || !got[0].Dynamic || got[0].Prefixlen != one.Prefix.Bits() {
				t.Errorf("%s: ip shows %+v", one.Prefix, got)
			}
			must(t, a.Remove([]Held{one}))
			if left := show(t, h, one.Prefix.Addr()); len(left) != 0 {
				t.Errorf("removed, but ip shows %+v", left)
			}
		}
	}
	for _, f := range wire.Frames(isND) {
		if f.Data[offICMP] == neighbourSolicitation && addr6(f.Data[offSource6:]).IsUnspecified() {
			t.Errorf("the kernel asks whether %s is free", addr6(f.Data[offNDTarget:]))
		}
	}
}

// RFC 9568 6.4.1: the solicited-node group.
func TestT34KernelJoinsTheSolicitedNodeGroup(t *testing.T) {
	_, h, _ := pair6(t)
	a := openAddresses(t, h)
	joined := func() bool {
		return strings.Contains(h.Run("cat", "/proc/net/igmp6"), "ff0200000000000000000001ff000100")
	}
	if joined() {
		t.Fatal("joined before")
	}
	held := held6(t, h, time.Minute, "fe80::100/64")
	must(t, a.Put(held))
	until(t, "the kernel joins", joined)
	must(t, a.Remove(held))
	until(t, "the kernel leaves", func() bool { return !joined() })
}

func TestIPv6AddressExpiresWhenNobodyRefreshesIt(t *testing.T) {
	t.Parallel()
	_, h, _ := pair6(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	held := held6(t, h, 2*time.Second, "fe80::100/64", "fd09::3/64")
	must(t, a.Put(held))
	var last time.Time
	for start := time.Now(); time.Since(start) < 4*time.Second; time.Sleep(200 * time.Millisecond) {
		if before := last; !before.IsZero() && time.Since(before) < 1500*time.Millisecond && !has(t, a, eth0, virtual6) {
			t.Fatal("gone in spite of the refresh")
		}
		last = time.Now()
		must(t, a.Refresh(held))
	}
	end := time.Now()
	for has(t, a, eth0, virtual6) || has(t, a, eth0, held[1].Prefix.Addr()) {
		if time.Since(end) > soon {
			t.Fatalf("still there after %s", time.Since(end))
		}
		time.Sleep(10 * time.Millisecond)
	}
	gone := time.Since(end)
	t.Logf("a lifetime of 2 s lasted %s", gone)
	if gone < time.Second || gone > 6*time.Second {
		t.Errorf("a lifetime of 2 s lasted %s, want 2 s to 3.25 s", gone)
	}
}

func TestIPv6AddressThatIsGoneComesBackByRefresh(t *testing.T) {
	_, h, _ := pair6(t)
	a := openAddresses(t, h)
	held := held6(t, h, time.Minute, "fe80::100/64", "fd09::3/64", "fd77::3/64")
	must(t, a.Put(held))
	before := h.Run("ip", "-6", "route", "show", "table", "main")
	for _, one := range held {
		h.Run("ip", "addr", "del", one.Prefix.String(), "dev", "eth0")
	}
	must(t, a.Refresh(held))
	for _, one := range held {
		if err := bindable(t, h, one.Prefix.Addr()); err != nil {
			t.Errorf("%s: %v", one.Prefix, err)
		}
	}
	if after := h.Run("ip", "-6", "route", "show", "table", "main"); withoutExpiry(after) != withoutExpiry(before) {
		t.Errorf("routes\n%sbecame\n%s", before, after)
	}
}

func withoutExpiry(routes string) string {
	fields := strings.Fields(routes)
	for i, f := range fields {
		if f == "expires" {
			fields[i+1] = ""
		}
	}
	return strings.Join(fields, " ")
}

func TestPutTakesOverWhatSomebodyLeftOfIPv6(t *testing.T) {
	_, h, _ := pair6(t)
	a := openAddresses(t, h)
	for _, left := range [][]string{
		{"fe80::100/64"},
		{"fe80::100/128"},
		{"fe80::100/64", "noprefixroute"},
		{"fe80::100/64", "valid_lft", "5", "preferred_lft", "0"},
	} {
		for _, dad := range []string{"0", "1"} { // tentative, if 1
			h.Sysctl("net/ipv6/conf/eth0/accept_dad", dad)
			h.Sysctl("net/ipv6/conf/eth0/dad_transmits", "100")
			h.Run("ip", append([]string{"addr", "add", "dev", "eth0"}, left...)...)
			held := held6(t, h, time.Minute, "fe80::100/64")
			must(t, a.Put(held))
			got := show(t, h, virtual6)
			if len(got) != 1 || !got[0].Dynamic || got[0].Prefixlen != 64 || got[0].Tentative || got[0].Preferred == 0 {
				t.Errorf("%v became %+v", left, got)
			}
			if err := bindable(t, h, virtual6); err != nil {
				t.Errorf("%v: %v", left, err)
			}
			must(t, a.Remove(held))
		}
	}
}

// The kernel gives a route to a network the lifetime of the address that came last, if
// it had one at all; the host's own would end with ours.
func TestHostKeepsItsRouteWhenAnIPv6AddressExpires(t *testing.T) {
	_, h, _ := pair6(t)
	a := openAddresses(t, h)
	h.Run("ip", "addr", "add", "fd88::1/64", "dev", "eth0", "valid_lft", "9000", "preferred_lft", "9000") // as autoconfiguration does
	held := held6(t, h, time.Minute, "fd88::3/64", "fd88::4/64", "fd09::3/64", "fe80::100/64")
	check := func(when string) {
		t.Helper()
		for _, line := range strings.Split(h.Run("ip", "-6", "route", "show", "dev", "eth0"), "\n") {
			fields := strings.Fields(line)
			at := slices.Index(fields, "expires")
			if at < 0 || strings.HasPrefix(line, "fd99::") {
				continue
			}
			if !strings.HasPrefix(line, "fd88::/64") || len(fields[at+1]) < len("8000sec") {
				t.Errorf("%s: %s", when, line)
			}
		}
	}
	check("before")
	must(t, a.Put(held))
	check("put")
	must(t, a.Refresh(held))
	check("refreshed")
	must(t, a.Put(held))
	check("put again")
	must(t, a.Remove(held))
	check("removed")
	alone := held6(t, h, time.Minute, "fd99::3/64")
	must(t, a.Put(alone))
	must(t, a.Refresh(alone))
	if !strings.Contains(h.Run("ip", "-6", "route", "show", "dev", "eth0"), "fd99::/64") {
		t.Error("no route to a network where the host has no other address")
	}
}

func TestTwoHundredAndFiftyIPv6AddressesComeAndGoTogether(t *testing.T) {
	_, h, _ := pair6(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	for _, format := range []string{"10.9.1.%d/24", "fd09::1:%x/64"} {
		var held []Held
		for i := range 250 {
			held = append(held, held6(t, h, time.Minute, fmt.Sprintf(format, i+1))...)
		}
		count := func() (n int) {
			found, err := a.List(eth0)
			must(t, err)
			for _, f := range found {
				if slices.ContainsFunc(held, func(h Held) bool { return h.Prefix == f.Prefix }) {
					n++
				}
			}
			return n
		}
		took := func(what string, f func([]Held) error) {
			start := time.Now()
			must(t, f(held))
			t.Logf("%s of 250 like %s took %s", what, held[0].Prefix, time.Since(start))
		}
		start := time.Now()
		took("Put", a.Put)
		if strings.Contains(format, ":") {
			until(t, "all take packets", func() bool {
				return strings.Count(h.Run("ip", "-6", "route", "show", "table", "local", "dev", "eth0"), "local fd09::1:") == 250
			})
			t.Logf("and until all of them take packets %s", time.Since(start))
		}
		if n := count(); n != 250 {
			t.Errorf("%d of 250 are there", n)
		}
		took("Refresh", a.Refresh)
		took("Put again", a.Put)
		took("Remove", a.Remove)
		if n := count(); n != 0 {
			t.Errorf("%d of 250 are left", n)
		}
	}
}

func TestWatchTellsWhenATentativeAddressBecomesUsable(t *testing.T) {
	need6(t)
	lab := netlab.New(t)
	h := lab.Host("a", "10.9.0.1/24") // with duplicate address detection
	usable(t, h, localA)
	c := watchHost(t, h, "eth0")
	state := func(tentative bool) func(Interface) bool {
		return func(i Interface) bool {
			return slices.ContainsFunc(i.Addresses, func(f Found) bool { return f.Prefix.Addr() == virtual6 && f.Tentative == tentative })
		}
	}
	h.Run("ip", "addr", "add", "fe80::100/64", "dev", "eth0")
	c.until(t, "a tentative address", state(true))
	if err := bindable(t, h, virtual6); err == nil {
		t.Error("a tentative address was usable")
	}
	c.until(t, "the address is usable", state(false))
	if err := bindable(t, h, virtual6); err != nil {
		t.Error(err)
	}
}

func TestAddressThatSomebodyElseHasStaysTentative(t *testing.T) {
	need6(t)
	_, a, b := pair(t)
	putOn(t, b, virtual6)
	usable(t, a, localA)
	c := watchHost(t, a, "eth0")
	a.Run("ip", "addr", "add", "fe80::100/64", "dev", "eth0")
	until(t, "the kernel finds the other", func() bool { return strings.Contains(a.Run("ip", "addr", "show", "dev", "eth0"), "dadfailed") })
	found, err := openAddresses(t, a).List(linkOf(t, a, "eth0").Index)
	must(t, err)
	if !slices.ContainsFunc(found, func(f Found) bool { return f.Prefix.Addr() == virtual6 && f.Tentative }) {
		t.Errorf("listed: %+v", found)
	}
	c.until(t, "a tentative address", func(i Interface) bool {
		return slices.ContainsFunc(i.Addresses, func(f Found) bool { return f.Prefix.Addr() == virtual6 && f.Tentative })
	})
}

func TestOptimisticAddressIsNotTentative(t *testing.T) {
	for _, c := range []struct {
		flags uint32
		want  bool
	}{
		{0, false},
		{unix.IFA_F_PERMANENT, false},
		{unix.IFA_F_NODAD, false},
		{unix.IFA_F_TENTATIVE, true},
		{unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC, false},
		{unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED, true},
		{unix.IFA_F_DADFAILED, true},
	} {
		if got := tentative(c.flags); got != c.want {
			t.Errorf("flags %#x: %t", c.flags, got)
		}
	}
}

// T37: a Backup, whatever sockets it has open, is silent about the address.
func TestT37WithoutTheAddressNobodyAnswersForItOrTakesItsPackets(t *testing.T) {
	_, a, b := pair6(t)
	openOver(t, a, Over4, 7)
	openOver(t, a, Over6, 7)
	openARP(t, a, virtual)
	openNDP(t, a, virtual6)
	addresses := openAddresses(t, a)
	held := append(held6(t, a, time.Minute, "fe80::100/64"), Held{Link: linkOf(t, a, "eth0").Index, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: time.Minute})
	arp, ndp := openARP(t, b, virtual, addrA), openNDP(t, b, virtual6, localA)
	for _, addr := range []string{virtual.String(), virtual6.String()} { // as if b had not noticed yet
		b.Run("ip", "neigh", "replace", addr, "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", "eth0")
	}
	answers := func(n Neighbours, vip, fence netip.Addr) bool {
		t.Helper()
		drained(t, n) // of what the datagrams below made the kernels ask each other
		must(t, n.Probe(vip))
		must(t, n.Probe(fence)) // answered after it, for certain
		h := hearNext(t, n)
		if h.Address == fence {
			return false
		}
		if f := hearNext(t, n); f.Address != fence {
			t.Errorf("heard %v, then %v", h, f)
		}
		return h.Address == vip
	}
	for _, active := range []bool{false, true, false} {
		if active {
			must(t, addresses.Put(held))
			until(t, "the kernel takes packets", func() bool { return takes(t, a, b, virtual6, localA) })
		} else {
			must(t, addresses.Remove(held))
		}
		if got := answers(arp, virtual, addrA); got != active {
			t.Errorf("with the address: %t, but answers ARP for it: %t", active, got)
		}
		if got := answers(ndp, virtual6, localA); got != active {
			t.Errorf("with the address: %t, but answers NDP for it: %t", active, got)
		}
		for vip, own := range map[netip.Addr]netip.Addr{virtual: addrA, virtual6: localA} {
			if got := takes(t, a, b, vip, own); got != active {
				t.Errorf("with the address: %t, but takes packets to %s: %t", active, vip, got)
			}
		}
	}
}

func drained(t *testing.T, n Neighbours) {
	t.Helper()
	for {
		_, ok, err := n.Receive()
		must(t, err)
		if !ok {
			return
		}
	}
}

// takes tells whether a host takes a datagram to vip, by another to own that follows.
func takes(t *testing.T, to, from *netlab.Host, vip, own netip.Addr) bool {
	t.Helper()
	var in, out net.PacketConn
	open := func(h *netlab.Host, c *net.PacketConn, at string) {
		h.Do(func() {
			var err error
			if *c, err = net.ListenPacket("udp", at); err != nil {
				t.Fatal(err)
			}
		})
		t.Cleanup(func() { (*c).Close() })
	}
	open(to, &in, ":9")
	open(from, &out, ":0")
	defer in.Close()
	defer out.Close()
	index := linkOf(t, from, "eth0").Index
	from.Do(func() {
		for _, dst := range []netip.Addr{vip, own} {
			addr := &net.UDPAddr{IP: dst.AsSlice(), Port: 9}
			if dst.Is6() {
				addr.Zone = fmt.Sprint(index)
			}
			if _, err := out.WriteTo([]byte(dst.String()), addr); err != nil {
				t.Fatal(err)
			}
		}
	})
	took, b := false, make([]byte, 64)
	must(t, in.SetReadDeadline(time.Now().Add(soon)))
	for {
		n, _, err := in.ReadFrom(b)
		must(t, err)
		if string(b[:n]) == own.String() {
			return took
		}
		took = took || string(b[:n]) == vip.String()
	}
}
