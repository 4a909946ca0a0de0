package vrrpnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Frames sends adverts as whole Ethernet frames, so that they leave the interface from
// the virtual router's MAC (RFC 9568 7.2). It receives nothing, and the packet filter of
// the host does not see them.
type Frames struct {
	link  Link
	fd    int
	to4   *unix.SockaddrLinklayer
	to6   *unix.SockaddrLinklayer
	frame []byte // the last one sent
}

// OpenFrames makes a socket that sends on one Ethernet interface.
func OpenFrames(link Link) (*Frames, error) {
	if len(link.MAC) != 6 {
		return nil, fmt.Errorf("%s: not an Ethernet interface (hardware address %q): there are no virtual MACs there", link.Name, link.MAC)
	}
	fd, err := openPacket(link, "adverts from a virtual MAC")
	if err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, advertPriority); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: SO_PRIORITY of the packet socket: %w", link.Name, err), unix.Close(fd))
	}
	return &Frames{
		link:  link,
		fd:    fd,
		to4:   &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: link.Index},
		to6:   &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IPV6), Ifindex: link.Index},
		frame: make([]byte, 0, etherHeaderLen+ipv6HeaderLen+packetSize),
	}, nil
}

// Send sends one advert from mac and env.Source to the multicast group
// env.Destination, with env.TTL or 255. env.Protocol says whether it begins with an
// Authentication Header, env.ID is the identification of IPv4. It allocates nothing.
func (f *Frames) Send(msg []byte, env vrrp.Envelope, mac net.HardwareAddr) error {
	to, err := f.address(env, mac)
	if err == nil {
		f.build(msg, env, mac)
		err = f.send(to)
	}
	if err != nil {
		return fmt.Errorf("%s: advert from %s to %s by %s: %w", f.link.Name, env.Source, env.Destination, mac, err)
	}
	return nil
}

// address is where to send, or what is wrong with the envelope.
func (f *Frames) address(env vrrp.Envelope, mac net.HardwareAddr) (*unix.SockaddrLinklayer, error) {
	four := both(netip.Addr.Is4, env)
	switch {
	case len(mac) != 6:
		return nil, errors.New("that is no Ethernet address")
	case !four && !both(isIPv6, env):
		return nil, errors.New("both have to be IPv4 addresses, or both IPv6")
	case !env.Destination.IsMulticast():
		return nil, errors.New("the MAC of a single peer is not known here: send unicast adverts by a Socket")
	case env.Protocol != 0 && env.Protocol != vrrp.Protocol && (!four || env.Protocol != unix.IPPROTO_AH):
		return nil, fmt.Errorf("IP protocol %d carries no advert there", env.Protocol)
	case four:
		return f.to4, nil
	}
	return f.to6, nil
}

func (f *Frames) build(msg []byte, env vrrp.Envelope, mac net.HardwareAddr) {
	if env.TTL == 0 {
		env.TTL = advertTTL
	}
	if env.Protocol == 0 {
		env.Protocol = vrrp.Protocol
	}
	b := appendEthernet(f.frame[:0], env.Destination, mac)
	if env.Source.Is4() {
		b = appendIPv4(b, env, env.Protocol, len(msg))
	} else {
		b = appendIPv6(b, advertTOS, env.Protocol, env.TTL, env.Source, env.Destination, len(msg))
	}
	f.frame = append(b, msg...)
}

func (f *Frames) send(to *unix.SockaddrLinklayer) error {
	for {
		err := unix.Sendto(f.fd, f.frame, unix.MSG_DONTWAIT, to)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EMSGSIZE):
			return fmt.Errorf("%w: more addresses than the interface's MTU holds; spread them over several virtual routers", err)
		}
		return err
	}
}

// Close gives the descriptor back.
func (f *Frames) Close() error { return unix.Close(f.fd) }

// appendEthernet appends the Ethernet header of a frame to a multicast group: its MAC
// holds the end of the group's address (RFC 1112 6.4, RFC 2464 7).
func appendEthernet(b []byte, group netip.Addr, source net.HardwareAddr) []byte {
	etherType := uint16(unix.ETH_P_IP)
	if group.Is4() {
		ip := group.As4()
		b = append(b, 0x01, 0x00, 0x5e, ip[1]&0x7f, ip[2], ip[3])
	} else {
		ip := group.As16()
		b = append(b, 0x33, 0x33, ip[12], ip[13], ip[14], ip[15])
		etherType = unix.ETH_P_IPV6
	}
	b = append(b, source...)
	return binary.BigEndian.AppendUint16(b, etherType)
}
