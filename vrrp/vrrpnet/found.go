package vrrpnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Found is an address that an interface has.
type Found struct {
	Prefix        netip.Prefix
	Label         string // empty for a label that only repeats the interface's name
	NoPrefixRoute bool
	Secondary     bool // another address of the same network came first
	Tentative     bool // IPv6: not to be sent from yet, or ever if Duplicate (RFC 4862 5.4)
	Duplicate     bool // IPv6: tried out, and somebody else has it
	Permanent     bool
	Lifetime      time.Duration // what is left of it, in whole seconds, unless Permanent
}

// same tells whether f and g differ in nothing but the time that is left.
func (f Found) same(g Found) bool {
	f.Lifetime, g.Lifetime = 0, 0
	return f == g
}

// readAddress reads RTM_NEWADDR or RTM_DELADDR (rtnetlink(7)).
func readAddress(data []byte) (index int, f Found, ok bool) {
	if len(data) < unix.SizeofIfAddrmsg {
		return 0, Found{}, false
	}
	message := nl.DeserializeIfAddrmsg(data)
	attrs, err := nl.ParseRouteAttr(data[unix.SizeofIfAddrmsg:])
	if err != nil {
		return 0, Found{}, false
	}
	flags := uint32(message.Flags)
	var local, address netip.Addr
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(a.Value)
		case unix.IFA_ADDRESS:
			address, _ = netip.AddrFromSlice(a.Value)
		case unix.IFA_LABEL:
			f.Label = unix.ByteSliceToString(a.Value)
		case unix.IFA_FLAGS:
			if len(a.Value) >= 4 {
				flags = binary.NativeEndian.Uint32(a.Value)
			}
		case unix.IFA_CACHEINFO:
			if len(a.Value) >= unix.SizeofIfaCacheinfo {
				f.Lifetime = time.Duration(nl.DeserializeIfaCacheInfo(a.Value).Valid) * time.Second
			}
		}
	}
	if !local.IsValid() {
		local = address // IPv6 has no peer
	}
	f.Prefix = netip.PrefixFrom(local, int(message.Prefixlen))
	f.NoPrefixRoute = flags&unix.IFA_F_NOPREFIXROUTE != 0
	f.Secondary = flags&unix.IFA_F_SECONDARY != 0
	f.Tentative = tentative(flags)
	f.Duplicate = flags&unix.IFA_F_DADFAILED != 0
	f.Permanent = flags&unix.IFA_F_PERMANENT != 0
	if f.Permanent {
		f.Lifetime = 0
	}
	return int(message.Index), f, f.Prefix.IsValid()
}

// tentative tells by the flags of an address that it cannot be sent from: it is being
// tried out and not optimistic (RFC 4429), or was found with somebody else.
func tentative(flags uint32) bool {
	return flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 && flags&unix.IFA_F_OPTIMISTIC == 0
}

// addresses lists what the interface has, in the kernel's order; an interface
// that is not there has none.
func (s *routeSocket) addresses(index int, name string) ([]Found, error) {
	for range 5 {
		request := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
		message := nl.NewIfAddrmsg(unix.AF_UNSPEC)
		message.Index = uint32(index)
		request.AddData(message)
		var found []Found
		errs, err := s.ask([]*nl.NetlinkRequest{request}, func(m *syscall.NetlinkMessage) {
			if at, f, ok := readAddress(m.Data); ok && at == index {
				if f.Label == name {
					f.Label = ""
				}
				found = append(found, f)
			}
		})
		switch err := errors.Join(append(errs, err)...); {
		case err == nil:
			return found, nil
		case errors.Is(err, unix.ENODEV):
			return nil, nil
		case !errors.Is(err, errChanged):
			return nil, fmt.Errorf("%s: listing the addresses: %w", name, err)
		}
	}
	return nil, fmt.Errorf("%s: listing the addresses: %w, five times over", name, errChanged)
}

// link finds an interface by name, or by index if the name is empty; nil: it is not there.
func (s *routeSocket) link(name string, index int) (*netlink.LinkAttrs, error) {
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	message := nl.NewIfInfomsg(unix.AF_UNSPEC)
	message.Index = int32(index)
	request.AddData(message)
	if name != "" {
		request.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
	}
	var attrs *netlink.LinkAttrs
	var unread error
	errs, err := s.ask([]*nl.NetlinkRequest{request}, func(m *syscall.NetlinkMessage) {
		link, err := netlink.LinkDeserialize((*unix.NlMsghdr)(&m.Header), m.Data)
		if err != nil {
			unread = err
			return
		}
		attrs = link.Attrs()
		attrs.HardwareAddr = slices.Clone(attrs.HardwareAddr)
	})
	if err := errors.Join(append(errs, err, unread)...); errors.Is(err, unix.ENODEV) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("looking for interface %s: %w", interfaceName(name, index), err)
	}
	return attrs, nil
}

// interfaceName is how a message calls an interface whose name may be unknown.
func interfaceName(name string, index int) string {
	if name == "" {
		return fmt.Sprintf("number %d", index)
	}
	return name
}
