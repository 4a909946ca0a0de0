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

// WitnessConfig is a witness for some pairs. Each has a key of its own, or several while it
// exchanges them; whatever id its nodes give them.
type WitnessConfig struct {
	Listen string
	Pairs  [][][]byte
	Moved  func(from netip.AddrPort, pair int, m fencing.Moved) // a lease went to another node
	// Refused is told of what is no question of a pair.
	Refused func(from netip.AddrPort, r fencing.Refusal)
}

// Witness answers on a socket.
type Witness struct {
	cfg  WitnessConfig
	keys []fencing.Key
	pair []int // of each key
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
	w := &Witness{cfg: cfg, conn: conn, book: fencing.NewWitness(time.Now())}
	for pair, secrets := range cfg.Pairs {
		for _, secret := range secrets {
			for id := 1; id <= 255; id++ {
				w.keys, w.pair = append(w.keys, fencing.Key{ID: uint8(id), Secret: secret}), append(w.pair, pair)
			}
		}
	}
	return w, nil
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
	key, refusal := q.Parse(in, w.keys)
	if refusal != "" {
		w.cfg.Refused(from, refusal)
		return out
	}
	reply, moved := w.book.Answer(time.Now(), w.pair[key], &q, rand.Uint64())
	if moved != nil {
		w.cfg.Moved(from, w.pair[key], *moved)
	}
	if reply == nil {
		return out
	}
	out, err := reply.Append(out, w.keys[key])
	if err != nil {
		return nil
	}
	return out
}
