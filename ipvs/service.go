// Package ipvs decides what the kernel's table of virtual servers is to be, and in which
// steps it becomes that. It knows services and their real servers as the kernel does
// (linux/ip_vs.h); package ipvsnet reads and writes the table.
package ipvs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Protocol is a transport protocol by its number in an IP header.
type Protocol uint8

// The protocols that IPVS balances. AnyProtocol is that of a firewall mark.
const (
	AnyProtocol Protocol = 0
	TCP         Protocol = 6
	UDP         Protocol = 17
	SCTP        Protocol = 132
)

func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	}
	return "protocol " + strconv.Itoa(int(p))
}

// Key is what tells a service from others: a protocol and an address with its port, or a
// firewall mark and a family.
type Key struct {
	Protocol Protocol
	Address  netip.AddrPort
	Mark     uint32 // not zero: packets that have this mark, and the rest is zero but IPv6
	IPv6     bool   // of a mark: packets of IPv6
}

// Is6 tells the family of a service's clients.
func (k Key) Is6() bool {
	if k.Mark != 0 {
		return k.IPv6
	}
	return k.Address.Addr().Is6()
}

func (k Key) String() string {
	switch {
	case k.Mark != 0 && k.IPv6:
		return fmt.Sprintf("fwmark %d IPv6", k.Mark)
	case k.Mark != 0:
		return fmt.Sprintf("fwmark %d", k.Mark)
	}
	return k.Protocol.String() + " " + k.Address.String()
}

// Compare orders keys, so that what is said of many services does not depend on chance.
func (k Key) Compare(o Key) int {
	switch {
	case k == o:
		return 0
	case k.Mark != o.Mark:
		return order(k.Mark < o.Mark)
	case k.IPv6 != o.IPv6:
		return order(o.IPv6)
	case k.Address != o.Address:
		return k.Address.Compare(o.Address)
	}
	return order(k.Protocol < o.Protocol)
}

func order(first bool) int {
	if first {
		return -1
	}
	return 1
}

// Options are how a service treats its clients. They can change while it serves.
type Options struct {
	Scheduler string
	Flags     Flags
	// Persistence is for how long a client stays with its server, in whole seconds; zero:
	// no longer than its connection.
	Persistence time.Duration
	// Bits is the length of the prefix whose clients count as one for Persistence: 32 or
	// 128 for each alone.
	Bits   int
	Engine string // what tells clients apart for Persistence, such as sip; empty: their address
}

// Flags change how a service or its scheduler works.
type Flags uint8

// The flags. What the last ones mean is the scheduler's own (see SchedulerFlags).
const (
	OnePacket Flags = 1 << iota // UDP: every packet is scheduled alone
	SchedulerFlag1
	SchedulerFlag2
	SchedulerFlag3
)

func (o Options) String() string {
	words := []string{o.Scheduler}
	words = append(words, SchedulerFlags(o.Scheduler, o.Flags)...)
	if o.Persistence > 0 {
		words = append(words, "persistent "+o.Persistence.String())
		if o.Bits != 32 && o.Bits != 128 {
			words = append(words, "/"+strconv.Itoa(o.Bits))
		}
	}
	if o.Engine != "" {
		words = append(words, "by "+o.Engine)
	}
	if o.Flags&OnePacket != 0 {
		words = append(words, "one-packet")
	}
	return strings.Join(words, " ")
}

// Service is one service with its real servers.
type Service struct {
	Key     Key
	Options Options
	Servers []Server // no two with the same address and port
}
