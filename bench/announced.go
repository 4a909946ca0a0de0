//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ear hears on the client's cable which addresses a node says by ARP to have, announced
// or answered.
type ear struct {
	file *os.File
	mac  net.HardwareAddr // the node's
	done chan struct{}

	mu    sync.Mutex
	heard map[netip.Addr]time.Time // since the start: the first time, by the kernel's stamp
}

// listen opens an ear for a node that says nothing yet.
func (p *pair) listen(n node) *ear {
	e := &ear{mac: p.hosts[n.name].net.Cable(nic).MAC, done: make(chan struct{}), heard: map[netip.Addr]time.Time{}}
	p.network.Do(func() { p.must(e.open()) })
	go e.collect()
	p.Cleanup(e.close)
	return e
}

func (e *ear) open() error {
	link, err := net.InterfaceByName(nic)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	e.file = os.NewFile(uintptr(fd), "ear")
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff})
	return errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: link.Index}),
	)
}

func (e *ear) close() {
	_ = e.file.Close()
	<-e.done
}

func (e *ear) collect() {
	defer close(e.done)
	raw, err := e.file.SyscallConn()
	if err != nil {
		return
	}
	data, control := make([]byte, 128), make([]byte, 128)
	for {
		var n, controls int
		var failure error
		err := raw.Read(func(fd uintptr) bool {
			n, controls, _, _, failure = unix.Recvmsg(int(fd), data, control, 0)
			return !errors.Is(failure, unix.EAGAIN)
		})
		if err != nil {
			return // closed
		}
		if failure == nil {
			e.note(data[:n], stampOf(control[:controls]))
		}
	}
}

// stampOf is when the kernel got a frame.
func stampOf(control []byte) time.Time {
	messages, _ := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(syscall.Timespec{})) {
			return time.Unix((*syscall.Timespec)(unsafe.Pointer(&m.Data[0])).Unix())
		}
	}
	return time.Now()
}

// ARP over Ethernet without its header (RFC 826).
const (
	arpLen  = 28
	arpFrom = 8  // the sender's hardware address
	arpOf   = 14 // the sender's protocol address
)

func (e *ear) note(p []byte, at time.Time) {
	if len(p) < arpLen || !slices.Equal(p[arpFrom:arpFrom+6], e.mac) {
		return
	}
	address := netip.AddrFrom4([4]byte(p[arpOf:]))
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.heard[address]; !known {
		e.heard[address] = at
	}
}

// all is when the last of the routers' addresses was heard; false: not all were.
func (e *ear) all(routers []router) (last time.Time, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range routers {
		at, known := e.heard[r.address]
		if !known {
			return last, false
		}
		if at.After(last) {
			last = at
		}
	}
	return last, true
}
