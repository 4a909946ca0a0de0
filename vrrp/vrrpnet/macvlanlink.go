package vrrpnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// macLink is what of an interface matters to a macvlan on it, or to it.
type macLink struct {
	index     int
	name      string
	hardware  uint16 // ARPHRD_
	flags     uint32 // IFF_
	mac       net.HardwareAddr
	kind      string // "macvlan", "bridge", …; empty: hardware
	mode      uint32 // of a macvlan
	base      int    // of a macvlan and the like
	elsewhere bool   // base is of another network namespace
	master    int    // the bridge or bond that has it as its port
	alias     string
	inet      []uint32 // sysctls by their IPV4_DEVCONF_ number, less one
	inet6     []uint32 // sysctls by their DEVCONF_ number
	genMode   uint8    // IN6_ADDR_GEN_MODE_
}

// ours tells whether the alias says that pairkeeper made it.
func (l *macLink) ours() bool {
	_, ours := readRecord(l.alias)
	return ours && l.kind == kindMACVLAN
}

// is tells whether l was made for m.
func (l *macLink) is(m *MACVLAN) bool {
	r, _ := readRecord(l.alias)
	return l.mode == nl.MACVLAN_MODE_BRIDGE && slices.Equal(l.mac, m.MAC) && r.ipv6 == m.IPv6 &&
		l.base == m.Base.Index && !l.elsewhere
}

// foreign says why l is not touched.
func (l *macLink) foreign() error {
	kind := "an interface"
	if l.kind != "" {
		kind = "a " + l.kind
	}
	return fmt.Errorf("%s: there is %s of this name that is not pairkeeper's (MAC %s, alias %q): remove it (ip link delete %s), or give the virtual MAC's interface another name",
		l.name, kind, l.mac, l.alias, l.name)
}

func byIndex(all []macLink, index int) *macLink {
	if i := slices.IndexFunc(all, func(l macLink) bool { return l.index == index }); i >= 0 {
		return &all[i]
	}
	return nil
}

const (
	skipStats = 1 << 3 // RTEXT_FILTER_SKIP_STATS: answers without counters
	typeMask  = 0x3fff // NLA_TYPE_MASK: without NLA_F_NESTED
)

// askLink asks for an interface by name, or by index if the name is empty.
func askLink(name string, index int) step {
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	message := nl.NewIfInfomsg(unix.AF_UNSPEC)
	message.Index = int32(index)
	request.AddData(message)
	if name != "" {
		request.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
	}
	request.AddData(nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStats)))
	return step{what: "looking for " + interfaceName(name, index), request: request}
}

// get asks for several interfaces in one message; nil: it is not there.
func (a *MACVLANs) get(steps ...step) ([]*macLink, error) {
	requests := requestsOf(steps)
	found := make([]*macLink, len(steps))
	errs, err := a.socket.ask(requests, func(m *syscall.NetlinkMessage) {
		at := slices.IndexFunc(requests, func(r *nl.NetlinkRequest) bool { return r.Seq == m.Header.Seq })
		if l, ok := readMACLink(m.Data); ok && at >= 0 {
			found[at] = &l
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s: netlink: %w", steps[0].what, err)
	}
	for i, err := range errs {
		if err != nil && !errors.Is(err, unix.ENODEV) {
			return nil, fmt.Errorf("%s: %w", steps[i].what, err)
		}
	}
	return found, nil
}

// all lists every interface of the namespace.
func (a *MACVLANs) all() ([]macLink, error) {
	for range 5 {
		request := askLink("", 0).request
		request.Flags |= unix.NLM_F_DUMP
		var found []macLink
		errs, err := a.socket.ask([]*nl.NetlinkRequest{request}, func(m *syscall.NetlinkMessage) {
			if l, ok := readMACLink(m.Data); ok {
				found = append(found, l)
			}
		})
		if err := errors.Join(append(errs, err)...); err == nil {
			return found, nil
		} else if !errors.Is(err, errChanged) {
			return nil, fmt.Errorf("listing the interfaces: %w", err)
		}
	}
	return nil, fmt.Errorf("listing the interfaces: %w, five times over", errChanged)
}

// readMACLink reads RTM_NEWLINK (rtnetlink(7)).
func readMACLink(data []byte) (l macLink, ok bool) {
	if len(data) < unix.SizeofIfInfomsg {
		return l, false
	}
	message := nl.DeserializeIfInfomsg(data)
	l.index, l.hardware, l.flags = int(message.Index), message.Type, message.Flags
	attrs, err := nl.ParseRouteAttr(data[unix.SizeofIfInfomsg:])
	if err != nil {
		return l, false
	}
	for _, a := range attrs {
		switch a.Attr.Type & typeMask {
		case unix.IFLA_IFNAME:
			l.name = unix.ByteSliceToString(a.Value)
		case unix.IFLA_ADDRESS:
			l.mac = slices.Clone(a.Value)
		case unix.IFLA_IFALIAS:
			l.alias = unix.ByteSliceToString(a.Value)
		case unix.IFLA_LINK:
			l.base = int(number(a.Value))
		case unix.IFLA_LINK_NETNSID:
			l.elsewhere = true
		case unix.IFLA_MASTER:
			l.master = int(number(a.Value))
		case unix.IFLA_LINKINFO:
			l.readInfo(a.Value)
		case unix.IFLA_AF_SPEC:
			l.readFamilies(a.Value)
		}
	}
	return l, true
}

func (l *macLink) readInfo(data []byte) {
	info := nested(data)
	l.kind = unix.ByteSliceToString(info[unix.IFLA_INFO_KIND])
	if l.kind == kindMACVLAN {
		l.mode = number(nested(info[unix.IFLA_INFO_DATA])[unix.IFLA_MACVLAN_MODE])
	}
}

func (l *macLink) readFamilies(data []byte) {
	families := nested(data)
	l.inet = numbers(nested(families[unix.AF_INET])[unix.IFLA_INET_CONF])
	inet6 := nested(families[unix.AF_INET6])
	l.inet6 = numbers(inet6[unix.IFLA_INET6_CONF])
	if mode := inet6[unix.IFLA_INET6_ADDR_GEN_MODE]; len(mode) > 0 {
		l.genMode = mode[0]
	}
}

// nested reads attributes within an attribute.
func nested(data []byte) map[uint16][]byte {
	attrs, err := nl.ParseRouteAttr(data)
	if err != nil {
		return nil
	}
	values := make(map[uint16][]byte, len(attrs))
	for _, a := range attrs {
		values[a.Attr.Type&typeMask] = a.Value
	}
	return values
}

func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

func numbers(b []byte) []uint32 {
	var all []uint32
	for ; len(b) >= 4; b = b[4:] {
		all = append(all, number(b))
	}
	return all
}
