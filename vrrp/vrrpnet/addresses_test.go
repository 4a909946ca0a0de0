package vrrpnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// shown is an address as ip(8) shows it.
type shown struct {
	Local         string `json:"local"`
	Prefixlen     int    `json:"prefixlen"`
	Label         string `json:"label"`
	Dynamic       bool   `json:"dynamic"`
	NoPrefixRoute bool   `json:"noprefixroute"`
	Tentative     bool   `json:"tentative"`
	Valid         uint32 `json:"valid_life_time"`
	Preferred     uint32 `json:"preferred_life_time"`
}

// show is what ip(8) says of addr on eth0, in every form it is there.
func show(t *testing.T, h *netlab.Host, addr netip.Addr) (found []shown) {
	t.Helper()
	var links []struct {
		AddrInfo []shown `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(h.Run("ip", "-j", "addr", "show", "dev", "eth0")), &links); err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		for _, a := range l.AddrInfo {
			if a.Local == addr.String() {
				found = append(found, a)
			}
		}
	}
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// has is whether the interface has addr in whatever form.
func has(t *testing.T, a *Addresses, index int, addr netip.Addr) bool {
	t.Helper()
	found, err := a.List(index)
	must(t, err)
	return slices.ContainsFunc(found, func(f Found) bool { return f.Prefix.Addr() == addr })
}

func TestAddressIsPutAsAsked(t *testing.T) {
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	wide := netip.MustParsePrefix("10.10.0.3/24")
	for _, c := range []struct {
		name  string
		held  Held
		want  shown
		route bool // to the network
	}{
		{"plain", Held{Prefix: netip.MustParsePrefix("10.9.0.3/32")},
			shown{Local: "10.9.0.3", Prefixlen: 32, Label: "eth0"}, false},
		{"with a label and a network", Held{Prefix: wide, Label: "eth0:vip"},
			shown{Local: "10.10.0.3", Prefixlen: 24, Label: "eth0:vip"}, true},
		{"with a network but no route", Held{Prefix: wide, NoPrefixRoute: true},
			shown{Local: "10.10.0.3", Prefixlen: 24, Label: "eth0", NoPrefixRoute: true}, false},
		{"IPv6", Held{Prefix: netip.MustParsePrefix("fd00::3/64"), NoPrefixRoute: true},
			shown{Local: "fd00::3", Prefixlen: 64, NoPrefixRoute: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.held.Link, c.held.Lifetime = eth0, 59500*time.Millisecond
			must(t, a.Put([]Held{c.held}))
			got := show(t, h, c.held.Prefix.Addr())
			if len(got) != 1 {
				t.Fatalf("ip shows %v", got)
			}
			if got[0].Valid == 0 || got[0].Valid > 60 || got[0].Preferred != got[0].Valid {
				t.Errorf("lifetimes %d and %d", got[0].Valid, got[0].Preferred)
			}
			c.want.Dynamic, c.want.Valid, c.want.Preferred = true, got[0].Valid, got[0].Preferred
			if got[0] != c.want {
				t.Errorf("ip shows %+v, want %+v", got[0], c.want)
			}
			family := "-4"
			if !c.held.Prefix.Addr().Is4() {
				family = "-6"
			}
			network := c.held.Prefix.Masked().String()
			route := strings.Contains(h.Run("ip", family, "route", "show", "table", "main"), network)
			if route != c.route {
				t.Errorf("a route to %s: %t, want %t", network, route, c.route)
			}
			found, err := a.List(eth0)
			must(t, err)
			want := Found{Prefix: c.held.Prefix, Label: c.held.Label, NoPrefixRoute: c.held.NoPrefixRoute}
			if !slices.ContainsFunc(found, want.same) {
				t.Errorf("listed %+v, want %+v among them", found, want)
			}
			must(t, a.Remove([]Held{c.held}))
			if left := show(t, h, c.held.Prefix.Addr()); len(left) != 0 {
				t.Errorf("removed, but ip shows %+v", left)
			}
		})
	}
}

// The kernel's bound is the lifetime and 1.25 s.
func TestAddressExpiresWhenNobodyRefreshesIt(t *testing.T) {
	t.Parallel()
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	put := time.Now()
	must(t, a.Put([]Held{{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: time.Second}}))
	for has(t, a, eth0, virtual) {
		if time.Since(put) > soon {
			t.Fatalf("still there after %s", time.Since(put))
		}
		time.Sleep(10 * time.Millisecond)
	}
	gone := time.Since(put)
	t.Logf("a lifetime of 1 s lasted %s", gone)
	if gone < 900*time.Millisecond || gone > 5*time.Second {
		t.Errorf("a lifetime of 1 s lasted %s, want 1 s to 2.25 s", gone)
	}
}

func TestAddressStaysWhileItIsRefreshed(t *testing.T) {
	t.Parallel()
	_, h, _ := pair(t)
	h.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1") // it adds an address when it likes
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	held := []Held{{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: 2 * time.Second}}
	must(t, a.Put(held))
	gone := make(chan Interface, 100)
	h.Do(func() {
		must(t, Watch(t.Context(), []string{"eth0"}, func(i Interface) { gone <- i }))
	})
	if i := <-gone; !i.has(virtual) {
		t.Fatalf("at first: %+v", i)
	}
	late := time.Duration(0)
	for start, last := time.Now(), time.Now(); time.Since(start) < 5*time.Second; last = time.Now() {
		time.Sleep(200 * time.Millisecond)
		must(t, a.Refresh(held))
		late = max(late, time.Since(last))
	}
	select {
	case i := <-gone:
		if late < 1500*time.Millisecond {
			t.Errorf("refreshed every %s at worst, but it changed: %+v", late, i)
		}
	default:
	}
}

func (i *Interface) has(addr netip.Addr) bool {
	return slices.ContainsFunc(i.Addresses, func(f Found) bool { return f.Prefix.Addr() == addr })
}

// keepalived puts permanent addresses, as /32 unless told otherwise.
func TestPutTakesOverWhatSomebodyLeft(t *testing.T) {
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	for _, left := range [][]string{
		{"10.9.0.3/24"},
		{"10.9.0.3/32"},
		{"10.9.0.3/24", "label", "eth0:old"},
		{"10.9.0.3/24", "noprefixroute"},
	} {
		h.Run("ip", append([]string{"addr", "add", "dev", "eth0"}, left...)...)
		must(t, a.Put([]Held{{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: time.Minute}}))
		got := show(t, h, virtual)
		if len(got) != 1 || !got[0].Dynamic || got[0].Prefixlen != 24 || got[0].Label != "eth0" || got[0].NoPrefixRoute {
			t.Errorf("%v became %+v", left, got)
		}
		must(t, a.Remove([]Held{{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24)}}))
	}
}

func TestRemoveLeavesNoFormOfTheAddress(t *testing.T) {
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	held := []Held{{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24), Label: "eth0:vip"}}
	must(t, a.Remove(held)) // absent is fine
	h.Run("ip", "addr", "add", "10.9.0.3/24", "dev", "eth0")
	h.Run("ip", "addr", "add", "10.9.0.3/32", "dev", "eth0")
	must(t, a.Remove(held))
	if left := show(t, h, virtual); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	if !has(t, a, eth0, addrA) {
		t.Error("the host's own address went, too")
	}
	must(t, a.Remove([]Held{{Link: 99, Prefix: netip.PrefixFrom(virtual, 24)}})) // so is an absent interface
}

func TestTwentyAddressesComeAndGoTogether(t *testing.T) {
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	var held []Held
	for i := range 20 {
		held = append(held, Held{Link: eth0, Prefix: netip.MustParsePrefix(fmt.Sprintf("10.9.1.%d/24", i+1)), Lifetime: time.Minute})
	}
	count := func() int {
		found, err := a.List(eth0)
		must(t, err)
		return len(slices.DeleteFunc(found, func(f Found) bool { return !held[0].Prefix.Contains(f.Prefix.Addr()) }))
	}
	must(t, a.Put(held))
	if n := count(); n != 20 {
		t.Errorf("%d of 20 are there", n)
	}
	start := time.Now()
	must(t, a.Refresh(held))
	t.Logf("refreshing 20 addresses took %s", time.Since(start))
	must(t, a.Remove(held)) // the first takes the others along (promote_secondaries)
	if n := count(); n != 0 {
		t.Errorf("%d of 20 are left", n)
	}
}

func TestAddressErrorsNameAddressAndInterfaceAndSpareTheOthers(t *testing.T) {
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	good := Held{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: time.Minute}
	err := a.Put([]Held{{Link: 99, Prefix: netip.PrefixFrom(free, 24), Lifetime: time.Minute}, good})
	if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "10.9.0.4/24 on interface number 99: it is not there") {
		t.Errorf("error %v", err)
	}
	if !has(t, a, eth0, virtual) {
		t.Error("the good one was not put")
	}
	var missing *MissingCapability
	h.Do(func() {
		without(t, unix.CAP_NET_ADMIN, func() { err = a.Put([]Held{good}) })
	})
	if !errors.As(err, &missing) || missing.Name != "CAP_NET_ADMIN" || !strings.Contains(err.Error(), "10.9.0.3/24 on eth0: ") {
		t.Errorf("error %v", err)
	}
	if strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("error of several lines: %q", err)
	}
}

func TestPutRefusesWhatTheKernelWouldMisunderstand(t *testing.T) {
	_, h, _ := pair(t)
	eth0 := linkOf(t, h, "eth0").Index
	a := openAddresses(t, h)
	good := Held{Link: eth0, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: time.Minute}
	for name, spoil := range map[string]func(*Held){
		"permanent": func(h *Held) { h.Lifetime = 0 },
		"label":     func(h *Held) { h.Label = "eth0:much-too-long" },
		"neither":   func(h *Held) { h.Link = 0 },
		"only IPv4": func(h *Held) { h.Prefix, h.Label = netip.MustParsePrefix("fd00::3/64"), "eth0:vip" },
	} {
		bad := good
		spoil(&bad)
		for _, err := range []error{a.Put([]Held{bad}), a.Refresh([]Held{bad})} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	}
	if has(t, a, eth0, virtual) {
		t.Error("put none the less")
	}
}

// Only the last request of a message is acknowledged.
func TestARefusedAddressAmongManyIsTheOneThatIsNamed(t *testing.T) {
	_, h, _ := pair(t)
	a := openAddresses(t, h)
	eth0 := linkOf(t, h, "eth0").Index
	for _, refused := range []int{0, 7, batchSize - 1, batchSize, 299} {
		var held []Held
		for i := range 300 {
			held = append(held, Held{Link: eth0, Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 9, byte(1 + i/200), byte(1 + i%200)}), 16), Lifetime: time.Minute})
		}
		held[refused].Link += 1000
		for name, do := range map[string]func([]Held) error{"put": a.Put, "refresh": a.Refresh} {
			err := do(held)
			if err == nil || !strings.HasPrefix(err.Error(), "putting "+held[refused].Prefix.String()+" ") || strings.Count(err.Error(), "putting") != 1 {
				t.Errorf("%s, the %dth is refused: %v", name, refused, err)
			}
		}
		held[refused].Link = eth0
		must(t, a.Refresh(held))
		list, err := a.List(eth0)
		must(t, err)
		count := 0
		for _, f := range list {
			if !f.Permanent {
				count++
			}
		}
		if count != len(held) {
			t.Errorf("%d addresses are there, want %d", count, len(held))
		}
		must(t, a.Remove(held))
	}
}
