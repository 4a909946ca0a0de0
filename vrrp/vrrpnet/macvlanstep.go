package vrrpnet

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	kindMACVLAN = "macvlan"
	goUp        = "taking it up"
	goDown      = "taking it down"
)

// step is one request to the kernel about one interface.
type step struct {
	what    string // for messages
	request *nl.NetlinkRequest
}

func requestsOf(steps []step) []*nl.NetlinkRequest {
	requests := make([]*nl.NetlinkRequest, len(steps))
	for i, s := range steps {
		requests[i] = s.request
	}
	return requests
}

// apply sends all steps in one message and gives the first error.
func (a *MACVLANs) apply(name string, steps ...step) error {
	errs, err := a.socket.ask(requestsOf(steps), func(*syscall.NetlinkMessage) {})
	if err != nil {
		return fmt.Errorf("%s: %s: netlink: %w", name, steps[0].what, err)
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		return fmt.Errorf("%s: %s: %w", name, steps[i].what, blameStep(&steps[i], err))
	}
	return nil
}

// blameStep says what the kernel means by err.
func blameStep(s *step, err error) error {
	taken := errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.EBUSY) // kernels differ
	if taken && s.what == goUp {
		return fmt.Errorf("%w: another macvlan with its MAC address is up on the same interface, or that interface has this address itself: remove it (keepalived's is left when it was killed)", err)
	}
	return explain(err, capNetAdmin)
}

// linkStep is a request about an interface; changes says which of the flags count.
func linkStep(what string, kind, flags, index int, up, changes uint32) step {
	request := nl.NewNetlinkRequest(kind, flags|unix.NLM_F_ACK)
	message := nl.NewIfInfomsg(unix.AF_UNSPEC)
	message.Index, message.Flags, message.Change = int32(index), up, changes
	request.AddData(message)
	return step{what: what, request: request}
}

// create makes a macvlan that is down. Only bridge mode passes frames that come from
// outside with the macvlan's own address to the base, and the peer's adverts are such
// frames.
func create(m *MACVLAN, base *macLink) step {
	s := linkStep("making a macvlan on "+base.name, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, 0, 0, 0)
	s.request.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(m.Name)))
	s.request.AddData(nl.NewRtAttr(unix.IFLA_LINK, nl.Uint32Attr(uint32(base.index))))
	s.request.AddData(nl.NewRtAttr(unix.IFLA_ADDRESS, m.MAC))
	s.request.AddData(info())
	return s
}

// mark writes the alias. The kind is there again so that no other kind is marked.
func mark(m *MACVLAN, r record) step {
	s := linkStep("writing the alias", unix.RTM_NEWLINK, 0, 0, 0, 0)
	s.request.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(m.Name)))
	s.request.AddData(nl.NewRtAttr(unix.IFLA_IFALIAS, []byte(r.String())))
	s.request.AddData(info())
	return s
}

func info() *nl.RtAttr {
	attr := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	attr.AddRtAttr(unix.IFLA_INFO_KIND, nl.ZeroTerminated(kindMACVLAN))
	attr.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddRtAttr(unix.IFLA_MACVLAN_MODE, nl.Uint32Attr(nl.MACVLAN_MODE_BRIDGE))
	return attr
}

// setFlags takes an interface up or down.
func setFlags(what string, index int, up uint32) step {
	return linkStep(what, unix.RTM_NEWLINK, 0, index, up, unix.IFF_UP)
}

func deleteLink(index int) step {
	return linkStep("removing it", unix.RTM_DELLINK, 0, index, 0, 0)
}

// setting is a sysctl by its IPV4_DEVCONF_ number (linux/ip.h).
type setting struct {
	number uint16
	value  uint32
}

// setConf4 sets IPv4 sysctls of an interface: unlike /proc/sys this works where that
// is read-only.
func setConf4(what string, index int, settings ...setting) step {
	s := linkStep(what, unix.RTM_NEWLINK, 0, index, 0, 0)
	attr := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	conf := attr.AddRtAttr(unix.AF_INET, nil).AddRtAttr(unix.IFLA_INET_CONF, nil)
	for _, v := range settings {
		conf.AddRtAttr(int(v.number), nl.Uint32Attr(v.value))
	}
	s.request.AddData(attr)
	return s
}

// setGenMode sets how IPv6 addresses of the kernel's own making come to be.
func setGenMode(index int, mode uint8) step {
	s := linkStep("addr_gen_mode", unix.RTM_NEWLINK, 0, index, 0, 0)
	attr := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	attr.AddRtAttr(unix.AF_INET6, nil).AddRtAttr(unix.IFLA_INET6_ADDR_GEN_MODE, nl.Uint8Attr(mode))
	s.request.AddData(attr)
	return s
}
