package fencingnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// WitnessConfig is a witness for some pairs, each with a key of its own.
type WitnessConfig struct {
	Listen string
	Keys   []fencing.Key
	Moved  func(from netip.AddrPort, pair int, m fencing.Moved) // a lease went to another node
	// Refused is told of what is no question of a pair.
	Refused func(from netip.AddrPort, r fencing.Refusal)
}

// Witness answers on a socket.
type Witness struct {
	cfg  WitnessConfig
	conn *net.UDPConn
	book *fencing.Witness
}

// OpenWitness listens. From now on a lease must pass before anything is granted.
func OpenWitness(cfg WitnessConfig) (*Witness, error) {
	at, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", at)
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf("another program has UDP port %d: is a witness running already?", at.Port)
	case err != nil:
		return nil, err
	}
	return &Witness{cfg: cfg, conn: conn, book: fencing.NewWitness(time.Now())}, nil
}

// Addr is where it listens.
func (w *Witness) Addr() net.Addr { return w.conn.LocalAddr() }

// Run answers until ctx ends.
func (w *Witness) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = w.conn.Close() })()
	in, out := make([]byte, fencing.MaxQuestion+1), []byte(nil)
	for {
		n, from, err := w.conn.ReadFromUDPAddrPort(in)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ECONNREFUSED) || transient(err):
			continue
		case err != nil:
			return err
		}
		if out = w.answer(out[:0], in[:n], from); len(out) > 0 {
			_, _ = w.conn.WriteToUDPAddrPort(out, from) // who asked asks again
		}
	}
}

// answer adds the reply to what came; nothing: there is none.
func (w *Witness) answer(out, in []byte, from netip.AddrPort) []byte {
	var q fencing.Question
	pair, refusal := q.Parse(in, w.cfg.Keys)
	if refusal != "" {
		w.cfg.Refused(from, refusal)
		return out
	}
	reply, moved := w.book.Answer(time.Now(), pair, &q, rand.Uint64())
	if moved != nil {
		w.cfg.Moved(from, pair, *moved)
	}
	if reply == nil {
		return out
	}
	out, err := reply.Append(out, w.cfg.Keys[pair])
	if err != nil {
		return nil
	}
	return out
}
