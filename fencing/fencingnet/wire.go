// Package fencingnet asks and tells what package fencing decides by: it carries heartbeats.
package fencingnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// WireConfig is one heartbeat link as this node sees it.
type WireConfig struct {
	Local, Peer netip.AddrPort
	Keys        []fencing.Key // the first one signs
}

// Wire is the socket of one heartbeat link. It is connected, so that the other host's
// kernel tells when nobody listens there (ICMP port unreachable), and only what comes from
// there gets in.
type Wire struct {
	cfg  WireConfig
	tell Listener
	stop context.CancelFunc
	done chan struct{}

	message []byte // of Send

	// Of the goroutine that reads.
	heard     fencing.Heartbeat
	pace      pace
	refusedAt map[fencing.Refusal]time.Time // when that was told

	mu      sync.Mutex
	conn    *net.UDPConn // nil: there is none
	problem string
	refused map[fencing.Refusal]uint64

	sent, received atomic.Uint64
}

// Listener is told what comes; on a goroutine of the wire.
type Listener struct {
	Heard   func(*fencing.Heartbeat) // signed; the memory is the listener's
	Refused func(fencing.Refusal)    // something came that does not count; told once a second for each reason
	Gone    func()                   // nobody listens at the other end
}

// OpenWire returns at once: an address that the host does not have yet is waited for.
func OpenWire(cfg WireConfig, tell Listener) *Wire {
	ctx, stop := context.WithCancel(context.Background())
	w := &Wire{cfg: cfg, tell: tell, stop: stop, done: make(chan struct{}), refused: map[fencing.Refusal]uint64{}, refusedAt: map[fencing.Refusal]time.Time{}}
	go w.run(ctx)
	return w
}

// Close ends the wire; nothing is told any more when it returns.
func (w *Wire) Close() {
	w.stop()
	<-w.done
}

// reopen is how long a socket that cannot be had, or broke, is waited for.
const reopen = 500 * time.Millisecond

func (w *Wire) run(ctx context.Context) {
	defer close(w.done)
	for ctx.Err() == nil {
		if conn, err := w.open(); err != nil {
			w.blame(err)
		} else {
			w.blame(w.read(ctx, conn))
		}
		select {
		case <-ctx.Done():
		case <-time.After(reopen):
		}
	}
}

func (w *Wire) open() (*net.UDPConn, error) {
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(w.cfg.Local), net.UDPAddrFromAddrPort(w.cfg.Peer))
	switch {
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return nil, fmt.Errorf("this host does not have %s", w.cfg.Local.Addr())
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf("another program has UDP port %d of %s", w.cfg.Local.Port(), w.cfg.Local.Addr())
	case errors.Is(err, unix.ENETUNREACH):
		return nil, fmt.Errorf("there is no route to %s", w.cfg.Peer.Addr())
	case err != nil:
		return nil, err
	}
	return conn, nil
}

func (w *Wire) blame(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = nil
	if err != nil {
		w.problem = err.Error()
	}
}

// pause is after an error.
const pause = time.Millisecond

// read tells what comes until the socket breaks or ctx ends.
func (w *Wire) read(ctx context.Context, conn *net.UDPConn) error {
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	defer func() { _ = conn.Close() }()
	w.mu.Lock()
	w.conn, w.problem = conn, ""
	w.mu.Unlock()
	buf := make([]byte, fencing.MaxMessage+1)
	for {
		size, err := conn.Read(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ECONNREFUSED):
			w.tell.Gone()
		case transient(err):
		case err != nil:
			return err
		default:
			time.Sleep(w.pace.take(time.Now(), w.receive(buf[:size])))
		}
		if err != nil {
			time.Sleep(pause)
		}
	}
}

// transient tells of what ICMP, or an interface that is down, makes of a socket for now.
func transient(err error) bool {
	return errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTDOWN) ||
		errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPROTO)
}

// receive tells of a message, and returns what that costs.
func (w *Wire) receive(b []byte) int {
	r := w.heard.Parse(b, w.cfg.Keys)
	if r == "" {
		w.received.Add(1)
		h := w.heard
		w.heard = fencing.Heartbeat{}
		w.tell.Heard(&h)
		return toldCosts
	}
	w.mu.Lock()
	w.refused[r]++
	w.mu.Unlock()
	if now := time.Now(); now.Sub(w.refusedAt[r]) >= refusedAgain {
		w.refusedAt[r] = now
		w.tell.Refused(r)
	}
	return 1
}

// Send signs and sends a message, which is lost where there is no socket. It does not
// block, and is for one goroutine.
func (w *Wire) Send(h *fencing.Heartbeat) error {
	w.mu.Lock()
	conn, problem := w.conn, w.problem
	w.mu.Unlock()
	if conn == nil {
		if problem == "" {
			return nil // not open yet
		}
		return errors.New(problem)
	}
	var err error
	if w.message, err = h.Append(w.message[:0], w.cfg.Keys[0]); err != nil {
		return err
	}
	switch _, err = conn.Write(w.message); {
	case errors.Is(err, unix.ECONNREFUSED): // about an earlier message
		w.tell.Gone()
		_, err = conn.Write(w.message)
		if errors.Is(err, unix.ECONNREFUSED) {
			return nil
		}
	case errors.Is(err, unix.EPERM): // a firewall of this host
		return fmt.Errorf("a firewall of this host forbids sending to %s: allow UDP port %d", w.cfg.Peer.Addr(), w.cfg.Peer.Port())
	}
	if err == nil {
		w.sent.Add(1)
	}
	return err
}

// WireCount is what a wire has carried.
type WireCount struct {
	Sent, Received uint64
	Refused        map[fencing.Refusal]uint64
	Problem        string // why there is no socket; empty: there is one
}

// Count is what the wire has carried so far.
func (w *Wire) Count() WireCount {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := WireCount{Sent: w.sent.Load(), Received: w.received.Load(), Refused: make(map[fencing.Refusal]uint64, len(w.refused)), Problem: w.problem}
	for r, n := range w.refused {
		c.Refused[r] = n
	}
	return c
}
