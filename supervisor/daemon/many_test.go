package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// crowd is two nodes with many virtual routers: each on every one of some interfaces.
type crowd struct {
	interfaces, each int
	interval         time.Duration
}

func (c crowd) size() int { return c.interfaces * c.each }

// conf has the VRIDs 1, 2, 3, … on every interface.
func (c crowd) conf() string {
	var b strings.Builder
	b.WriteString("nodes:\n  lb01: {address: 10.0.0.1, priority: 150}\n  lb02: {address: 10.0.0.2, priority: 100}\nvirtual_routers:\n")
	for i := range c.interfaces {
		for v := 1; v <= c.each; v++ {
			fmt.Fprintf(&b, "  - {interface: eth%d, vrid: %d, addresses: [10.%d.1.%d/16], advert_interval: %s, preempt_delay: 0}\n", i, v, i, v, c.interval)
		}
	}
	return b.String()
}

// hosts are two hosts, with a cable of its own between each pair of interfaces.
func (c crowd) hosts(t *testing.T) (a, b *netlab.Host) {
	t.Helper()
	lab := netlab.New(t)
	a, b = lab.Host("lb01"), lab.Host("lb02")
	for i := range c.interfaces {
		a.Do(func() {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = fmt.Sprintf("eth%d", i)
			if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: attrs.Name, PeerNamespace: netlink.NsFd(b.Namespace())}); err != nil {
				t.Fatal(err)
			}
		})
		for n, h := range []*netlab.Host{a, b} {
			h.Run("ip", "address", "add", fmt.Sprintf("10.%d.0.%d/16", i, n+1), "dev", fmt.Sprintf("eth%d", i))
			h.Run("ip", "link", "set", "dev", fmt.Sprintf("eth%d", i), "up")
		}
	}
	return a, b
}

// are waits until all routers are in a state, and an Active one's addresses are there.
func (n *node) are(state string, count int) {
	n.Helper()
	in := 0
	for end := time.Now().Add(2 * soon); ; time.Sleep(200 * time.Millisecond) {
		if s, err := n.status(); err == nil {
			in = 0
			for _, r := range s.Routers {
				if r.State == state && r.Held == (state == "ACTIVE") {
					in++
				}
			}
		}
		if in == count {
			return
		}
		if time.Now().After(end) {
			n.Fatalf("on %s %d of %d routers are %s", n.host.Name, in, count, state)
		}
	}
}

// leased counts the addresses that the kernel of a host keeps for a while only: ours.
func leased(t testing.TB, h *netlab.Host) (count int) {
	t.Helper()
	h.Do(func() {
		list, err := netlink.AddrList(nil, netlink.FAMILY_V4)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.Flags&unix.IFA_F_PERMANENT == 0 {
				count++
			}
		}
	})
	return count
}

// said counts the lines of the log that have the words.
func (n *node) said(words string) int { return strings.Count(n.log.String(), words) }

func TestManyRoutersStandByAndMoveTogether(t *testing.T) {
	for _, c := range []crowd{
		{interfaces: 1, each: 250, interval: 100 * time.Millisecond},
		{interfaces: 4, each: 250, interval: 200 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(c.size()), func(t *testing.T) {
			all, conf := c.size(), c.conf()
			ha, hb := c.hosts(t)
			a := start(t, ha, "lb01", conf)
			a.are("ACTIVE", all)
			b := start(t, hb, "lb02", conf)
			b.are("BACKUP", all)

			moved := a.said(" -> ")
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Second) {
				if again := a.reload(); again.Problem != "" || len(again.Changed) != 0 {
					t.Errorf("the reload of the same says %+v", again)
				}
				if s, err := b.status(); err != nil || len(s.Routers) != all {
					t.Errorf("the Backup's status has %d routers, %v", len(s.Routers), err)
				}
			}
			if x, y := a.said(" -> ")-moved, b.said(" -> ")-all; x != 0 || y != 0 {
				t.Errorf("left alone, the Active changed %d states and the Backup %d", x, y)
			}
			if x, y := leased(t, ha), leased(t, hb); x != all || y != 0 {
				t.Errorf("%d addresses on the Active and %d on the Backup, want %d and none", x, y, all)
			}

			a.stop()
			b.are("ACTIVE", all)
			if x, y := leased(t, ha), leased(t, hb); x != 0 || y != all {
				t.Errorf("stopped in order, %d addresses are left and %d taken, want none and %d", x, y, all)
			}
			if n := b.said("BACKUP -> ACTIVE (peer-released)"); n != all {
				t.Errorf("%d routers say that they were released, want %d", n, all)
			}

			a = start(t, ha, "lb01", conf)
			a.are("ACTIVE", all)
			b.are("BACKUP", all)
			_ = a.cmd.Process.Kill()
			a.wait()
			b.are("ACTIVE", all)
			if n := b.said("BACKUP -> ACTIVE (peer-silent)"); n != all {
				t.Errorf("%d routers say that the peer is silent, want %d", n, all)
			}
			// The kernel has one lock for the addresses, and one for the rules, of all
			// namespaces: those that end in other tests hold them.
			for trouble, most := range map[string]int{
				"send-failed": 0, "records before it were lost": 0,
				"address-vanished": all / 10, "gate-shut": all / 10, "too busy": all / 10,
			} {
				if n := a.said(trouble) + b.said(trouble); n > most {
					t.Errorf("%q is in the logs %d times, want %d at the most", trouble, n, most)
				}
			}
		})
	}
}
