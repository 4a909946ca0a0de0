package vrrpnet

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Transport is a way in which adverts travel.
type Transport uint8

// The transports.
const (
	Over4  Transport = iota // IPv4, protocol 112 (RFC 9568 5.1.1)
	Over6                   // IPv6, protocol 112 (RFC 9568 5.1.2)
	OverAH                  // IPv4, protocol 51: VRRPv2 behind an IP Authentication Header (RFC 2402)
)

func (t Transport) String() string {
	switch t {
	case Over4:
		return "VRRP over IPv4"
	case Over6:
		return "VRRP over IPv6"
	case OverAH:
		return "VRRP with AH over IPv4"
	}
	return fmt.Sprintf("transport %d", uint8(t))
}

// protocol is the IP protocol number; 0: there is no such transport.
func (t Transport) protocol() int {
	switch t {
	case Over4, Over6:
		return vrrp.Protocol
	case OverAH:
		return unix.IPPROTO_AH
	}
	return 0
}

func (t Transport) family() int {
	if t == Over6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// group is where adverts go to unless there are peers.
func (t Transport) group() netip.Addr {
	if t == Over6 {
		return vrrp.Group6
	}
	return vrrp.Group4
}

const (
	advertTTL      = 255     // RFC 9568 5.1.1.3, 5.1.2.3
	advertTOS      = 0xc0    // CS6, network control
	advertPriority = 6       // the first band of a default queue; more needs CAP_NET_ADMIN
	receiveBuffer  = 1 << 18 // some 300 adverts while the thread is away
)

// option is an integer option of a socket.
type option struct {
	name                 string
	level, option, value int
}

// options are those of the transport on the interface with this index.
func (t Transport) options(index int) []option {
	options := []option{
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer},
		{"SO_TIMESTAMPNS", unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
	}
	if t == Over6 {
		options = append(options,
			option{"IPV6_CHECKSUM", unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, -1}, // package vrrp writes and checks it
			option{"IPV6_RECVPKTINFO", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
			option{"IPV6_RECVHOPLIMIT", unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
			option{"IPV6_MULTICAST_IF", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, index},
			option{"IPV6_MULTICAST_LOOP", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
			option{"IPV6_MULTICAST_ALL", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0}, // only the group joined here
			option{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, advertTOS},
		)
	} else {
		options = append(options,
			option{"IP_MULTICAST_LOOP", unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0},
			option{"IP_MULTICAST_ALL", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0}, // only the group joined here
			option{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, advertTOS},
		)
	}
	if t == OverAH {
		options = append(options, option{"IP_HDRINCL", unix.IPPROTO_IP, unix.IP_HDRINCL, 1})
	}
	return append(options, option{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, advertPriority}) // IP_TOS sets it too
}

// set sets one option of a socket. Kernels before 4.20 lack IPV6_MULTICAST_ALL, and
// hear other groups of the interface as well.
func (o option) set(fd int) error {
	err := unix.SetsockoptInt(fd, o.level, o.option, o.value)
	if o.level == unix.IPPROTO_IPV6 && o.option == unix.IPV6_MULTICAST_ALL && errors.Is(err, unix.ENOPROTOOPT) {
		return nil
	}
	return err
}

// join makes the interface receive the group.
func (t Transport) join(fd, index int) error {
	if t == Over6 {
		return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
			&unix.IPv6Mreq{Multiaddr: vrrp.Group6.As16(), Interface: uint32(index)})
	}
	group := &unix.IPMreqn{Multiaddr: vrrp.Group4.As4(), Ifindex: int32(index)}
	return errors.Join(
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, group),
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, group),
	)
}

// carries says why the transport cannot carry an advert in this envelope.
func (t Transport) carries(env vrrp.Envelope) error {
	switch {
	case t == Over6 && !both(isIPv6, env):
		return errors.New("both have to be IPv6 addresses")
	case t != Over6 && !both(netip.Addr.Is4, env):
		return errors.New("both have to be IPv4 addresses")
	case t == OverAH && env.ID == 0: // and the ICV covers it
		return errors.New("identification 0: the kernel would put another in its place")
	case env.Protocol != 0 && int(env.Protocol) != t.protocol():
		return fmt.Errorf("IP protocol %d: this socket carries %d", env.Protocol, t.protocol())
	}
	return nil
}

// both tells whether source and destination are of a family.
func both(family func(netip.Addr) bool, env vrrp.Envelope) bool {
	return family(env.Source) && family(env.Destination)
}

func isIPv6(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }
