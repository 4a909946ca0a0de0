package ipvsnet

import (
	"fmt"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// batchMost is how many changes of servers are sent at a time. The kernel makes them while
// it takes them; all answers have room in the socket.
const batchMost = 64

// ofServer tells whether a change is of a server, and so fit for a batch.
func ofServer(op ipvs.Op) bool {
	switch op.(type) {
	case ipvs.AddServer, ipvs.EditServer, ipvs.RemoveServer:
		return true
	}
	return false
}

// encodeChange is a change of a server as a command.
func encodeChange(op ipvs.Op) (command uint8, key, server *nl.RtAttr) {
	switch op := op.(type) {
	case ipvs.AddServer:
		return cmdNewDest, encodeKey(op.Key), encodeServer(op.Server)
	case ipvs.EditServer:
		return cmdSetDest, encodeKey(op.Key), encodeServer(op.Server)
	case ipvs.RemoveServer:
		return cmdDelDest, encodeKey(op.Key), encodeServer(ipvs.Server{Address: op.Address})
	}
	panic(fmt.Sprintf("ipvsnet: %T is not of a server", op))
}

// batch makes some changes of servers, and tells of each how it ended.
func (k *Kernel) batch(ops []ipvs.Op) []error {
	ended := make([]error, 0, len(ops))
	for some := range slices.Chunk(ops, batchMost) {
		ended = append(ended, k.batchSome(some)...)
	}
	return ended
}

func (k *Kernel) batchSome(ops []ipvs.Op) []error {
	s := k.sockets[unix.NETLINK_GENERIC]
	first := s.Seq + 1
	var all []byte
	for _, op := range ops {
		command, key, server := encodeChange(op)
		req := nl.NewNetlinkRequest(int(k.family), unix.NLM_F_ACK)
		s.Seq++
		req.Seq = s.Seq
		req.AddData(header{command})
		req.AddData(key)
		req.AddData(server)
		all = append(all, req.Serialize()...)
	}
	err := unix.Sendto(s.Socket.GetFd(), all, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	if err != nil {
		return slices.Repeat([]error{err}, len(ops))
	}
	return k.answers(first, len(ops))
}

// answers reads the answers to n commands, which are there by now. Where one is not, it
// and those after it have failed.
func (k *Kernel) answers(first uint32, n int) []error {
	ended := make([]error, n)
	buf := make([]byte, unix.Getpagesize())
	for left := n; left > 0; {
		size, _, err := unix.Recvfrom(k.sockets[unix.NETLINK_GENERIC].Socket.GetFd(), buf, unix.MSG_DONTWAIT)
		var msgs []syscall.NetlinkMessage
		if err == nil {
			msgs, err = syscall.ParseNetlinkMessage(buf[:size])
		}
		if err != nil {
			for i := n - left; i < n; i++ {
				ended[i] = fmt.Errorf("no answer of the kernel: %w", err)
			}
			return ended
		}
		for _, m := range msgs {
			i := m.Header.Seq - first
			if m.Header.Type != unix.NLMSG_ERROR || i >= uint32(n) || len(m.Data) < 4 {
				continue // of something that was given up
			}
			if errno := int32(native.Uint32(m.Data)); errno != 0 {
				ended[i] = syscall.Errno(-errno)
			}
			left--
		}
	}
	return ended
}
