package probesnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/probes"
)

// gatewayProbe sends an echo request, and when a fifth of its time is over has the kernel
// make sure of the neighbour. One behind a router has all the time to answer.
type gatewayProbe struct {
	cfg     probes.Gateway
	timeout time.Duration
}

func (p gatewayProbe) look(ctx context.Context) Result {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return Result{Detail: "the routes cannot be asked for: " + err.Error()}
	}
	defer h.Close()
	if err := h.SetSocketTimeout(max(p.timeout, time.Millisecond)); err != nil {
		return Result{Detail: "the routes cannot be asked for: " + err.Error()}
	}
	hop, err := p.hop(h)
	if err != nil {
		return Result{Detail: err.Error()}
	}
	start := time.Now()
	first := p.timeout / 5
	if hop.link == 0 {
		first = p.timeout
	}
	echo, cancel := context.WithTimeout(ctx, first)
	defer cancel()
	ping := icmpProbe{host: hop.address.String(), timeout: first}
	var how progress
	err = ping.ping(echo, &how)
	switch {
	case err == nil:
		return Result{OK: true, Answered: true, Detail: fmt.Sprintf("%s: answered in %s", hop.address, time.Since(start).Round(10*time.Microsecond))}
	case hop.confirm(ctx, h):
		return Result{OK: true, Answered: true, Detail: hop.address.String() + ": there, though it does not answer to ping"}
	}
	return Result{Detail: fmt.Sprintf("%s: neither ping nor %s was answered within %s", hop.address, hop.asked(), p.timeout)}
}

// hop is a next hop and the interface that leads to it; 0: not of this network.
type hop struct {
	address netip.Addr
	link    int
}

func (p gatewayProbe) hop(h *netlink.Handle) (hop, error) {
	if p.cfg.Host != "" {
		a, err := netip.ParseAddr(p.cfg.Host)
		if err != nil {
			return hop{}, fmt.Errorf("%s is not an address", p.cfg.Host)
		}
		routes, err := h.RouteGet(a.AsSlice())
		if err != nil || len(routes) == 0 {
			return hop{}, fmt.Errorf("there is no route to %s", a)
		}
		if routes[0].Gw != nil { // somewhere behind a router: ping alone tells
			return hop{address: a}, nil
		}
		return hop{address: a, link: routes[0].LinkIndex}, nil
	}
	family, word := netlink.FAMILY_V4, "IPv4"
	if p.cfg.IPv6 {
		family, word = netlink.FAMILY_V6, "IPv6"
	}
	routes, err := h.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return hop{}, fmt.Errorf("the routes cannot be asked for: %w", err)
	}
	best, found := hop{}, false
	lowest := 0
	for i := range routes {
		r := &routes[i]
		gw, ok := netip.AddrFromSlice(r.Gw)
		if !ok || r.Dst != nil && !r.Dst.IP.IsUnspecified() || found && r.Priority >= lowest {
			continue
		}
		best, lowest, found = hop{zoned(gw.Unmap(), r.LinkIndex), r.LinkIndex}, r.Priority, true
	}
	if !found {
		return hop{}, errors.New("there is no default route of " + word + ": name the gateway's address")
	}
	return best, nil
}

// zoned adds the interface that a link-local address belongs to.
func zoned(a netip.Addr, link int) netip.Addr {
	if i, err := net.InterfaceByIndex(link); err == nil && a.Is6() && a.IsLinkLocalUnicast() {
		return a.WithZone(i.Name)
	}
	return a
}

func (n hop) asked() string {
	if n.address.Is6() {
		return "neighbour discovery"
	}
	return "ARP"
}

// confirm has the kernel ask the neighbour once more (RFC 4861 7.3.2: PROBE), and tells
// whether it answered before ctx ends.
func (n hop) confirm(ctx context.Context, h *netlink.Handle) bool {
	if n.link == 0 {
		return false
	}
	if was, ok := n.neighbour(h); ok && was.State&(netlink.NUD_REACHABLE|netlink.NUD_STALE|netlink.NUD_DELAY) != 0 {
		anew := was
		anew.State = netlink.NUD_PROBE
		if h.NeighSet(&anew) != nil { // not permitted: what the kernel knows has to do
			return was.State == netlink.NUD_REACHABLE
		}
	}
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return false
		case <-tick.C:
			if now, ok := n.neighbour(h); ok && now.State&(netlink.NUD_REACHABLE|netlink.NUD_PERMANENT|netlink.NUD_NOARP) != 0 {
				tick.Stop()
				return true
			}
		}
	}
}

// neighbour is what the kernel knows of the hop.
func (n hop) neighbour(h *netlink.Handle) (netlink.Neigh, bool) {
	family := netlink.FAMILY_V4
	if n.address.Is6() {
		family = netlink.FAMILY_V6
	}
	all, err := h.NeighList(n.link, family)
	if err != nil {
		return netlink.Neigh{}, false
	}
	for _, one := range all {
		if a, ok := netip.AddrFromSlice(one.IP); ok && a.Unmap() == n.address.WithZone("").Unmap() {
			return one, true
		}
	}
	return netlink.Neigh{}, false
}
