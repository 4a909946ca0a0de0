package vrrpnet

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// told is what a watch said, in order.
type told chan Interface

func watchHost(t *testing.T, h *netlab.Host, names ...string) told {
	t.Helper()
	c := make(told, 1000)
	h.Do(func() { must(t, Watch(t.Context(), names, func(i Interface) { c <- i })) })
	return c
}

// next is what was told next.
func (c told) next(t *testing.T) Interface {
	t.Helper()
	select {
	case i := <-c:
		if i.Err != nil {
			t.Fatal(i.Err)
		}
		return i
	case <-time.After(soon):
		t.Fatal("nothing told")
		return Interface{}
	}
}

// until passes over what was told before f holds: one command is several changes.
func (c told) until(t *testing.T, what string, f func(Interface) bool) Interface {
	t.Helper()
	for {
		select {
		case i := <-c:
			if f(i) {
				return i
			}
		case <-time.After(soon):
			t.Fatalf("never told: %s", what)
		}
	}
}

func TestWatchTellsEveryInterfaceAtOnce(t *testing.T) {
	_, h, _ := pair(t)
	c := watchHost(t, h, "eth9", "eth0")
	if i := c.next(t); i.Name != "eth9" || i.Exists || i.Up || i.Carrier || i.Addresses != nil {
		t.Errorf("of a missing one: %+v", i)
	}
	i := c.next(t)
	if i.Name != "eth0" || !i.Exists || !i.Up || !i.Carrier || i.Index != linkOf(t, h, "eth0").Index || i.MAC.String() != "02:00:00:00:00:01" {
		t.Errorf("of eth0: %+v", i)
	}
	if len(i.Addresses) == 0 || !i.Addresses[0].same(Found{Prefix: netip.PrefixFrom(addrA, 24), Permanent: true}) {
		t.Errorf("addresses of eth0: %+v", i.Addresses)
	}
}

func TestWatchTellsCarrierAndAdministrator(t *testing.T) {
	lab := netlab.New(t)
	h := lab.Host("a")
	cable := h.Plug("eth0", "10.9.0.1/24")
	c := watchHost(t, h, "eth0")
	c.until(t, "carrier", func(i Interface) bool { return i.Up && i.Carrier })
	cable.Cut()
	c.until(t, "no carrier", func(i Interface) bool { return i.Up && !i.Carrier })
	cable.Join()
	c.until(t, "carrier again", func(i Interface) bool { return i.Up && i.Carrier })
	h.Run("ip", "link", "set", "eth0", "down")
	c.until(t, "down", func(i Interface) bool { return !i.Up && !i.Carrier })
}

func TestWatchTellsWhenAnInterfaceComesBackAsAnother(t *testing.T) {
	_, h, _ := pair(t)
	c := watchHost(t, h, "v0")
	if i := c.next(t); i.Exists {
		t.Fatalf("at first: %+v", i)
	}
	add := func() {
		h.Run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		h.Run("ip", "addr", "add", "10.10.0.1/24", "dev", "v0")
	}
	ready := func(i Interface) bool { return i.Exists && i.has(netip.MustParseAddr("10.10.0.1")) }
	add()
	first := c.until(t, "v0", ready)
	h.Run("ip", "link", "del", "v0")
	c.until(t, "v0 gone", func(i Interface) bool { return !i.Exists && i.Index == 0 })
	add()
	if second := c.until(t, "v0 again", ready); second.Index == first.Index {
		t.Errorf("index %d both times", first.Index)
	}
	h.Run("ip", "link", "set", "v0", "name", "v2")
	c.until(t, "v0 renamed away", func(i Interface) bool { return !i.Exists })
	h.Run("ip", "link", "set", "v2", "name", "v0")
	c.until(t, "v0 renamed back", ready)
}

func TestWatchTellsRemovalByHandButNoRefresh(t *testing.T) {
	_, h, _ := pair(t)
	a := openAddresses(t, h)
	held := []Held{{Link: linkOf(t, h, "eth0").Index, Prefix: netip.PrefixFrom(virtual, 24), Label: "eth0:vip", Lifetime: time.Minute}}
	h.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1") // it adds an address when it likes
	c := watchHost(t, h, "eth0")
	if i := c.next(t); len(i.Addresses) != 1 {
		t.Fatalf("at first: %+v", i)
	}
	must(t, a.Put(held))
	if i := c.next(t); !i.has(virtual) {
		t.Errorf("after Put: %+v", i)
	}
	for range 5 {
		must(t, a.Refresh(held))
		must(t, a.Put(held))
	}
	h.Run("ip", "addr", "add", "10.9.8.1/24", "dev", "lo") // another interface's business
	h.Run("ip", "addr", "del", "10.9.0.3/24", "dev", "eth0")
	if i := c.next(t); i.has(virtual) {
		t.Errorf("a refresh was told: %+v", i)
	}
	h.Run("ip", "addr", "add", "10.9.0.3/24", "dev", "eth0") // permanent now
	c.next(t)
	must(t, a.Put(held))
	c.until(t, "an address that became mortal", func(i Interface) bool {
		return i.Addresses[1].same(Found{Prefix: held[0].Prefix, Label: "eth0:vip", Secondary: true})
	})
}

// TestWatchTellsOfWhatWasPutBackBeforeItLooked: what a refresh restored at once was removed all
// the same; what its own owner removed was not.
func TestWatchTellsOfWhatWasPutBackBeforeItLooked(t *testing.T) {
	_, h, _ := pair(t)
	a, vip := openAddresses(t, h), netip.PrefixFrom(virtual, 24)
	held := []Held{{Link: linkOf(t, h, "eth0").Index, Prefix: vip, Lifetime: time.Hour}}
	must(t, a.Put(held))
	block, c := make(chan struct{}), make(told, 10)
	h.Do(func() {
		must(t, Watch(t.Context(), []string{"eth0"}, func(i Interface) {
			<-block
			c <- i
		}, a))
	})
	block <- struct{}{}
	c.next(t)
	h.Run("ip", "addr", "add", "10.9.0.9/24", "dev", "eth0") // it waits with this
	h.Run("ip", "addr", "del", vip.String(), "dev", "eth0")
	must(t, a.Refresh(held))
	must(t, a.Remove(held))
	must(t, a.Put(held))
	close(block)
	c.until(t, "what was put back", func(i Interface) bool { return slices.Equal(i.Restored, []netip.Prefix{vip}) })
	must(t, a.Remove(held))
	must(t, a.Put(held))
	h.Run("ip", "addr", "add", "10.9.0.10/24", "dev", "eth0")
	c.until(t, "another address", func(i Interface) bool {
		if len(i.Restored) > 0 {
			t.Errorf("what its owner removed was told: %v", i.Restored)
		}
		return i.has(netip.MustParseAddr("10.9.0.10"))
	})
}

func TestWatchSurvivesLostNotices(t *testing.T) {
	_, h, _ := pair(t)
	block, c := make(chan struct{}), make(told, 1000)
	h.Do(func() {
		must(t, Watch(t.Context(), []string{"eth0"}, func(i Interface) {
			<-block
			c <- i
		}))
	})
	a := openAddresses(t, h)
	var held []Held
	for i := range 6000 {
		addr := netip.AddrFrom4([4]byte{10, 10, byte(i / 200), byte(i%200 + 1)})
		held = append(held, Held{Link: linkOf(t, h, "eth0").Index, Prefix: netip.PrefixFrom(addr, 32), Lifetime: time.Hour})
	}
	must(t, a.Refresh(held))
	h.Run("ip", "addr", "add", "10.9.0.3/24", "dev", "eth0")
	if dropped(t, h) == 0 {
		t.Fatal("this was to lose notices, and lost none")
	}
	close(block)
	i := c.until(t, "the last change", func(i Interface) bool { return i.has(virtual) })
	if n := len(i.Addresses); n < 6002 {
		t.Errorf("%d addresses told", n)
	}
	h.Run("ip", "addr", "del", "10.9.0.3/24", "dev", "eth0")
	c.until(t, "a change after the loss", func(i Interface) bool { return !i.has(virtual) })
}

func TestWatchSaysWhenTheKernelCannotBeAsked(t *testing.T) {
	_, h, _ := pair(t)
	c := make(told, 10)
	w := newWatch([]string{"eth0"}, func(i Interface) { c <- i })
	ask := func() {
		t.Helper()
		h.Do(func() {
			var err error
			w.questions, err = openRoute(0)
			must(t, err)
		})
	}
	ask()
	if !w.look(t.Context()) {
		t.Error("not all seen")
	}
	before := c.next(t)
	must(t, w.questions.Close())
	w.allDue()
	for range 2 { // told once
		if w.look(t.Context()) {
			t.Error("all seen without a socket")
		}
	}
	if i := <-c; i.Err == nil || !i.Exists || i.Index != before.Index || !i.has(addrA) {
		t.Errorf("told %+v", i)
	}
	ask()
	defer w.questions.Close()
	if !w.look(t.Context()) {
		t.Error("not all seen")
	}
	if after := c.next(t); !after.same(&before) {
		t.Errorf("told %+v, want %+v", after, before)
	}
}

// dropped counts what the host's netlink sockets lost.
func dropped(t *testing.T, h *netlab.Host) (n int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(h.Run("cat", "/proc/net/netlink")), "\n")
	column := slices.Index(strings.Fields(lines[0]), "Drops")
	for _, line := range lines[1:] {
		drops, err := strconv.Atoi(strings.Fields(line)[column])
		must(t, err)
		n += drops
	}
	return n
}

func TestWatchEndsWithItsContext(t *testing.T) {
	_, h, _ := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := make(told, 1000)
	h.Do(func() { must(t, Watch(ctx, []string{"eth0"}, func(i Interface) { c <- i })) })
	c.next(t)
	cancel() // TestMain finds a goroutine that goes on
}

func TestWatchIsNotWokenByOwnRefreshesButByAllElse(t *testing.T) {
	_, h, _ := pair(t)
	a, other := openAddresses(t, h), openAddresses(t, h)
	h.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1") // it adds an address when it likes
	var events *routeSocket
	h.Do(func() {
		var err error
		events, err = openRoute(unix.RTMGRP_IPV4_IFADDR)
		must(t, err)
	})
	t.Cleanup(func() { _ = events.Close() })
	must(t, events.spare([]*Addresses{a}))
	held := []Held{{Link: linkOf(t, h, "eth0").Index, Prefix: netip.PrefixFrom(virtual, 24), Lifetime: time.Minute}}
	for _, c := range []struct {
		name  string
		do    func() error
		heard bool
	}{
		{"put", func() error { return a.Put(held) }, true},
		{"refreshed", func() error { return a.Refresh(held) }, false},
		{"refreshed by another", func() error { return other.Refresh(held) }, true},
		{"changed by hand", func() error {
			h.Run("ip", "address", "change", virtual.String()+"/24", "dev", "eth0", "valid_lft", "30", "preferred_lft", "30")
			return nil
		}, true},
		{"removed", func() error { return a.Remove(held) }, true},
		{"back by a refresh", func() error { return a.Refresh(held) }, false},
		{"removed by hand", func() error { h.Run("ip", "address", "del", virtual.String()+"/24", "dev", "eth0"); return nil }, true},
	} {
		must(t, c.do())
		messages, err := events.pending() // the notice comes before the answer
		if heard := err == nil; heard != c.heard {
			t.Errorf("%s: heard %t (%v), want %t", c.name, heard, err, c.heard)
		}
		if c.heard && len(messages) > 0 && messages[0].Header.Type != unix.RTM_NEWADDR && messages[0].Header.Type != unix.RTM_DELADDR {
			t.Errorf("%s: a message of type %d", c.name, messages[0].Header.Type)
		}
	}
}
