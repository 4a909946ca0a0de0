package vrrpnet

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The values of an ARP frame (RFC 826).
const (
	arpHardwareEthernet = 1
	arpRequest          = 1
	arpReply            = 2
	arpLengths          = 6<<8 | 4 // of the hardware and of the protocol addresses
)

// Offsets in an Ethernet frame that carries ARP (RFC 826).
const (
	offHardware  = 14 // hardware and protocol type
	offLengths   = 18
	offSenderMAC = 22
	offSender    = 28
	offTarget    = 38
	arpFrameSize = 42
)

// arpFrame is what differs between the ARP frames sent here: all are broadcast.
type arpFrame struct {
	operation uint16
	senderMAC net.HardwareAddr
	sender    netip.Addr
	targetMAC net.HardwareAddr // nil: zero, as in a request
	target    netip.Addr
}

func (f arpFrame) bytes() []byte {
	b := make([]byte, 0, arpFrameSize)
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = append(b, f.senderMAC...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_ARP)
	b = binary.BigEndian.AppendUint16(b, arpHardwareEthernet)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_IP)
	b = binary.BigEndian.AppendUint16(b, arpLengths)
	b = binary.BigEndian.AppendUint16(b, f.operation)
	b = append(b, f.senderMAC...)
	b = append(b, f.sender.AsSlice()...)
	mac := [6]byte{}
	copy(mac[:], f.targetMAC)
	b = append(b, mac[:]...)
	return append(b, f.target.AsSlice()...)
}

// heardARP reads a claim or a probe from an Ethernet frame.
func heardARP(b []byte) (Heard, bool) {
	if len(b) < arpFrameSize ||
		binary.BigEndian.Uint16(b[offEtherType:]) != unix.ETH_P_ARP ||
		binary.BigEndian.Uint32(b[offHardware:]) != arpHardwareEthernet<<16|unix.ETH_P_IP ||
		binary.BigEndian.Uint16(b[offLengths:]) != arpLengths {
		return Heard{}, false
	}
	h := Heard{
		Address: addr4(b[offSender:]),
		MAC:     bytes.Clone(b[offSenderMAC:offSender]),
	}
	if h.Address.IsUnspecified() {
		h.Address, h.Probe = addr4(b[offTarget:]), true
	}
	return h, true
}

// networkOrder turns a protocol number into what packet(7) wants.
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
