package fencing

import (
	"encoding/binary"
	"time"
)

// Order is what an operator wants moved, as the node that he told asks the other one. The
// claims that are Moves say what it is about. The zero value: nothing.
type Order struct {
	Serial uint64 // of this order; 0: there is none
	Kind   OrderKind
	Lasts  time.Duration // for how long the new holder comes first; 0: until it fails
}

// OrderKind is who asks whom.
type OrderKind uint8

// The kinds.
const (
	Give   OrderKind = iota // take what I hold
	Want                    // give me what you hold
	Demand                  // the same, whatever speaks against it
)

// Consent answers the other node's last order.
type Consent struct {
	Serial  uint64 // of that order; 0: there is none
	Refusal string // why not; empty: it is agreed to
}

// Notice is what an operator wants of a node until he ends it.
type Notice struct {
	On   bool
	Left time.Duration // until it ends by itself; 0: it does not
	Why  string        // his words; may be empty
}

func (n *Notice) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(n.Left))
	return append(append(b, byte(len(n.Why))), n.Why...)
}

// read reads what append adds; that it is on is one of the message's flags.
func (n *Notice) read(b []byte, before string) (rest []byte, ok bool) {
	if len(b) < noticeLen {
		return nil, false
	}
	n.Left = time.Duration(binary.BigEndian.Uint64(b))
	n.Why, rest, ok = name(b[8:], before)
	return rest, ok
}

// appendOrder adds the order and the reply.
func (h *Heartbeat) appendOrder(b []byte) []byte {
	b = append(binary.BigEndian.AppendUint64(b, h.Order.Serial), byte(h.Order.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Order.Lasts))
	b = binary.BigEndian.AppendUint64(b, h.Consent.Serial)
	b = append(append(b, byte(len(h.Consent.Refusal))), h.Consent.Refusal...)
	return h.Freeze.append(h.Maintenance.append(b))
}

// readOrder reads them; before is the heartbeat that was read the last time. What is left has
// the count of the claims.
func (h *Heartbeat) readOrder(b []byte, before *Heartbeat) (rest []byte, ok bool) {
	if len(b) < orderLen {
		return nil, false
	}
	h.Order = Order{Serial: binary.BigEndian.Uint64(b), Kind: OrderKind(b[8]), Lasts: time.Duration(binary.BigEndian.Uint64(b[9:]))}
	h.Consent.Serial = binary.BigEndian.Uint64(b[17:])
	h.Consent.Refusal, rest, ok = name(b[orderLen:], before.Consent.Refusal)
	if ok {
		rest, ok = h.Maintenance.read(rest, before.Maintenance.Why)
	}
	if ok {
		rest, ok = h.Freeze.read(rest, before.Freeze.Why)
	}
	return rest, ok && len(rest) >= 2 && h.Order.Kind <= Demand
}
