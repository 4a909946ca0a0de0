package vrrpnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// answerTime is how long the kernel may take to answer. It takes a lock that other
// programs can hold for long (rtnetlink(7)).
const answerTime = 5 * time.Second

// routeSocket is a netlink socket to the kernel's routing part, or to another one.
type routeSocket struct {
	file     *os.File
	raw      syscall.RawConn
	sequence uint32
	buffer   []byte
}

// openRoute opens a socket that also hears the given RTMGRP_ groups.
func openRoute(groups uint32) (*routeSocket, error) { return openNetlink(unix.NETLINK_ROUTE, groups) }

// openNetlink opens a socket to the part of the kernel that a protocol of netlink(7) names.
func openNetlink(protocol int, groups uint32) (*routeSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "netlink")
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return nil, errors.Join(fmt.Errorf("netlink socket for groups %#x: %w", groups, err), file.Close())
	}
	for _, option := range []int{
		unix.NETLINK_EXT_ACK,        // errors in words
		unix.NETLINK_CAP_ACK,        // acknowledgements without the request
		unix.NETLINK_GET_STRICT_CHK, // dumps of one interface
	} {
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, 1) // older kernels do without
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &routeSocket{file: file, raw: raw, buffer: make([]byte, 1<<15)}, nil
}

// Close ends a Receive under way.
func (s *routeSocket) Close() error { return s.file.Close() }

// ask sends all requests in one message and gives the answers to each, whose bytes
// are valid during the call only. The errors are by request.
func (s *routeSocket) ask(requests []*nl.NetlinkRequest, each func(*syscall.NetlinkMessage)) ([]error, error) {
	var out []byte
	first := s.sequence + 1
	for _, r := range requests {
		s.sequence++
		r.Seq = s.sequence
		out = append(out, r.Serialize()...)
	}
	deadline := time.Now().Add(answerTime)
	if err := s.send(out, deadline); err != nil {
		return nil, err
	}
	errs := make([]error, len(requests))
	for open := len(requests); open > 0; {
		messages, err := s.receive(deadline)
		if err != nil {
			return nil, err
		}
		for i := range messages {
			m := &messages[i]
			at := m.Header.Seq - first
			if at >= uint32(len(requests)) {
				continue // a notice, or an answer that came too late
			}
			ends, err := outcome(m, requests[at].Flags)
			if err != nil {
				errs[at] = err
			} else if m.Header.Type >= unix.NLMSG_MIN_TYPE {
				each(m)
			}
			if ends {
				open--
			}
		}
	}
	return errs, nil
}

// number gives numbers to n requests, and returns the first.
func (s *routeSocket) number(n int) (first uint32) {
	first = s.sequence + 1
	s.sequence += uint32(n)
	return first
}

// refusal is why the kernel did not do a request.
type refusal struct {
	request int // which one of the message
	err     error
}

// order sends a message of n requests, numbered from first on, of which the last one
// wants an acknowledgement. It returns which ones were refused. Of a transaction none is
// answered after the first one was refused.
func (s *routeSocket) order(message []byte, first uint32, n int, transaction bool) ([]refusal, error) {
	deadline := time.Now().Add(answerTime)
	if err := s.send(message, deadline); err != nil {
		return nil, err
	}
	var refused []refusal
	for {
		messages, err := s.receive(deadline)
		if err != nil {
			return nil, err
		}
		for i := range messages {
			m := &messages[i]
			at := m.Header.Seq - first
			if at >= uint32(n) || m.Header.Type != unix.NLMSG_ERROR {
				continue // an answer that came too late
			}
			_, err := outcome(m, unix.NLM_F_ACK)
			if err != nil {
				refused = append(refused, refusal{int(at), err})
			}
			if at == uint32(n-1) || transaction && at == 0 && err != nil {
				return refused, nil
			}
		}
	}
}

// port is the address of the socket, which notices of what it changed bear.
func (s *routeSocket) port() (port uint32, err error) {
	var failure error
	err = s.raw.Control(func(fd uintptr) {
		var name unix.Sockaddr
		if name, failure = unix.Getsockname(int(fd)); failure == nil {
			port = name.(*unix.SockaddrNetlink).Pid
		}
	})
	return port, errors.Join(err, failure)
}

// outcome tells whether m ends the answer to a request with the given flags, and
// the error in it. A changed dump (NLM_F_DUMP_INTR) has to be asked for again.
func outcome(m *syscall.NetlinkMessage, flags uint16) (ends bool, err error) {
	dump := flags&unix.NLM_F_DUMP == unix.NLM_F_DUMP
	switch m.Header.Type {
	case unix.NLMSG_ERROR, unix.NLMSG_DONE:
		if len(m.Data) >= 4 {
			if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
				return true, inWords(syscall.Errno(-code), m)
			}
		}
		if m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 {
			return true, errChanged
		}
		return true, nil
	}
	if m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 {
		return false, errChanged
	}
	return !dump && flags&unix.NLM_F_ACK == 0, nil
}

var errChanged = errors.New("the kernel's list changed while it was read")

// inWords adds the kernel's own words (NETLINK_EXT_ACK) to an error.
func inWords(errno syscall.Errno, m *syscall.NetlinkMessage) error {
	const header = 4 + unix.SizeofNlMsghdr // code, and the header of the request
	if m.Header.Flags&unix.NLM_F_ACK_TLVS == 0 || len(m.Data) < header {
		return errno
	}
	attrs, err := nl.ParseRouteAttr(m.Data[header:])
	if err != nil {
		return errno
	}
	for _, a := range attrs {
		if a.Attr.Type == nl.NLMSGERR_ATTR_MSG {
			return fmt.Errorf("%w (%s)", errno, unix.ByteSliceToString(a.Value))
		}
	}
	return errno
}

func (s *routeSocket) send(b []byte, deadline time.Time) error {
	if err := s.file.SetWriteDeadline(deadline); err != nil {
		return err
	}
	var failure error
	err := s.raw.Write(func(fd uintptr) bool {
		failure = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return !errors.Is(failure, unix.EAGAIN) && !errors.Is(failure, unix.EINTR)
	})
	return errors.Join(err, failure)
}

// receive waits for messages from the kernel; they live in the socket's buffer.
func (s *routeSocket) receive(deadline time.Time) ([]syscall.NetlinkMessage, error) {
	if err := s.file.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	var messages []syscall.NetlinkMessage
	var failure error
	err := s.raw.Read(func(fd uintptr) bool {
		messages, failure = s.read(fd)
		return !errors.Is(failure, unix.EAGAIN)
	})
	if err != nil {
		return nil, err
	}
	return messages, failure
}

// pending is receive without waiting: EAGAIN when there is nothing.
func (s *routeSocket) pending() (messages []syscall.NetlinkMessage, err error) {
	var failure error
	err = s.raw.Control(func(fd uintptr) { messages, failure = s.read(fd) })
	if err != nil {
		return nil, err
	}
	return messages, failure
}

func (s *routeSocket) read(fd uintptr) ([]syscall.NetlinkMessage, error) {
	for {
		n, from, err := unix.Recvfrom(int(fd), s.buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if sender, ok := from.(*unix.SockaddrNetlink); ok && sender.Pid == 0 { // the kernel
			return syscall.ParseNetlinkMessage(s.buffer[:n])
		}
	}
}
