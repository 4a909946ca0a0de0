package hosts

import (
	wire "encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// heartbeatPort is the heartbeat's, on both nodes.
const heartbeatPort = 6940

// cable is the switch's end of a host's cable, where frames are sent to the host and listened to.
type cable struct {
	t  *testing.T
	fd int
}

func newCable(t *testing.T, h *hostlab.Host, nic int) *cable {
	t.Helper()
	link, err := net.InterfaceByName(h.Port(nic))
	if err != nil {
		t.Fatal(err)
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}); err != nil {
		t.Fatal(err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	return &cable{t, fd}
}

// recorded is a heartbeat that has passed.
type recorded struct {
	from, to netip.Addr
	message  []byte
}

// heartbeats are those that pass within a time.
func (c *cable) heartbeats(long time.Duration) (list []recorded) {
	c.t.Helper()
	wait := unix.NsecToTimeval(int64(50 * time.Millisecond))
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		c.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for end := time.Now().Add(long); time.Now().Before(end); {
		n, _, err := unix.Recvfrom(c.fd, buf, 0)
		if err == nil && n > 42 && buf[23] == unix.IPPROTO_UDP && wire.BigEndian.Uint16(buf[36:]) == heartbeatPort {
			list = append(list, recorded{netip.AddrFrom4([4]byte(buf[26:])), netip.AddrFrom4([4]byte(buf[30:])), slices.Clone(buf[42:n])})
		}
	}
	if len(list) == 0 {
		c.t.Fatal("no heartbeat was seen on the cable")
	}
	return list
}

// datagram is a frame with a message from one address to another, in the hosts' second network.
func datagram(to *hostlab.Host, from string, message []byte) []byte {
	dst, src := netip.MustParseAddr(to.HeartbeatAddr()), netip.MustParseAddr(from)
	mac := func(a netip.Addr) []byte { return []byte{0x02, 0x10, 0x78, 0, 0, a.As4()[3]} }
	f := append(mac(dst), mac(src)...)
	f = wire.BigEndian.AppendUint16(f, unix.ETH_P_IP)
	f = append(f, 0x45, 0)
	f = wire.BigEndian.AppendUint16(f, uint16(28+len(message)))
	f = append(f, 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0)
	f = append(append(f, src.AsSlice()...), dst.AsSlice()...)
	wire.BigEndian.PutUint16(f[24:], checksum(f[14:34]))
	f = wire.BigEndian.AppendUint16(f, heartbeatPort)
	f = wire.BigEndian.AppendUint16(f, heartbeatPort)
	f = wire.BigEndian.AppendUint16(f, uint16(8+len(message)))
	return append(append(f, 0, 0), message...) // no checksum of UDP
}

// checksum is that of an IPv4 header (RFC 1071).
func checksum(header []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(header); i += 2 {
		sum += uint32(wire.BigEndian.Uint16(header[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func (c *cable) send(frame []byte) {
	c.t.Helper()
	if _, err := unix.Write(c.fd, frame); err != nil {
		c.t.Fatalf("%v: is the host off?", err)
	}
}

// flood sends a frame as often as the machine can for a time, and returns how often.
func (c *cable) flood(frame []byte, long time.Duration) (sent int) {
	c.t.Helper()
	const batch = 64
	type message struct {
		unix.Msghdr
		n uint32
	}
	vector := unix.Iovec{Base: &frame[0]}
	vector.SetLen(len(frame))
	var many [batch]message
	for i := range many {
		many[i].Iov = &vector
		many[i].SetIovlen(1)
	}
	for end := time.Now().Add(long); time.Now().Before(end); {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&many[0])), batch, 0, 0, 0)
		if errno == 0 {
			sent += int(n)
		}
	}
	return sent
}
