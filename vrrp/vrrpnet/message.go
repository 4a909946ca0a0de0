package vrrpnet

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is a msghdr (recvmsg(2)) with all that it points to, used again and again:
// the calls of package unix allocate. It must not be copied once it was used.
type message struct {
	header  unix.Msghdr
	vector  unix.Iovec
	name    [unix.SizeofSockaddrInet6]byte
	length  int // of name, when sending
	control []byte
}

// receive reads one packet into b; name and received then say more of it.
func (m *message) receive(fd int, b []byte) (int, error) {
	m.point(b, len(m.name))
	return m.call(unix.SYS_RECVMSG, fd)
}

// send writes one packet.
func (m *message) send(fd int, b []byte) error {
	m.point(b, m.length)
	_, err := m.call(unix.SYS_SENDMSG, fd)
	return err
}

// point puts the header together.
func (m *message) point(b []byte, name int) {
	m.vector.Base = unsafe.SliceData(b)
	m.vector.SetLen(len(b))
	m.header = unix.Msghdr{Name: &m.name[0], Namelen: uint32(name), Iov: &m.vector, Control: &m.control[0]}
	m.header.SetIovlen(1)
	m.header.SetControllen(len(m.control))
}

// call never blocks, so the scheduler need not know of it.
func (m *message) call(number uintptr, fd int) (int, error) {
	n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(&m.header)), unix.MSG_DONTWAIT)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// received are the control messages of the packet received last.
func (m *message) received() []byte { return m.control[:m.header.Controllen] }

// Offsets in sockaddr_in (ip(7)) and sockaddr_in6 (ipv6(7)).
const (
	offName4 = 4
	offName6 = 8
	offScope = 24
)

// to makes a the destination; index is the interface of a link-local one.
func (m *message) to(a netip.Addr, index int) {
	m.name = [unix.SizeofSockaddrInet6]byte{}
	if a.Is4() {
		ip := a.As4()
		binary.NativeEndian.PutUint16(m.name[:], unix.AF_INET)
		copy(m.name[offName4:], ip[:])
		m.length = unix.SizeofSockaddrInet4
		return
	}
	ip := a.As16()
	binary.NativeEndian.PutUint16(m.name[:], unix.AF_INET6)
	copy(m.name[offName6:], ip[:])
	binary.NativeEndian.PutUint32(m.name[offScope:], uint32(index))
	m.length = unix.SizeofSockaddrInet6
}

// from6 is the sender of the IPv6 packet received last, without a zone.
func (m *message) from6() netip.Addr { return addr6(m.name[offName6:]) }
