//go:build linux

package main

import (
	"fmt"
	"net/netip"
)

// router is a virtual router of the pair; all are on the one network.
type router struct {
	vrid    int
	address netip.Addr
}

// routers are n in the order of the configuration. The one whose address the client asks
// is in the middle, as far as the numbers reach: not the first to move, nor the last.
func routers(n int) []router {
	from := max(1, vrid-n/2)
	var list []router
	for v := from; v < from+n; v++ {
		r := router{v, netip.MustParseAddr(vip)}
		if v != vrid {
			r.address = netip.AddrFrom4([4]byte{10, 0, 1, byte(v)})
		}
		list = append(list, r)
	}
	return list
}

func (r router) String() string { return fmt.Sprintf("VI_%d", r.vrid) }
