package vrrpnet

import (
	"errors"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// change is one request to the kernel about one address.
type change struct {
	what    string // for messages
	link    int
	request *nl.NetlinkRequest
	removes bool
}

// done tells whether a refused change was in force already.
func (c *change) done(err error) bool {
	return c.removes && (errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV))
}

// put adds an address, or renews its lifetime if it is there.
func put(h *Held) change {
	request := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	address(request, h.Link, h.Prefix)
	flags := uint32(0)
	if h.NoPrefixRoute {
		flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if !h.Prefix.Addr().Is4() {
		flags |= unix.IFA_F_NODAD // whether it is free was asked before
	}
	request.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(flags)))
	if h.Label != "" {
		request.AddData(nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(h.Label)))
	}
	seconds := uint32((h.Lifetime + time.Second - 1) / time.Second)
	info := nl.IfaCacheInfo{IfaCacheinfo: unix.IfaCacheinfo{Valid: seconds, Prefered: seconds}}
	request.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, info.Serialize()))
	return change{what: "putting " + h.Prefix.String(), link: h.Link, request: request}
}

// remove takes an address with exactly this prefix length away.
func remove(link int, prefix netip.Prefix) change {
	request := nl.NewNetlinkRequest(unix.RTM_DELADDR, unix.NLM_F_ACK)
	address(request, link, prefix)
	return change{what: "removing " + prefix.String(), link: link, request: request, removes: true}
}

func address(request *nl.NetlinkRequest, link int, prefix netip.Prefix) {
	family := unix.AF_INET
	if !prefix.Addr().Is4() {
		family = unix.AF_INET6
	}
	message := nl.NewIfAddrmsg(family)
	message.Index = uint32(link)
	message.Prefixlen = uint8(prefix.Bits())
	request.AddData(message)
	ip := prefix.Addr().AsSlice()
	request.AddData(nl.NewRtAttr(unix.IFA_LOCAL, ip))
	request.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, ip))
}
