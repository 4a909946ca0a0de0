package ipvsnet

import (
	"encoding/binary"
	"net"
	"time"

	moby "github.com/moby/ipvs"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// sizeofHeader is that of the generic header that a message begins with.
const sizeofHeader = 4

// header begins a message.
type header struct{ command uint8 }

func (h header) Len() int          { return sizeofHeader }
func (h header) Serialize() []byte { return []byte{h.command, 1, 0, 0} }

// familyOf is the number of an address family.
func familyOf(is6 bool) uint16 {
	if is6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func bigEndian(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// encodeKey is a service for the commands that only have to find it.
func encodeKey(k ipvs.Key) *nl.RtAttr {
	a := nl.NewRtAttr(attrService, nil)
	a.AddRtAttr(svcFamily, nl.Uint16Attr(familyOf(k.Is6())))
	if k.Mark != 0 {
		a.AddRtAttr(svcMark, nl.Uint32Attr(k.Mark))
		return a
	}
	a.AddRtAttr(svcProtocol, nl.Uint16Attr(uint16(k.Protocol)))
	a.AddRtAttr(svcAddress, k.Address.Addr().AsSlice())
	a.AddRtAttr(svcPort, bigEndian(k.Address.Port()))
	return a
}

// encodeServer is a server with all that moby/ipvs does not know of.
func encodeServer(s ipvs.Server) *nl.RtAttr {
	a := nl.NewRtAttr(attrDest, nil)
	a.AddRtAttr(destAddress, s.Address.Addr().AsSlice())
	a.AddRtAttr(destPort, bigEndian(s.Address.Port()))
	a.AddRtAttr(destFamily, nl.Uint16Attr(familyOf(s.Address.Addr().Is6())))
	a.AddRtAttr(destForward, nl.Uint32Attr(uint32(s.Forward)))
	a.AddRtAttr(destWeight, nl.Uint32Attr(uint32(s.Weight)))
	a.AddRtAttr(destUpper, nl.Uint32Attr(s.Upper))
	a.AddRtAttr(destLower, nl.Uint32Attr(s.Lower))
	if s.Forward == ipvs.Tunnel {
		a.AddRtAttr(destWrap, nl.Uint8Attr(uint8(s.Tunnel.Wrap)))
		a.AddRtAttr(destWrapPort, bigEndian(s.Tunnel.Port))
		a.AddRtAttr(destWrapFlags, nl.Uint16Attr(uint16(s.Tunnel.Checksum)))
	}
	return a
}

// encodeSync is a sync daemon.
func encodeSync(s ipvs.Sync) *nl.RtAttr {
	a := nl.NewRtAttr(attrDaemon, nil)
	a.AddRtAttr(daemonState, nl.Uint32Attr(uint32(s.Role)))
	if s.Interface != "" {
		a.AddRtAttr(daemonInterface, nl.ZeroTerminated(s.Interface))
		a.AddRtAttr(daemonID, nl.Uint32Attr(uint32(s.ID)))
	}
	return a
}

// service is a service as moby/ipvs has it.
func service(k ipvs.Key, o ipvs.Options) *moby.Service {
	s := &moby.Service{
		Protocol: uint16(k.Protocol), Port: k.Address.Port(), FWMark: k.Mark, AddressFamily: familyOf(k.Is6()),
		SchedName: o.Scheduler, PEName: o.Engine, Netmask: netmask(o.Bits, k.Is6()), Flags: flags(o),
		Timeout: uint32(o.Persistence / time.Second),
	}
	if k.Address.IsValid() {
		s.Address = net.IP(k.Address.Addr().AsSlice())
	}
	return s
}

// netmask is the length of a prefix of IPv6, and a mask in network byte order of IPv4.
func netmask(length int, is6 bool) uint32 {
	if is6 {
		return uint32(length)
	}
	return native.Uint32(binary.BigEndian.AppendUint32(nil, ^uint32(0)<<(32-length)))
}

func flags(o ipvs.Options) uint32 {
	var f uint32
	if o.Persistence > 0 {
		f |= flagPersistent
	}
	if o.Flags&ipvs.OnePacket != 0 {
		f |= flagOnePacket
	}
	for i := range 3 {
		if o.Flags&(ipvs.SchedulerFlag1<<i) != 0 {
			f |= flagScheduler1 << i
		}
	}
	return f
}

// plain tells whether moby/ipvs can say all of a server.
func plain(k ipvs.Key, s ipvs.Server) bool {
	return s.Tunnel == ipvs.Encapsulation{} && s.Address.Addr().Is6() == k.Is6()
}

// server is a server as moby/ipvs has it.
func server(s ipvs.Server) *moby.Destination {
	a := s.Address
	return &moby.Destination{
		Address: net.IP(a.Addr().AsSlice()), Port: a.Port(), AddressFamily: familyOf(a.Addr().Is6()), ConnectionFlags: uint32(s.Forward),
		Weight: s.Weight, UpperThreshold: s.Upper, LowerThreshold: s.Lower,
	}
}
