package proxynet

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Listener is a listening TCP socket of this host.
type Listener struct {
	At     netip.AddrPort
	V6Only bool   // one at all addresses of IPv6 gets no connections over IPv4
	Unit   string // of systemd; empty: not known
	Who    string // for people
}

// Listening are all listening TCP sockets.
func Listening() (list []Listener, err error) {
	known := map[uint64]holder{} // by cgroup: to find one walks the tree
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		answers, err := listeners(family, 0)
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			l, ok := readListener(a)
			if !ok {
				continue
			}
			h, ok := known[l.cgroup]
			if !ok {
				h = holder{uid: l.uid, inode: l.inode}
				h.find(l.cgroup)
				known[l.cgroup] = h
			}
			list = append(list, Listener{At: l.at, V6Only: l.v6Only, Unit: h.unit, Who: h.who()})
		}
	}
	return list, nil
}
