//go:build linux

package hostlab

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// T is the part of testing.TB that a lab needs. Fatal and Fatalf must not return.
type T interface {
	netlab.T
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Failed() bool
}

// Lab is a set of running hosts on two switches, for one test.
type Lab struct {
	hosts []*Host
	close []func() // observers to end before the hosts
}

// busy: the lab's addresses are fixed, so there is one Lab at a time.
var busy sync.Mutex

// hostName: it must fit into an interface name with ".0" behind it.
var hostName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,11}$`)

// New boots fresh hosts with these names, the first at 10.77.0.1, and removes them
// when the test ends. A failed test logs the end of each host's journal.
func New(t T, names ...string) *Lab {
	t.Helper()
	Need(t)
	if !busy.TryLock() {
		t.Fatal("hostlab: another test has its lab still; labs cannot be parallel")
	}
	t.Cleanup(busy.Unlock)
	t.Cleanup(removeSwitches)
	if err := buildSwitches(); err != nil {
		t.Fatal("hostlab: ", err)
	}
	l := &Lab{}
	t.Cleanup(func() { l.remove(t) })
	for i, name := range names {
		if !hostName.MatchString(name) {
			t.Fatalf("hostlab: host name %q: use up to 12 of a-z 0-9 -", name)
		}
		l.hosts = append(l.hosts, &Host{name: name, number: i + 1, dir: base + "/" + name})
	}
	for _, h := range l.hosts {
		h.powerOn(t)
	}
	for _, h := range l.hosts {
		h.awaitBoot(t)
	}
	return l
}

// Host finds a host by its name.
func (l *Lab) Host(name string) *Host {
	for _, h := range l.hosts {
		if h.name == name {
			return h
		}
	}
	panic("hostlab: there is no host " + name)
}

// Hosts are all hosts in the order of their addresses.
func (l *Lab) Hosts() []*Host { return l.hosts }

// Client starts a client in the lab that asks http://vip/ every so often over a new
// connection, until the test ends.
func (l *Lab) Client(vip string, every time.Duration) *Client {
	c := NewClient(netip.AddrPortFrom(netip.MustParseAddr(vip), 80), every)
	l.close = append(l.close, c.Stop)
	return c
}

// remove ends the observers and the hosts.
func (l *Lab) remove(t T) {
	for _, stop := range l.close {
		stop()
	}
	for _, h := range l.hosts {
		if t.Failed() {
			t.Logf("journal of %s ends:\n%s", h.name, h.lastWords())
		}
		h.scrap(t)
		if err := os.RemoveAll(h.dir); err != nil {
			t.Errorf("hostlab: %s is not removed: %v", h.name, err)
		}
	}
}

// holderName is the host with this MAC, else the MAC itself.
func (l *Lab) holderName(mac string) string {
	for _, h := range l.hosts {
		if strings.EqualFold(macOf(0, h.number).String(), mac) {
			return h.name
		}
	}
	return mac
}
