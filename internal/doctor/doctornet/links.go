package doctornet

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
)

// interfaces reads the interfaces, their addresses, the bridges beneath, and the routes to
// the other node.
func (r *reader) interfaces() {
	links, err := netlink.LinkList()
	if err != nil {
		r.unread(doctor.AreaLinks, "the interfaces: "+err.Error())
		return
	}
	byIndex := map[int]netlink.Link{}
	for _, l := range links {
		byIndex[l.Attrs().Index] = l
	}
	routes := r.routes(byIndex)
	for _, l := range links {
		attrs := l.Attrs()
		one := doctor.Interface{
			Name: attrs.Name, Index: attrs.Index, Up: attrs.RawFlags&unix.IFF_UP != 0, MAC: attrs.HardwareAddr.String(), Bridge: bridgeOf(l, byIndex), Routes: routes,
		}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			r.unread(doctor.AreaLinks, "the addresses of "+attrs.Name+": "+err.Error())
		}
		for _, a := range addrs {
			ip, ok := netip.AddrFromSlice(a.IP)
			if bits, _ := a.Mask.Size(); ok {
				one.Prefixes = append(one.Prefixes, netip.PrefixFrom(ip.Unmap(), bits))
			}
		}
		r.Interfaces = append(r.Interfaces, one)
	}
}

// routes are the interfaces by which the other node's addresses are reached.
func (r *reader) routes(links map[int]netlink.Link) map[netip.Addr]string {
	found := map[netip.Addr]string{}
	ask := func(a netip.Addr) {
		if !a.IsValid() {
			return
		}
		list, err := netlink.RouteGet(a.AsSlice())
		if err != nil || len(list) == 0 {
			found[a] = ""
			return
		}
		if l := links[list[0].LinkIndex]; l != nil {
			found[a] = l.Attrs().Name
		}
	}
	for i := range r.Config.Routers {
		ask(r.Config.Routers[i].Peer)
	}
	for _, l := range r.Config.Heartbeat.Links {
		ask(l.Peer.Addr())
	}
	return found
}

// bridgeOf is the bridge that a link is, is a port of, or lies upon with VLANs and macvlans.
func bridgeOf(l netlink.Link, links map[int]netlink.Link) *doctor.Bridge {
	for range 8 { // no chain is longer
		if b, ok := l.(*netlink.Bridge); ok {
			return bridge(b)
		}
		next := links[l.Attrs().MasterIndex]
		if next == nil {
			next = links[l.Attrs().ParentIndex]
		}
		if _, veth := l.(*netlink.Veth); veth && l.Attrs().MasterIndex == 0 || next == nil {
			return nil // its parent is its other end
		}
		l = next
	}
	return nil
}

// Attributes of a bridge, linux/if_link.h.
const (
	brSnooping = 23 // IFLA_BR_MCAST_SNOOPING
	brQuerier  = 25 // IFLA_BR_MCAST_QUERIER
)

// bridge reads what the netlink package does not keep.
func bridge(b *netlink.Bridge) *doctor.Bridge {
	out := &doctor.Bridge{Name: b.Name, Snooping: b.MulticastSnooping != nil && *b.MulticastSnooping}
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(b.Index)
	req.AddData(msg)
	answers, err := req.Execute(unix.NETLINK_ROUTE, 0)
	if err != nil || len(answers) == 0 {
		return out
	}
	data := answers[0][unix.SizeofIfInfomsg:]
	for _, kind := range []uint16{unix.IFLA_LINKINFO, nl.IFLA_INFO_DATA} {
		data = attribute(data, kind)
	}
	out.Snooping = truth(attribute(data, brSnooping))
	out.Querier = truth(attribute(data, brQuerier))
	return out
}

func attribute(data []byte, kind uint16) []byte {
	attrs, err := nl.ParseRouteAttr(data)
	if err != nil {
		return nil
	}
	for _, a := range attrs {
		if a.Attr.Type&^unix.NLA_F_NESTED == kind {
			return a.Value
		}
	}
	return nil
}

func truth(b []byte) bool { return len(b) > 0 && b[0] != 0 }
