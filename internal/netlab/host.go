package netlab

import (
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Host is a network namespace.
type Host struct {
	Name string

	lab    *Lab
	fd     int // of the namespace
	cables map[string]*Cable
}

func newHost(l *Lab, name string) *Host {
	l.t.Helper()
	h := &Host{Name: name, lab: l, cables: map[string]*Cable{}}
	err := inNewNamespace(func() (err error) {
		if h.fd, err = openOwn(); err != nil {
			return err
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		l.t.Fatalf("host %s: %v", name, err)
	}
	l.t.Cleanup(func() { _ = unix.Close(h.fd) })
	return h
}

// Namespace is a descriptor of the host's network namespace, the lab's to close.
func (h *Host) Namespace() int { return h.fd }

// Do runs f inside the host, on the calling goroutine: f may call t.Fatal, and a
// descriptor that it opens stays in the host. Goroutines that f starts are outside.
func (h *Host) Do(f func()) {
	h.lab.t.Helper()
	h.must(func() error {
		f()
		return nil
	})
}

// must runs f inside the host; an error ends the test.
func (h *Host) must(f func() error) {
	h.lab.t.Helper()
	if err := inNamespace(h.fd, f); err != nil {
		h.lab.t.Fatalf("host %s: %v", h.Name, err)
	}
}

// Sysctl sets a switch of the host's network, written as a path below /proc/sys:
// "net/ipv4/conf/all/rp_filter".
func (h *Host) Sysctl(name, value string) {
	h.lab.t.Helper()
	h.must(func() error {
		return os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0o644)
	})
}
