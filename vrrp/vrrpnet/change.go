package vrrpnet

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// change is one request to the kernel about one address: to add it or renew its lifetime,
// or to take it away with exactly this prefix length.
type change struct {
	Held
	removes bool
}

func put(h Held) change { return change{Held: h} }

func remove(link int, prefix netip.Prefix) change {
	return change{Held: Held{Link: link, Prefix: prefix}, removes: true}
}

func (c *change) String() string {
	if c.removes {
		return "removing " + c.Prefix.String()
	}
	return "putting " + c.Prefix.String()
}

// done tells whether a refused change was in force already.
func (c *change) done(err error) bool {
	return c.removes && (errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV))
}

// append appends the request (netlink(7), rtnetlink(7)).
func (c *change) append(b []byte, sequence uint32, flags uint16) []byte {
	begin := len(b)
	kind := uint16(unix.RTM_DELADDR)
	if !c.removes {
		kind = unix.RTM_NEWADDR
		flags |= unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	}
	b = append(b, 0, 0, 0, 0) // the length
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = append(b, 0, 0, 0, 0) // the port: the kernel knows it
	b = c.appendAddress(b)
	if !c.removes {
		b = c.appendKeep(b)
	}
	binary.NativeEndian.PutUint32(b[begin:], uint32(len(b)-begin))
	return b
}

func (c *change) appendAddress(b []byte) []byte {
	a := c.Prefix.Addr()
	family := byte(unix.AF_INET)
	if !a.Is4() {
		family = unix.AF_INET6
	}
	b = append(b, family, byte(c.Prefix.Bits()), 0, 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(c.Link))
	ip, size := a.As16(), a.BitLen()/8
	b = appendAttribute(b, unix.IFA_LOCAL, ip[16-size:])
	return appendAttribute(b, unix.IFA_ADDRESS, ip[16-size:])
}

// appendKeep says how the kernel is to keep the address.
func (c *change) appendKeep(b []byte) []byte {
	flags := uint32(0)
	if c.NoPrefixRoute {
		flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if !c.Prefix.Addr().Is4() {
		flags |= unix.IFA_F_NODAD // whether it is free was asked before
	}
	var word [4]byte
	binary.NativeEndian.PutUint32(word[:], flags)
	b = appendAttribute(b, unix.IFA_FLAGS, word[:])
	if c.Label != "" {
		b = appendAttribute(b, unix.IFA_LABEL, append([]byte(c.Label), 0))
	}
	seconds := uint32((c.Lifetime + time.Second - 1) / time.Second)
	var info [unix.SizeofIfaCacheinfo]byte
	binary.NativeEndian.PutUint32(info[0:], seconds) // preferred
	binary.NativeEndian.PutUint32(info[4:], seconds) // valid
	return appendAttribute(b, unix.IFA_CACHEINFO, info[:])
}

// appendAttribute appends type, length and value, and fills up to four bytes.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%unix.NLMSG_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}
