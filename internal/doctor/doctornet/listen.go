package doctornet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

const protocolUDP = 17

// listen hears VRRP and CARP on the interfaces of the routers, and the heartbeat on those of
// its links, before this host's packet filter sees them.
func (r *reader) listen(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var names []string
	for i := range r.Config.Routers {
		names = append(names, r.Config.Routers[i].AdvertsOn())
	}
	for _, link := range r.Config.Heartbeat.Links {
		r.Beats = append(r.Beats, doctor.Beat{Local: link.Local, Peer: link.Peer})
		names = append(names, r.ifaceOf(link.Local.Addr()))
	}
	slices.Sort(names)
	var ears sync.WaitGroup
	for _, name := range slices.Compact(names) {
		i := slices.IndexFunc(r.Interfaces, func(one doctor.Interface) bool { return one.Name == name })
		if i < 0 {
			continue // that it is not there is said elsewhere
		}
		ears.Go(func() {
			if err := r.listenOn(ctx, r.Interfaces[i]); err != nil {
				r.unread(doctor.AreaPackets, fmt.Sprintf("listening on %s: %v", name, permitted(err)))
			}
		})
	}
	ears.Wait()
}

// permitted says what to do about a missing permission.
func permitted(err error) error {
	if errors.Is(err, unix.EPERM) {
		return errors.New("run doctor as root")
	}
	return err
}

func (r *reader) ifaceOf(a netip.Addr) string {
	for _, i := range r.Interfaces {
		if slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == a }) {
			return i.Name
		}
	}
	return ""
}

// The groups' MAC addresses, which an interface lets in only where somebody wants them.
var groups = [][8]byte{{1, 0, 0x5e, 0, 0, 0x12}, {0x33, 0x33, 0, 0, 0, 0x12}}

func (r *reader) listenOn(ctx context.Context, on doctor.Interface) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := r.prepare(fd, on.Index); err != nil {
		return err
	}
	buffer := make([]byte, 2048)
	for ctx.Err() == nil {
		n, from, err := unix.Recvfrom(fd, buffer, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENETDOWN):
			return nil // that it is down is said elsewhere
		case err != nil:
			return err
		}
		if l, ok := from.(*unix.SockaddrLinklayer); ok && l.Pkttype != unix.PACKET_OUTGOING {
			r.heard(on.Name, net.HardwareAddr(l.Addr[:min(int(l.Halen), 8)]).String(), buffer[:n])
		}
	}
	return nil
}

func (r *reader) prepare(fd, index int) error {
	raw, err := bpf.Assemble(r.program())
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, one := range raw {
		program[i] = unix.SockFilter{Code: one.Op, Jt: one.Jt, Jf: one.Jf, K: one.K}
	}
	patience := unix.NsecToTimeval(int64(100 * time.Millisecond))
	err = errors.Join(
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}),
	)
	for _, group := range groups {
		err = errors.Join(err, unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_MULTICAST, Alen: 6, Address: group}))
	}
	return err
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// program lets in VRRP, CARP and AH, and UDP to the heartbeat's ports; a packet begins with
// its IP header.
func (r *reader) program() []bpf.Instruction {
	accept, drop := bpf.RetConstant{Val: 2048}, bpf.RetConstant{}
	var tests []bpf.Instruction // of the port in A
	for _, link := range r.Config.Heartbeat.Links {
		tests = append(tests, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(link.Local.Port()), SkipTrue: 1}, accept)
	}
	family := func(protocolAt uint32, port ...bpf.Instruction) []bpf.Instruction {
		return slices.Concat([]bpf.Instruction{
			bpf.LoadAbsolute{Off: protocolAt, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: vrrp.Protocol, SkipTrue: 1}, accept,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: vrrp.ProtocolAH, SkipTrue: 1}, accept,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolUDP, SkipTrue: 1}, drop,
		}, port, tests, []bpf.Instruction{drop})
	}
	v4 := family(9, bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: 2, Size: 2})
	v6 := family(6, bpf.LoadAbsolute{Off: 42, Size: 2})
	return slices.Concat(
		[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: uint8(len(v4))}}, v4,
		[]bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipTrue: 1}, drop}, v6)
}

// heard notes one packet.
func (r *reader) heard(on, mac string, b []byte) {
	p, ok := readPacket(b)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.protocol == protocolUDP {
		for i := range r.Beats {
			if beat := &r.Beats[i]; beat.Peer.Addr() == p.from && beat.Local == netip.AddrPortFrom(p.to, binary.BigEndian.Uint16(p.payload[2:])) {
				beat.Count++
			}
		}
		return
	}
	ad, ok := readAdvert(p)
	if !ok {
		return
	}
	ad.Interface, ad.MAC = on, mac
	for i := range r.Adverts {
		if one := &r.Adverts[i]; one.Interface == on && one.From == ad.From && one.VRID == ad.VRID && one.CARP == ad.CARP && one.Version == ad.Version {
			ad.Count = one.Count + 1
			*one = ad
			return
		}
	}
	if len(r.Adverts) < 1000 { // a flood is no reason to grow
		r.Adverts = append(r.Adverts, ad)
	}
}

// packet is an IP packet taken apart.
type packet struct {
	from, to netip.Addr
	protocol uint8
	payload  []byte // 8 bytes at the least
}

func readPacket(b []byte) (p packet, ok bool) {
	if len(b) < 20 {
		return p, false
	}
	switch b[0] >> 4 {
	case 4:
		header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if header < 20 || total < header || total > len(b) {
			return p, false
		}
		p = packet{netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[9], b[header:total]}
	case 6:
		if len(b) < 40 || 40+int(binary.BigEndian.Uint16(b[4:])) > len(b) {
			return p, false
		}
		p = packet{netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), b[6], b[40 : 40+int(binary.BigEndian.Uint16(b[4:]))]}
	}
	return p, len(p.payload) >= 8
}

// readAdvert reads who speaks, whatever the authentication and whether or not a router
// would accept it.
func readAdvert(p packet) (ad doctor.Advert, ok bool) {
	b := p.payload
	if p.protocol == vrrp.ProtocolAH {
		size := (int(b[1]) + 2) * 4
		if b[0] != vrrp.Protocol || len(b) < size+8 {
			return ad, false
		}
		b = b[size:]
	}
	if b[0]&15 != 1 {
		return ad, false
	}
	ad = doctor.Advert{From: p.from, Version: int(b[0] >> 4), VRID: int(b[1]), Count: 1}
	if ad.CARP = vrrp.IsCARP(b); ad.CARP {
		return ad, true
	}
	ad.Priority = int(b[2])
	size := 4
	if p.from.Is6() {
		size = 16
	}
	for at, n := 8, int(b[3]); n > 0 && at+size <= len(b); at, n = at+size, n-1 {
		if a, ok := netip.AddrFromSlice(b[at : at+size]); ok {
			ad.Addresses = append(ad.Addresses, a)
		}
	}
	return ad, true
}
