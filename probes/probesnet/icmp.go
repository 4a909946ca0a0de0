package probesnet

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/probes"
)

// Types of ICMP (RFC 792, RFC 4443).
const (
	echoRequest  = 8
	echoReply    = 0
	echoRequest6 = 128
	echoReply6   = 129
)

// requests is how many echo requests a look sends at the most: one may get lost.
const requests = 3

// icmpProbe sends echo requests from a socket of its own, until one is answered.
type icmpProbe struct {
	host     string
	timeout  time.Duration
	resolver *net.Resolver
}

func newICMPProbe(c probes.ICMP, timeout time.Duration, r *net.Resolver) *icmpProbe {
	return &icmpProbe{host: c.Host, timeout: timeout, resolver: r}
}

func (p *icmpProbe) look(ctx context.Context) Result {
	var how progress
	start := time.Now()
	if err := p.ping(ctx, &how); err != nil {
		return Result{Detail: p.host + ": " + how.explain(err, p.timeout)}
	}
	return Result{OK: true, Answered: true, Detail: fmt.Sprintf("%s: answered in %s", p.host, time.Since(start).Round(10*time.Microsecond))}
}

func (p *icmpProbe) ping(ctx context.Context, how *progress) error {
	to, err := p.resolve(how.follow(ctx))
	if err != nil {
		return err
	}
	e := newEcho(to)
	s, err := openPing(to, e)
	if err != nil {
		return err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })()
	for {
		err := e.exchange(ctx, s, p.timeout/requests)
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

func (p *icmpProbe) resolve(ctx context.Context) (netip.Addr, error) {
	if a, err := netip.ParseAddr(p.host); err == nil {
		return a.Unmap(), nil
	}
	all, err := p.resolver.LookupNetIP(ctx, "ip", p.host)
	if err != nil {
		return netip.Addr{}, err
	}
	return all[0].Unmap(), nil
}

// pingSocket is a connected socket: the kernel gives it only what comes from the host.
type pingSocket struct {
	*os.File
}

// openPing opens a raw socket that gets the answers to e alone, or without the capability
// for it a ping socket, which the kernel has for members of some groups.
func openPing(to netip.Addr, e echo) (*pingSocket, error) {
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if to.Is6() {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(family, unix.SOCK_RAW|flags, protocol)
	if err == nil {
		if err = e.filter(fd); err != nil {
			_ = unix.Close(fd)
			return nil, err
		}
	}
	if errors.Is(err, unix.EPERM) {
		if fd, err = unix.Socket(family, unix.SOCK_DGRAM|flags, protocol); err != nil {
			return nil, errors.New("not permitted to send ICMP: give CAP_NET_RAW, or the daemon's group in net.ipv4.ping_group_range")
		}
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := connectPing(fd, to); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &pingSocket{os.NewFile(uintptr(fd), "icmp")}, nil
}

// connectPing connects the socket; that a host is unreachable is told at once then.
func connectPing(fd int, to netip.Addr) error {
	level, option := unix.SOL_IP, unix.IP_RECVERR
	if to.Is6() {
		level, option = unix.SOL_IPV6, unix.IPV6_RECVERR
	}
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if to.Is4() {
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: to.As4()})
	}
	sa := &unix.SockaddrInet6{Addr: to.As16()}
	if zone := to.Zone(); zone != "" {
		i, err := net.InterfaceByName(zone)
		if err != nil {
			return fmt.Errorf("there is no interface %s", zone)
		}
		sa.ZoneId = uint32(i.Index)
	}
	return unix.Connect(fd, sa)
}

// echo is one request. The kernel sets the identifier of a ping socket, so that only the
// random payload tells whose answer it is.
type echo struct {
	v6      bool
	payload [16]byte
}

func newEcho(to netip.Addr) echo {
	e := echo{v6: to.Is6()}
	_, _ = rand.Read(e.payload[:]) // never errs
	return e
}

// exchange sends the request, and waits for its answer; os.ErrDeadlineExceeded: none came,
// or ctx has ended.
func (e *echo) exchange(ctx context.Context, s *pingSocket, wait time.Duration) error {
	if _, err := s.Write(e.request()); err != nil {
		return err
	}
	_ = s.SetReadDeadline(time.Now().Add(wait))
	for buf := make([]byte, 2048); ctx.Err() == nil; {
		n, err := s.Read(buf)
		if err != nil {
			return err
		}
		if e.answeredBy(buf[:n]) {
			return nil
		}
	}
	return os.ErrDeadlineExceeded
}

const echoHeader = 8

func (e *echo) request() []byte {
	b := make([]byte, echoHeader, echoHeader+len(e.payload))
	b[0] = echoRequest
	if e.v6 {
		b[0] = echoRequest6
	}
	copy(b[4:8], e.payload[:4]) // identifier and sequence number
	b = append(b, e.payload[:]...)
	if !e.v6 { // the kernel does that of ICMPv6
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

// answeredBy tells whether a packet is the answer. A raw socket of IPv4 brings the
// header of IP along.
func (e *echo) answeredBy(b []byte) bool {
	reply := byte(echoReply6)
	if !e.v6 {
		reply = echoReply
		if len(b) > 0 && b[0]>>4 == 4 {
			b = b[min(int(b[0]&0xf)*4, len(b)):]
		}
	}
	return len(b) >= echoHeader && b[0] == reply && b[1] == 0 && bytes.Equal(b[echoHeader:], e.payload[:])
}

// filter has a raw socket drop what does not bear the identifier and sequence number of the
// request: every such socket of a host gets all ICMP, and would overflow.
func (e *echo) filter(fd int) error {
	id := bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(e.payload[:]), SkipTrue: 1}
	program := []bpf.Instruction{bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: 4, Size: 4}, id}
	if e.v6 { // without a header of IP
		program = []bpf.Instruction{bpf.LoadAbsolute{Off: 4, Size: 4}, id}
	}
	raw, err := bpf.Assemble(append(program, bpf.RetConstant{Val: 1 << 16}, bpf.RetConstant{Val: 0}))
	if err != nil {
		return err
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return os.NewSyscallError("filter", unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}))
}

// checksum is that of the Internet (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
