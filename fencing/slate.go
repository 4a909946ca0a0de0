package fencing

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Slate is what one node writes on a disk that both share, and nobody else does: for each
// lease a flag. Who wants a lease raises its flag and then looks at the other node's: of two
// that do so at once, at least one sees the other's flag. So no two take a lease, however
// late the disk is.
//
//	0     4 5        8      16    18            then 16 for each flag
//	|magic |v|3 zero |writes|count|len|node … | lease (8) counter with flag (8) … | MAC (32)
type Slate struct {
	Node   string
	Writes uint64
	Flags  []Flag
}

// Flag is that of one lease. One that is up and has not changed for longer than a lease is a
// dead node's.
type Flag struct {
	Lease   uint64 // see LeaseKey
	Counter uint64 // changes with each renewal
	Up      bool
}

const (
	magicSlate = "pkds"
	slateHead  = 18
	flagLen    = 16
	flagUp     = 1 << 63

	// SlateSize is the room for a slate.
	SlateSize = 64 << 10
	// MaxFlags is how many leases fit into one.
	MaxFlags = (SlateSize - slateHead - 1 - maxName - macLen) / flagLen
)

// LeaseKey is the short name of a lease: FNV-1a of its name.
func LeaseKey(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// Flag is that of a lease; one that was never raised is down.
func (s *Slate) Flag(lease uint64) Flag {
	for _, f := range s.Flags {
		if f.Lease == lease {
			return f
		}
	}
	return Flag{Lease: lease}
}

// Set raises a flag anew, or lowers it.
func (s *Slate) Set(lease uint64, up bool) {
	i := slices.IndexFunc(s.Flags, func(f Flag) bool { return f.Lease == lease })
	if i < 0 {
		i = len(s.Flags)
		s.Flags = append(s.Flags, Flag{Lease: lease})
	}
	s.Flags[i].Counter++
	s.Flags[i].Up = up
}

// Append adds the slate as it is written, signed.
func (s *Slate) Append(b []byte, key Key) ([]byte, error) {
	switch {
	case len(key.Secret) == 0:
		return b, fmt.Errorf("disk: there is no key")
	case len(s.Node) == 0 || len(s.Node) > maxName || len(s.Flags) > MaxFlags:
		return b, fmt.Errorf("disk: %d leases of %q do not fit, %d do", len(s.Flags), s.Node, MaxFlags)
	}
	start := len(b)
	b = append(append(b, magicSlate...), formatNow, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, s.Writes)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Flags)))
	b = append(append(b, byte(len(s.Node))), s.Node...)
	for _, f := range s.Flags {
		counter := f.Counter &^ flagUp
		if f.Up {
			counter |= flagUp
		}
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, f.Lease), counter)
	}
	return append(b, sum(b[start:], key)...), nil
}

// Parse reads the slate at the beginning of b, which may be longer. Nothing but zeros is one
// on which nothing has been written.
func (s *Slate) Parse(b []byte, keys []Key) Refusal {
	if !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		*s = Slate{}
		return ""
	}
	switch {
	case len(b) < slateHead+1 || string(b[:len(magicSlate)]) != magicSlate:
		return RefusalGarbage
	case b[offFormat] != formatNow:
		return RefusalFormat
	}
	count := int(binary.BigEndian.Uint16(b[16:]))
	node, rest, ok := name(b[slateHead:], "")
	if !ok || node == "" || len(rest) < count*flagLen+macLen {
		return RefusalFormat
	}
	end := len(b) - len(rest) + count*flagLen
	if !slices.ContainsFunc(keys, func(k Key) bool { return hmac.Equal(sum(b[:end], k), b[end:end+macLen]) }) {
		return RefusalMAC
	}
	*s = Slate{Node: node, Writes: binary.BigEndian.Uint64(b[8:])}
	for ; count > 0; count, rest = count-1, rest[flagLen:] {
		c := binary.BigEndian.Uint64(rest[8:])
		s.Flags = append(s.Flags, Flag{Lease: binary.BigEndian.Uint64(rest), Counter: c &^ flagUp, Up: c&flagUp != 0})
	}
	return ""
}

// Watch keeps since when the other node's flags have not changed.
type Watch map[uint64]watched

type watched struct {
	flag  Flag
	since time.Time
}

// Free tells whether a lease may be had by what the other node's flag is now: it is down, or
// has not moved for longer than a lease, in which its owner would have renewed it.
func (w Watch) Free(now time.Time, f Flag, lease time.Duration) bool {
	if seen, ok := w[f.Lease]; !ok || seen.flag != f {
		w[f.Lease] = watched{f, now}
	}
	return !f.Up || now.Sub(w[f.Lease].since) > lease+lease/10
}
