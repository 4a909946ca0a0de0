package vrrpnet

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// What a filter answers: how many bytes of the packet to keep.
var (
	keep = bpf.RetConstant{Val: 1 << 16}
	drop = bpf.RetConstant{Val: 0}
)

// advertFilter keeps the adverts of the given virtual routers. A raw IPv4 socket's
// filter sees the IP header first.
func advertFilter(vrids []uint8) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1}, // protocol
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.Protocol, SkipTrue: 1},
		drop,
		bpf.LoadMemShift{Off: 0},          // X: length of the IP header
		bpf.LoadIndirect{Off: 1, Size: 1}, // VRID; a shorter message ends the filter with drop
	}
	for _, vrid := range vrids {
		program = append(program, keepIf(uint32(vrid))...)
	}
	return append(program, drop)
}

// Offsets in an Ethernet frame that carries ARP (RFC 826).
const (
	offEtherType = 12
	offHardware  = 14 // hardware and protocol type
	offLengths   = 18 // hardware and protocol address length
	offSenderMAC = 22
	offSender    = 28
	offTarget    = 38
	arpFrameSize = 42
)

// arpFilter keeps ARP whose sender is one of addrs, and probes for one of them
// (RFC 5227 1.1: sender 0.0.0.0), from any MAC but own.
func arpFilter(own net.HardwareAddr, addrs []netip.Addr) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType}, // for another host, or on a VLAN that is not here
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_OTHERHOST, SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offEtherType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_ARP, SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offHardware, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arpHardwareEthernet<<16 | unix.ETH_P_IP, SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offLengths, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6<<8 | 4, SkipTrue: 1},
		drop,
	}
	if len(own) == 6 {
		program = append(program,
			bpf.LoadAbsolute{Off: offSenderMAC, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(own), SkipTrue: 3},
			bpf.LoadAbsolute{Off: offSenderMAC + 4, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(own[4:])), SkipTrue: 1},
			drop,
		)
	}
	program = append(program,
		bpf.LoadAbsolute{Off: offSender, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 1},
		bpf.LoadAbsolute{Off: offTarget, Size: 4}, // a probe is about its target
	)
	for _, a := range addrs {
		ip := a.As4()
		program = append(program, keepIf(binary.BigEndian.Uint32(ip[:]))...)
	}
	return append(program, drop)
}

// keepIf keeps the packet if the accumulator is v.
func keepIf(v uint32) []bpf.Instruction {
	return []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: v, SkipTrue: 1}, keep}
}

// attach puts a filter on a socket in place of the one before.
func attach(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}
