package vrrpnet

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// nftBatch is a transaction of nf_tables: messages that the kernel does all together
// or not at all. Attributes are in network byte order.
type nftBatch struct {
	out   []byte
	count int // of messages, the begin included
}

// Sizes and numbers of the kernel's uapi, nfnetlink.h and nf_tables.h.
const (
	sizeofNfGenMsg = 4
	offNlMsgLen    = 0
	offNlMsgFlags  = 6
	offNlMsgSeq    = 8

	nftaTableUserData = 6 // NFTA_TABLE_USERDATA
)

// begin starts anew.
func (b *nftBatch) begin() {
	b.out, b.count = b.out[:0], 0
	b.control(unix.NFNL_MSG_BATCH_BEGIN)
}

// control begins or ends the transaction.
func (b *nftBatch) control(kind uint16) {
	b.header(kind, unix.AF_UNSPEC, 0, unix.NFNL_SUBSYS_NFTABLES)
	b.count++
}

// message appends an order of nf_tables with what body appends.
func (b *nftBatch) message(kind uint16, family byte, flags uint16, body func()) {
	begin := len(b.out)
	b.header(unix.NFNL_SUBSYS_NFTABLES<<8|kind, family, flags, 0)
	body()
	binary.NativeEndian.PutUint32(b.out[begin+offNlMsgLen:], uint32(len(b.out)-begin))
	b.count++
}

func (b *nftBatch) header(kind uint16, family byte, flags, resource uint16) {
	b.out = binary.NativeEndian.AppendUint32(b.out, unix.SizeofNlMsghdr+sizeofNfGenMsg)
	b.out = binary.NativeEndian.AppendUint16(b.out, kind)
	b.out = binary.NativeEndian.AppendUint16(b.out, unix.NLM_F_REQUEST|flags)
	b.out = append(b.out, 0, 0, 0, 0, 0, 0, 0, 0) // the number, see finish; the port: the kernel knows it
	b.out = append(b.out, family, 0)              // NFNETLINK_V0
	b.out = binary.BigEndian.AppendUint16(b.out, resource)
}

// finish numbers the messages and asks for the acknowledgement of the last one.
func (b *nftBatch) finish(first uint32) {
	last := 0
	for at, n := 0, uint32(0); at < len(b.out); n++ {
		last = at
		binary.NativeEndian.PutUint32(b.out[at+offNlMsgSeq:], first+n)
		at += int(binary.NativeEndian.Uint32(b.out[at+offNlMsgLen:]))
	}
	flags := b.out[last+offNlMsgFlags:]
	binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_ACK)
	b.header(unix.NFNL_MSG_BATCH_END, unix.AF_UNSPEC, 0, unix.NFNL_SUBSYS_NFTABLES)
}

func (b *nftBatch) bytes(kind uint16, value ...byte) { b.out = appendAttribute(b.out, kind, value) }

func (b *nftBatch) text(kind uint16, value string) {
	b.bytes(kind, append([]byte(value), 0)...)
}

func (b *nftBatch) word(kind uint16, value uint32) {
	b.bytes(kind, byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
}

func (b *nftBatch) long(kind uint16, value uint64) {
	var v [8]byte
	binary.BigEndian.PutUint64(v[:], value)
	b.bytes(kind, v[:]...)
}

// nest appends an attribute that consists of those that body appends.
func (b *nftBatch) nest(kind uint16, body func()) {
	begin := len(b.out)
	b.out = binary.NativeEndian.AppendUint16(b.out, 0)
	b.out = binary.NativeEndian.AppendUint16(b.out, unix.NLA_F_NESTED|kind)
	body()
	binary.NativeEndian.PutUint16(b.out[begin:], uint16(len(b.out)-begin))
}

// commit sends a transaction. It was carried out if nothing was refused. An error of
// its own is about the whole of it.
func (s *routeSocket) commit(b *nftBatch) ([]refusal, error) {
	first := s.number(b.count)
	b.finish(first)
	refused, err := s.order(b.out, first, b.count, true)
	if err == nil && len(refused) > 0 && refused[0].request == 0 {
		return nil, refused[0].err
	}
	return refused, err
}

// reasons joins why messages were refused.
func reasons(refused []refusal) error {
	var errs []error
	for _, r := range refused {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}
