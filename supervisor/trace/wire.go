package trace

import (
	"encoding/binary"
	"errors"
)

func appendUint(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }
func appendInt(b []byte, n int64) []byte   { return binary.AppendVarint(b, n) }

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(appendUint(b, uint64(len(s))), s...)
}

// reader reads what the append functions wrote. The first thing that is wrong stays in err,
// and from then on everything reads as zero.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
	r.at = len(r.data)
}

func (r *reader) rest() int { return len(r.data) - r.at }

func (r *reader) byte() byte {
	if r.rest() == 0 {
		r.fail("a record ends too early")
		return 0
	}
	r.at++
	return r.data[r.at-1]
}

func (r *reader) uint() uint64 {
	n, used := binary.Uvarint(r.data[r.at:])
	if used <= 0 {
		r.fail("a record ends too early, or has a number that is too long")
		return 0
	}
	r.at += used
	return n
}

func (r *reader) int() int64 {
	n, used := binary.Varint(r.data[r.at:])
	if used <= 0 {
		r.fail("a record ends too early, or has a number that is too long")
		return 0
	}
	r.at += used
	return n
}

// count is a number of things of which each takes a byte at least.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(r.rest()) {
		r.fail("a record counts more than it has")
		return 0
	}
	return int(n)
}

// bytes are the next ones, in the memory of the file.
func (r *reader) bytes(n int) []byte {
	if n < 0 || n > r.rest() {
		r.fail("a record ends too early")
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) text() string { return string(r.bytes(r.count())) }
