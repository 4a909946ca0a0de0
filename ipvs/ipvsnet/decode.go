package ipvsnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

var native = binary.NativeEndian

// Counters are what a service or a server has counted, and its rates in a second.
type Counters struct {
	Connections    uint64 `json:"connections"`
	PacketsIn      uint64 `json:"packets_in"`
	PacketsOut     uint64 `json:"packets_out"`
	BytesIn        uint64 `json:"bytes_in"`
	BytesOut       uint64 `json:"bytes_out"`
	ConnectionRate uint64 `json:"connections_per_second"`
	PacketRateIn   uint64 `json:"packets_in_per_second"`
	PacketRateOut  uint64 `json:"packets_out_per_second"`
	ByteRateIn     uint64 `json:"bytes_in_per_second"`
	ByteRateOut    uint64 `json:"bytes_out_per_second"`
}

// Usage is a service with what it has counted.
type Usage struct {
	Service  ipvs.Service
	Counters Counters
	Servers  []ServerUsage // as Service.Servers
}

// ServerUsage is what a server has counted, and the connections that it has.
type ServerUsage struct {
	Active, Inactive, Persistent uint32
	Counters                     Counters
}

// attributes are those of a message or of a nested attribute, by type. Of several of one
// type the last counts.
type attributes map[uint16][]byte

var errShort = errors.New("the kernel's answer is too short")

func parse(b []byte) (attributes, error) {
	a := attributes{}
	for len(b) >= unix.SizeofRtAttr {
		size := int(native.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			return nil, errShort
		}
		a[native.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)] = b[unix.SizeofRtAttr:size]
		b = b[min((size+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1), len(b)):]
	}
	return a, nil
}

// nested are the attributes within one of a message, which begins with a generic header.
func nested(msg []byte, kind uint16) (attributes, error) {
	if len(msg) < sizeofHeader {
		return nil, errShort
	}
	a, err := parse(msg[sizeofHeader:])
	if err != nil {
		return nil, err
	}
	return parse(a[kind])
}

// number is one of 8, 16, 32 or 64 bits; what is not there is 0.
func (a attributes) number(kind uint16) uint64 {
	switch v := a[kind]; len(v) {
	case 1:
		return uint64(v[0])
	case 2:
		return uint64(native.Uint16(v))
	case 4:
		return uint64(native.Uint32(v))
	case 8:
		return native.Uint64(v)
	}
	return 0
}

// port is in network byte order.
func (a attributes) port(kind uint16) uint16 {
	if v := a[kind]; len(v) == 2 {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

// text ends with a NUL.
func (a attributes) text(kind uint16) string {
	v := a[kind]
	for i, c := range v {
		if c == 0 {
			return string(v[:i])
		}
	}
	return string(v)
}

// address is of a family, and has room for both.
func (a attributes) address(kind uint16, family uint64) (netip.Addr, error) {
	v := a[kind]
	switch {
	case family == unix.AF_INET && len(v) >= 4:
		return netip.AddrFrom4([4]byte(v)), nil
	case family == unix.AF_INET6 && len(v) >= 16:
		return netip.AddrFrom16([16]byte(v)), nil
	}
	return netip.Addr{}, fmt.Errorf("the kernel's answer has an address of family %d in %d bytes", family, len(v))
}

// decodeService reads an answer of cmdGetService.
func decodeService(msg []byte) (Usage, error) {
	a, err := nested(msg, attrService)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	s := &u.Service
	family := a.number(svcFamily)
	if mark := a.number(svcMark); mark != 0 {
		s.Key = ipvs.Key{Mark: uint32(mark), IPv6: family == unix.AF_INET6}
	} else {
		at, err := a.address(svcAddress, family)
		if err != nil {
			return u, err
		}
		s.Key = ipvs.Key{Protocol: ipvs.Protocol(a.number(svcProtocol)), Address: netip.AddrPortFrom(at, a.port(svcPort))}
	}
	s.Options = decodeOptions(a, family)
	u.Counters, err = decodeCounters(a, svcStats64, svcStats)
	return u, err
}

func decodeOptions(a attributes, family uint64) ipvs.Options {
	o := ipvs.Options{Scheduler: a.text(svcScheduler), Engine: a.text(svcEngine), Bits: 32}
	if family == unix.AF_INET6 {
		o.Bits = 128
	}
	var flags uint32
	if v := a[svcFlags]; len(v) == 8 { // and the mask behind them
		flags = native.Uint32(v)
	}
	if flags&flagOnePacket != 0 {
		o.Flags |= ipvs.OnePacket
	}
	for i := range 3 {
		if flags&(flagScheduler1<<i) != 0 {
			o.Flags |= ipvs.SchedulerFlag1 << i
		}
	}
	if flags&flagPersistent == 0 {
		return o
	}
	o.Persistence = time.Duration(a.number(svcTimeout)) * time.Second
	if o.Bits = int(a.number(svcNetmask)); family == unix.AF_INET {
		o.Bits = bits.OnesCount32(uint32(a.number(svcNetmask)))
	}
	return o
}

// decodeServer reads an answer of cmdGetDest about a service of a family.
func decodeServer(msg []byte, family uint64) (ipvs.Server, ServerUsage, error) {
	a, err := nested(msg, attrDest)
	if err != nil {
		return ipvs.Server{}, ServerUsage{}, err
	}
	if own := a.number(destFamily); own != 0 {
		family = own
	}
	at, err := a.address(destAddress, family)
	if err != nil {
		return ipvs.Server{}, ServerUsage{}, err
	}
	s := ipvs.Server{
		Address: netip.AddrPortFrom(at, a.port(destPort)),
		Forward: ipvs.Forward(a.number(destForward) & forwardMask),
		Weight:  int(a.number(destWeight)),
		Upper:   uint32(a.number(destUpper)),
		Lower:   uint32(a.number(destLower)),
	}
	if s.Forward == ipvs.Tunnel {
		s.Tunnel = ipvs.Encapsulation{Wrap: ipvs.Wrap(a.number(destWrap)), Port: a.port(destWrapPort), Checksum: ipvs.Checksum(a.number(destWrapFlags))}
	}
	u := ServerUsage{Active: uint32(a.number(destActive)), Inactive: uint32(a.number(destInactive)), Persistent: uint32(a.number(destPersistent))}
	u.Counters, err = decodeCounters(a, destStats64, destStats)
	return s, u, err
}

// decodeCounters prefers those of 64 bits, which Linux has since 4.1.
func decodeCounters(a attributes, wide, narrow uint16) (Counters, error) {
	v, ok := a[wide]
	if !ok {
		v = a[narrow]
	}
	s, err := parse(v)
	if err != nil {
		return Counters{}, err
	}
	return Counters{
		Connections: s.number(statsConnections), PacketsIn: s.number(statsPacketsIn), PacketsOut: s.number(statsPacketsOut),
		BytesIn: s.number(statsBytesIn), BytesOut: s.number(statsBytesOut), ConnectionRate: s.number(statsCPS),
		PacketRateIn: s.number(statsPPSIn), PacketRateOut: s.number(statsPPSOut), ByteRateIn: s.number(statsBPSIn), ByteRateOut: s.number(statsBPSOut),
	}, nil
}

// decodeSync reads an answer of cmdGetDaemon.
func decodeSync(msg []byte) (ipvs.Sync, error) {
	a, err := nested(msg, attrDaemon)
	return ipvs.Sync{Role: ipvs.Role(a.number(daemonState)), ID: uint8(a.number(daemonID)), Interface: a.text(daemonInterface)}, err
}

// decodeTimeouts reads an answer of cmdGetConfig.
func decodeTimeouts(msg []byte) (ipvs.Timeouts, error) {
	if len(msg) < sizeofHeader {
		return ipvs.Timeouts{}, errShort
	}
	a, err := parse(msg[sizeofHeader:])
	seconds := func(kind uint16) time.Duration { return time.Duration(a.number(kind)) * time.Second }
	return ipvs.Timeouts{TCP: seconds(attrTimeoutTCP), TCPFin: seconds(attrTimeoutTCPFin), UDP: seconds(attrTimeoutUDP)}, err
}
