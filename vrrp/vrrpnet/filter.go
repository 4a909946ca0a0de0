package vrrpnet

import (
	"encoding/binary"
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

// advertFilter keeps the adverts of the given virtual routers. No jump is longer than
// one instruction, so it may be as long as there are VRIDs.
func advertFilter(over Transport, vrids []uint8) []bpf.Instruction {
	program := loadVRID(over)
	for _, vrid := range vrids {
		program = append(program, keepIf(uint32(vrid))...)
	}
	return append(program, drop)
}

// loadVRID loads the VRID of an advert; a message too short for one ends the filter
// with drop. The filter of a raw IPv4 socket sees the IP header first, that of an IPv6
// socket does not.
func loadVRID(over Transport) []bpf.Instruction {
	switch over {
	case Over6:
		return []bpf.Instruction{bpf.LoadAbsolute{Off: 1, Size: 1}}
	case OverAH:
		return []bpf.Instruction{
			bpf.LoadMemShift{Off: 0},          // X: length of the IP header
			bpf.LoadIndirect{Off: 0, Size: 1}, // next header of AH (RFC 2402 2)
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: vrrp.Protocol, SkipTrue: 1},
			drop,
			bpf.LoadIndirect{Off: 1, Size: 1}, // length of AH in 32-bit words, less 2
			bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 2},
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
			bpf.ALUOpX{Op: bpf.ALUOpAdd},
			bpf.TAX{},
			bpf.LoadIndirect{Off: 1, Size: 1},
		}
	}
	return []bpf.Instruction{
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 1, Size: 1},
	}
}

// Offsets in an Ethernet frame.
const (
	offEtherSource = 6
	offEtherType   = 12
	etherHeaderLen = 14
)

// frameFilter begins the filter of a packet socket: nothing for another host or on a
// VLAN that is not here, and no other EtherType.
func frameFilter(etherType uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_OTHERHOST, SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offEtherType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherType, SkipTrue: 1},
		drop,
	}
}

// filteredAddresses is how many addresses a filter looks for one by one. With more it
// keeps all of its kind, and Receive looks: the kernel bounds a filter to 4096
// instructions, and its memory by net.core.optmem_max.
const filteredAddresses = 256

// arpFilter keeps ARP whose sender is one of addrs, and probes for one of them
// (RFC 5227 1.1: sender 0.0.0.0).
func arpFilter(addrs []netip.Addr) []bpf.Instruction {
	program := append(frameFilter(unix.ETH_P_ARP),
		bpf.LoadAbsolute{Off: offHardware, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arpHardwareEthernet<<16 | unix.ETH_P_IP, SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offLengths, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arpLengths, SkipTrue: 1},
		drop,
	)
	if len(addrs) > filteredAddresses {
		return append(program, keep)
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

// ndpFilter keeps neighbour advertisements, and neighbour solicitations from ::, which
// ask whether an address is free; if nothing is watched, nothing.
func ndpFilter(addrs []netip.Addr) []bpf.Instruction {
	if len(addrs) == 0 {
		return []bpf.Instruction{drop}
	}
	program := append(frameFilter(unix.ETH_P_IPV6),
		bpf.LoadAbsolute{Off: offNextHeader, Size: 2}, // and the hop limit
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_ICMPV6<<8 | ndHopLimit, SkipTrue: 1},
		drop,
		bpf.LoadAbsolute{Off: offICMP, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: neighbourAdvertisement, SkipTrue: 1},
		keep,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: neighbourSolicitation, SkipTrue: 1},
		drop,
	)
	for word := range uint32(4) {
		program = append(program,
			bpf.LoadAbsolute{Off: offSource6 + 4*word, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
			drop,
		)
	}
	return append(program, keep)
}

// Offsets in a netlink message, whose numbers are in the host's order.
const (
	offMessageType = 4
	offMessagePort = 12
)

// noticeFilter drops the notices of addresses that sockets with the given ports put, and
// keeps all others, in whatever length.
func noticeFilter(ports []uint32) []bpf.Instruction {
	whole := bpf.RetConstant{Val: 1<<32 - 1}
	var b [4]byte
	binary.NativeEndian.PutUint16(b[:], unix.RTM_NEWADDR)
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offMessageType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(binary.BigEndian.Uint16(b[:])), SkipTrue: 1},
		whole,
		bpf.LoadAbsolute{Off: offMessagePort, Size: 4},
	}
	for _, p := range ports {
		binary.NativeEndian.PutUint32(b[:], p)
		program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(b[:]), SkipTrue: 1}, drop)
	}
	return append(program, whole)
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
