package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// settleType is the EtherType of the frames that try a cable: free for local use
// (IEEE 802).
const settleType = 0x88b5

const settleTime = 20 * time.Second

// Settle waits until frames pass in both directions: for a moment after an
// interface was set up the kernel still drops them.
func (c *Cable) Settle() {
	c.host.lab.t.Helper()
	if err := c.try(); err != nil {
		c.host.lab.t.Fatalf("host %s: %s: %v", c.host.Name, c.Name, err)
	}
}

func (c *Cable) try() error {
	near, err := c.host.openEnd(c.Name)
	if err != nil {
		return err
	}
	defer near.close()
	far, err := c.lab.backing.openEnd(bridge)
	if err != nil {
		return err
	}
	defer far.close()
	out, in := false, false
	for end := time.Now().Add(settleTime); !out || !in; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("nothing passes after %s: to the switch %t, from the switch %t", settleTime, out, in)
		}
		near.send(1)
		far.send(2)
		out = out || far.received(1)
		in = in || near.received(2)
	}
	return nil
}

// cableEnd is a packet socket at one end of a cable.
type cableEnd struct{ fd, index int }

func (h *Host) openEnd(name string) (e cableEnd, err error) {
	err = inNamespace(h.fd, func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		e.index = link.Attrs().Index
		e.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := unix.Bind(e.fd, e.address()); err != nil {
			return errors.Join(err, unix.Close(e.fd))
		}
		return nil
	})
	return e, err
}

func (e cableEnd) close() { _ = unix.Close(e.fd) }

func (e cableEnd) address() *unix.SockaddrLinklayer {
	return &unix.SockaddrLinklayer{Protocol: networkOrder(settleType), Ifindex: e.index}
}

// send broadcasts a frame with a mark; one that is lost is sent again.
func (e cableEnd) send(mark byte) {
	frame := [60]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0xff, 0xff, mark, settleType >> 8, settleType & 0xff, mark}
	_ = unix.Sendto(e.fd, frame[:], 0, e.address())
}

func (e cableEnd) received(mark byte) bool {
	var frame [64]byte
	for {
		n, _, err := unix.Recvfrom(e.fd, frame[:], 0)
		if err != nil {
			return false
		}
		if n > 14 && frame[14] == mark {
			return true
		}
	}
}

// networkOrder turns a protocol number into what packet(7) wants.
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
