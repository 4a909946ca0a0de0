// Package netlab builds a small network out of anonymous namespaces: hosts, a
// switch, and cables between them. Nothing of it has a name outside the process, so
// the kernel takes it away even when the process is killed.
//
// It serves tests, and whatever else can stand in for a T.
package netlab

import (
	"fmt"
	"os"
)

// T is the part of testing.TB that a Lab needs. Fatalf must not return.
type T interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Lab is one switch with the hosts that hang on it.
type Lab struct {
	t       T
	backing *Host // holds the switch, away from the machine's own network
	cables  int
}

// bridge is the switch's interface in its own namespace.
const bridge = "br0"

// New makes an empty lab that lasts as long as the test.
func New(t T) *Lab {
	t.Helper()
	Need(t)
	l := &Lab{t: t}
	l.backing = newHost(l, "switch")
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		l.backing.Sysctl("net/ipv6/conf/default/disable_ipv6", "1") // no chatter
	}
	l.backing.must(makeBridge)
	return l
}

// Host makes a host with a loopback interface and, if addresses are given, a cable
// at eth0 that has them.
func (l *Lab) Host(name string, addresses ...string) *Host {
	l.t.Helper()
	h := newHost(l, name)
	if len(addresses) > 0 {
		h.Plug("eth0", addresses...)
	}
	return h
}

// mac is the fixed hardware address of the lab's n-th cable.
func mac(n int) []byte { return []byte{0x02, 0, 0, 0, byte(n >> 8), byte(n)} }

// port names the switch's end of the n-th cable.
func port(n int) string { return fmt.Sprintf("port%d", n) }
