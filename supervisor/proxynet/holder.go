package proxynet

import (
	"encoding/binary"
	"net/netip"
	"os/user"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// holder is who listens on a port.
type holder struct {
	unit  string // of systemd; empty: not known
	pid   int    // 0: not known
	comm  string // its name
	uid   uint32
	inode uint32 // of the socket
}

func (h *holder) isService() bool { return strings.HasSuffix(h.unit, ".service") }

// who names the holder as far as it is known.
func (h *holder) who() string {
	process := ""
	if h.pid != 0 {
		process = strings.TrimSpace("process " + strconv.Itoa(h.pid) + " " + h.comm)
	}
	switch {
	case h.unit != "" && process != "":
		return h.unit + " (" + process + ")"
	case h.unit != "":
		return h.unit
	case process != "":
		return process
	}
	name := "uid " + strconv.Itoa(int(h.uid))
	if u, err := user.LookupId(strconv.Itoa(int(h.uid))); err == nil {
		name = u.Username + " (" + name + ")"
	}
	return "a process of " + name
}

// holderOf finds who listens on an address, or on one that is in the way of it. The
// kernel tells without any privilege (sock_diag(7)) which cgroup a socket was made in; for
// /proc/PID/fd of another program CAP_SYS_PTRACE would be needed.
func holderOf(at netip.AddrPort) (*holder, error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		answers, err := listeners(family, at.Port())
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			l, ok := readListener(a)
			if !ok || !l.inTheWayOf(at) {
				continue
			}
			h := &holder{uid: l.uid, inode: l.inode}
			h.find(l.cgroup)
			return h, nil
		}
	}
	return nil, nil
}

// What follows is of linux/sock_diag.h and linux/inet_diag.h.
const (
	sockDiagByFamily = 20
	tcpListen        = 10
	requestSize      = 56
	answerSize       = 72
	attrV6Only       = 11
	attrCgroup       = 21 // since Linux 5.9
)

// listenersRequest is a struct inet_diag_req_v2.
type listenersRequest struct {
	family uint8
	port   uint16
}

func (r listenersRequest) Len() int { return requestSize }

func (r listenersRequest) Serialize() []byte {
	b := make([]byte, requestSize)
	b[0], b[1] = r.family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(b[4:], 1<<tcpListen)
	binary.BigEndian.PutUint16(b[8:], r.port)
	return b
}

// listeners asks for the listening TCP sockets of a family on a port.
func listeners(family uint8, port uint16) ([][]byte, error) {
	req := nl.NewNetlinkRequest(sockDiagByFamily, unix.NLM_F_DUMP)
	req.AddData(listenersRequest{family, port})
	return req.Execute(unix.NETLINK_INET_DIAG, 0)
}

// listener is a listening socket.
type listener struct {
	at     netip.AddrPort
	uid    uint32
	inode  uint32
	cgroup uint64 // the inode of its folder; 0: the kernel does not say
	v6Only bool
}

// readListener reads a struct inet_diag_msg with its attributes.
func readListener(b []byte) (l listener, ok bool) {
	if len(b) < answerSize {
		return l, false
	}
	var a netip.Addr
	switch b[0] {
	case unix.AF_INET:
		a = netip.AddrFrom4([4]byte(b[8:12]))
	case unix.AF_INET6:
		a = netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	default:
		return l, false
	}
	l.at = netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[4:]))
	l.uid, l.inode = binary.NativeEndian.Uint32(b[64:]), binary.NativeEndian.Uint32(b[68:])
	attrs, err := nl.ParseRouteAttr(b[answerSize:])
	if err != nil {
		return l, true
	}
	for _, attr := range attrs {
		switch {
		case attr.Attr.Type == attrCgroup && len(attr.Value) >= 8:
			l.cgroup = binary.NativeEndian.Uint64(attr.Value)
		case attr.Attr.Type == attrV6Only && len(attr.Value) >= 1:
			l.v6Only = attr.Value[0] != 0
		}
	}
	return l, true
}

// inTheWayOf tells that nobody else can listen on an address because of it.
func (l *listener) inTheWayOf(at netip.AddrPort) bool {
	have, want := l.at.Addr(), at.Addr().Unmap()
	switch {
	case l.at.Port() != at.Port():
		return false
	case have == want:
		return true
	case have.Is4() == want.Is4():
		return have.IsUnspecified() || want.IsUnspecified()
	}
	v6 := have
	if want.Is6() {
		v6 = want
	}
	return v6.IsUnspecified() && (!have.Is6() || !l.v6Only)
}
