package netlab

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Frame is one Ethernet frame as it passed the switch.
type Frame struct {
	At   time.Time // the kernel's stamp, by the real-time clock
	Data []byte
}

// Destination, Source, Type and Payload are the parts of the Ethernet header.
func (f Frame) Destination() net.HardwareAddr { return net.HardwareAddr(f.Data[0:6]) }

// Source is the sender's hardware address.
func (f Frame) Source() net.HardwareAddr { return net.HardwareAddr(f.Data[6:12]) }

// Type is the EtherType.
func (f Frame) Type() uint16 { return binary.BigEndian.Uint16(f.Data[12:14]) }

// Payload is what the frame carries.
func (f Frame) Payload() []byte { return f.Data[14:] }

// IsARP tells whether f carries ARP.
func (f Frame) IsARP() bool { return f.Type() == unix.ETH_P_ARP }

// IsIPv4 tells whether f carries IPv4 of the given protocol.
func (f Frame) IsIPv4(protocol byte) bool {
	return f.Type() == unix.ETH_P_IP && len(f.Payload()) >= 20 && f.Payload()[9] == protocol
}

// Capture collects every frame that the switch sees, once each.
type Capture struct {
	file *os.File
	done chan struct{}

	mu     sync.Mutex
	frames []Frame
	more   chan struct{} // closed when a frame comes
}

// Capture starts to collect; it ends with the lab.
func (l *Lab) Capture() *Capture {
	l.t.Helper()
	c := &Capture{done: make(chan struct{}), more: make(chan struct{})}
	l.backing.must(c.open)
	go c.collect()
	l.t.Cleanup(c.Close)
	return c
}

// open runs inside the switch. A promiscuous bridge is given all that it forwards.
func (c *Capture) open() error {
	link, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.file = os.NewFile(uintptr(fd), "capture")
	index := link.Attrs().Index
	return errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}),
	)
}

func (c *Capture) collect() {
	defer close(c.done)
	raw, err := c.file.SyscallConn()
	if err != nil {
		return
	}
	data, control := make([]byte, 1<<16), make([]byte, 128)
	for {
		var n, controls int
		var failure error
		err := raw.Read(func(fd uintptr) bool {
			n, controls, _, _, failure = unix.Recvmsg(int(fd), data, control, 0)
			return failure != unix.EAGAIN
		})
		if err != nil {
			return // closed
		}
		if failure == nil && n >= 14 {
			c.add(Frame{At: stamp(control[:controls]), Data: append([]byte(nil), data[:n]...)})
		}
	}
}

func stamp(control []byte) time.Time {
	messages, _ := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS &&
			len(m.Data) >= int(unsafe.Sizeof(syscall.Timespec{})) {
			return time.Unix((*syscall.Timespec)(unsafe.Pointer(&m.Data[0])).Unix())
		}
	}
	return time.Now()
}

func (c *Capture) add(f Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, f)
	close(c.more)
	c.more = make(chan struct{})
}

// Frames returns what was collected so far and matches; nil matches all.
func (c *Capture) Frames(matches func(Frame) bool) []Frame {
	frames, _ := c.now(matches)
	return frames
}

func (c *Capture) now(matches func(Frame) bool) ([]Frame, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []Frame
	for _, f := range c.frames {
		if matches == nil || matches(f) {
			found = append(found, f)
		}
	}
	return found, c.more
}

// Wait returns the matching frames as soon as there are n of them, or what there is
// of them after the time given.
func (c *Capture) Wait(n int, within time.Duration, matches func(Frame) bool) []Frame {
	deadline := time.After(within)
	for {
		found, more := c.now(matches)
		if len(found) >= n {
			return found
		}
		select {
		case <-more:
		case <-deadline:
			return found
		}
	}
}

// Close stops collecting.
func (c *Capture) Close() {
	_ = c.file.Close()
	<-c.done
}
