package vrrpnet

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The values of an ARP frame (RFC 826).
const (
	arpHardwareEthernet = 1
	arpRequest          = 1
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
	b = append(b, 6, 4)
	b = binary.BigEndian.AppendUint16(b, f.operation)
	b = append(b, f.senderMAC...)
	b = append(b, f.sender.AsSlice()...)
	mac := [6]byte{}
	copy(mac[:], f.targetMAC)
	b = append(b, mac[:]...)
	return append(b, f.target.AsSlice()...)
}

// heard reads a frame that passed arpFilter.
func heard(b []byte) (Heard, bool) {
	if len(b) < arpFrameSize {
		return Heard{}, false
	}
	h := Heard{
		Address: netip.AddrFrom4([4]byte(b[offSender:])),
		MAC:     net.HardwareAddr(append([]byte(nil), b[offSenderMAC:offSender]...)),
	}
	if h.Address.IsUnspecified() {
		h.Address, h.Probe = netip.AddrFrom4([4]byte(b[offTarget:])), true
	}
	return h, true
}

// networkOrder turns a protocol number into what packet(7) wants.
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
