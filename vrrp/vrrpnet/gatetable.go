package vrrpnet

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// The gate's tables, as nft(8) shows them. Each has sets of the guarded addresses and
// of those that may be used, the latter with time-outs:
//
//	table arp pairkeeper {
//		chain output {
//			type filter hook output priority -450;
//			arp saddr ip @guarded4 arp saddr ip != @open4 drop
//		}
//	}
//	table inet pairkeeper {
//		chain prerouting {
//			type filter hook prerouting priority -450;
//			iif "lo" accept
//			ip daddr @guarded4 ip daddr != @open4 drop
//			ip6 daddr @guarded6 ip6 daddr != @open6 drop
//		}
//		chain output {
//			type filter hook output priority -450;
//			icmpv6 type nd-neighbor-solicit ip6 saddr @named6 ip6 saddr != @told6 drop
//			icmpv6 type nd-neighbor-advert icmpv6 taddr @named6 icmpv6 taddr != @told6 drop
//		}
//	}
//
// What says that an address is here is let out, answers to questions for it included, and
// packets to it are let in, only while it is open. What is said has sets of its own, also for
// IPv6, so that an address can be silent and still be reached. Other packets cost one look into one
// set.

const gateComment = "virtual addresses are let in while pairkeeper renews them; pairkeeper cleanup removes this"

// gatePriority is before conntrack, NAT and whatever else may pass a packet on.
const gatePriority = -450

// gateSet is one pair of sets: guarded and open addresses of one family in one table.
type gateSet struct {
	family        byte // of the table
	ipv6          bool
	speaks        bool // is for what says that an address is here, not for packets to it
	guarded, open string
}

var gateSets = [...]gateSet{
	{unix.NFPROTO_ARP, false, true, "guarded4", "open4"},
	{unix.NFPROTO_INET, false, false, "guarded4", "open4"},
	{unix.NFPROTO_INET, true, false, "guarded6", "open6"},
	{unix.NFPROTO_INET, true, true, "named6", "told6"},
}

var gateFamilies = [...]byte{unix.NFPROTO_ARP, unix.NFPROTO_INET}

// nft's names of the types of keys (datatype.h).
const (
	nftTypeIPv4 = 7
	nftTypeIPv6 = 8
)

func (s *gateSet) keyLength() uint32 {
	if s.ipv6 {
		return 16
	}
	return 4
}

// table adds a table, or does nothing if it is there.
func (b *nftBatch) table(family byte, name string) {
	b.message(unix.NFT_MSG_NEWTABLE, family, unix.NLM_F_CREATE, func() {
		b.text(unix.NFTA_TABLE_NAME, name)
		b.word(unix.NFTA_TABLE_FLAGS, 0)
		comment := append([]byte{0, byte(len(gateComment) + 1)}, gateComment...) // NFTNL_UDATA_TABLE_COMMENT
		b.bytes(nftaTableUserData, append(comment, 0)...)
	})
}

// removeTable ends a table with all that is in it, also one that is not there.
func (b *nftBatch) removeTable(family byte, name string) {
	b.table(family, name)
	b.message(unix.NFT_MSG_DELTABLE, family, 0, func() { b.text(unix.NFTA_TABLE_NAME, name) })
}

// gate appends the tables, in place of those that are there, with nothing guarded. What
// IPv6 takes nft(8) before 1.0.9 lists in words that it does not read itself: who has no
// use for it is spared that.
func (b *nftBatch) gate(name string, ipv6 bool) {
	for _, family := range gateFamilies {
		b.removeTable(family, name)
		b.table(family, name)
	}
	for i := range gateSets {
		if s := &gateSets[i]; !s.ipv6 || ipv6 {
			b.set(name, s, s.guarded, 0)
			b.set(name, s, s.open, unix.NFT_SET_TIMEOUT)
		}
	}
	b.gateARP(name)
	b.gateIPv4(name)
	if ipv6 {
		b.gateIPv6(name)
	}
}

func (b *nftBatch) set(table string, s *gateSet, name string, flags uint32) {
	b.message(unix.NFT_MSG_NEWSET, s.family, unix.NLM_F_CREATE, func() {
		b.text(unix.NFTA_SET_TABLE, table)
		b.text(unix.NFTA_SET_NAME, name)
		b.word(unix.NFTA_SET_FLAGS, flags)
		kind := uint32(nftTypeIPv4)
		if s.ipv6 {
			kind = nftTypeIPv6
		}
		b.word(unix.NFTA_SET_KEY_TYPE, kind)
		b.word(unix.NFTA_SET_KEY_LEN, s.keyLength())
		b.word(unix.NFTA_SET_ID, uint32(b.count))
	})
}

func (b *nftBatch) chain(family byte, table, name string, hook uint32) {
	b.message(unix.NFT_MSG_NEWCHAIN, family, unix.NLM_F_CREATE, func() {
		b.text(unix.NFTA_CHAIN_TABLE, table)
		b.text(unix.NFTA_CHAIN_NAME, name)
		b.nest(unix.NFTA_CHAIN_HOOK, func() {
			b.word(unix.NFTA_HOOK_HOOKNUM, hook)
			b.word(unix.NFTA_HOOK_PRIORITY, uint32(gatePriority&math.MaxUint32))
		})
		b.text(unix.NFTA_CHAIN_TYPE, "filter")
	})
}

// Where packets have what, in bytes.
const (
	offARPSender = 14 // the protocol address, with Ethernet
	offIPv4To    = 16
	offIPv6From  = 8
	offIPv6To    = 24
	offICMP6Type = 0
	offTargetND  = 8
)

const (
	nfARPOut      = 1 // NF_ARP_OUT
	loopbackIndex = 1 // in every network namespace
)

func (b *nftBatch) gateARP(table string) {
	b.chain(unix.NFPROTO_ARP, table, "output", nfARPOut)
	b.rule(unix.NFPROTO_ARP, table, "output", func() {
		b.shut(&gateSets[0], unix.NFT_PAYLOAD_NETWORK_HEADER, offARPSender)
	})
}

// gateIPv4 also lets in what the host sends to itself.
func (b *nftBatch) gateIPv4(table string) {
	b.chain(unix.NFPROTO_INET, table, "prerouting", unix.NF_INET_PRE_ROUTING)
	b.rule(unix.NFPROTO_INET, table, "prerouting", func() {
		b.meta(unix.NFT_META_IIF)
		b.equals(nativeWord(loopbackIndex)...)
		b.verdict(nfAccept)
	})
	b.rule(unix.NFPROTO_INET, table, "prerouting", func() {
		b.is(unix.NFT_META_NFPROTO, unix.NFPROTO_IPV4)
		b.shut(&gateSets[1], unix.NFT_PAYLOAD_NETWORK_HEADER, offIPv4To)
	})
}

// gateIPv6 needs gateIPv4.
func (b *nftBatch) gateIPv6(table string) {
	set, said := &gateSets[2], &gateSets[3]
	b.rule(unix.NFPROTO_INET, table, "prerouting", func() {
		b.is(unix.NFT_META_NFPROTO, unix.NFPROTO_IPV6)
		b.shut(set, unix.NFT_PAYLOAD_NETWORK_HEADER, offIPv6To)
	})
	b.chain(unix.NFPROTO_INET, table, "output", unix.NF_INET_LOCAL_OUT)
	b.rule(unix.NFPROTO_INET, table, "output", func() {
		b.discovery(neighbourSolicitation)
		b.shut(said, unix.NFT_PAYLOAD_NETWORK_HEADER, offIPv6From)
	})
	b.rule(unix.NFPROTO_INET, table, "output", func() {
		b.discovery(neighbourAdvertisement)
		b.shut(said, unix.NFT_PAYLOAD_TRANSPORT_HEADER, offTargetND)
	})
}

func (b *nftBatch) rule(family byte, table, chain string, expressions func()) {
	b.message(unix.NFT_MSG_NEWRULE, family, unix.NLM_F_CREATE|unix.NLM_F_APPEND, func() {
		b.text(unix.NFTA_RULE_TABLE, table)
		b.text(unix.NFTA_RULE_CHAIN, chain)
		b.nest(unix.NFTA_RULE_EXPRESSIONS, expressions)
	})
}

// expression appends one step of a rule.
func (b *nftBatch) expression(name string, data func()) {
	b.nest(unix.NFTA_LIST_ELEM, func() {
		b.text(unix.NFTA_EXPR_NAME, name)
		b.nest(unix.NFTA_EXPR_DATA, data)
	})
}

// field loads a part of the packet.
func (b *nftBatch) field(base, offset, length uint32) {
	b.expression("payload", func() {
		b.word(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG_1)
		b.word(unix.NFTA_PAYLOAD_BASE, base)
		b.word(unix.NFTA_PAYLOAD_OFFSET, offset)
		b.word(unix.NFTA_PAYLOAD_LEN, length)
	})
}

func (b *nftBatch) meta(key uint32) {
	b.expression("meta", func() {
		b.word(unix.NFTA_META_KEY, key)
		b.word(unix.NFTA_META_DREG, unix.NFT_REG_1)
	})
}

// equals goes on only if what was loaded is value.
func (b *nftBatch) equals(value ...byte) {
	b.expression("cmp", func() {
		b.word(unix.NFTA_CMP_SREG, unix.NFT_REG_1)
		b.word(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ)
		b.nest(unix.NFTA_CMP_DATA, func() { b.bytes(unix.NFTA_DATA_VALUE, value...) })
	})
}

func (b *nftBatch) is(key uint32, value byte) {
	b.meta(key)
	b.equals(value)
}

// discovery goes on only with a message of neighbour discovery (RFC 4861 4).
func (b *nftBatch) discovery(kind byte) {
	b.is(unix.NFT_META_NFPROTO, unix.NFPROTO_IPV6)
	b.is(unix.NFT_META_L4PROTO, unix.IPPROTO_ICMPV6)
	b.field(unix.NFT_PAYLOAD_TRANSPORT_HEADER, offICMP6Type, 1)
	b.equals(kind)
}

// shut drops a packet with a guarded address that is not open.
func (b *nftBatch) shut(s *gateSet, base, offset uint32) {
	b.field(base, offset, s.keyLength())
	b.lookup(s.guarded, 0)
	b.lookup(s.open, unix.NFT_LOOKUP_F_INV)
	b.verdict(nfDrop)
}

func (b *nftBatch) lookup(set string, flags uint32) {
	b.expression("lookup", func() {
		b.text(unix.NFTA_LOOKUP_SET, set)
		b.word(unix.NFTA_LOOKUP_SREG, unix.NFT_REG_1)
		b.word(unix.NFTA_LOOKUP_FLAGS, flags)
	})
}

const (
	nfDrop   = 0
	nfAccept = 1
)

func (b *nftBatch) verdict(code uint32) {
	b.expression("immediate", func() {
		b.word(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT)
		b.nest(unix.NFTA_IMMEDIATE_DATA, func() {
			b.nest(unix.NFTA_DATA_VERDICT, func() { b.word(unix.NFTA_VERDICT_CODE, code) })
		})
	})
}

// element is an address in a set; a zero TTL: without a time-out.
type element struct {
	addr netip.Addr
	ttl  time.Duration
}

func guardedSet(s *gateSet) string { return s.guarded }

func openSet(s *gateSet) string { return s.open }

func (s *gateSet) takes(e element) bool { return e.addr.Is4() != s.ipv6 }

// elements adds those that a set takes to it, or deletes them from it. To add one that
// is there changes nothing. To delete one that is not, or has run out, is refused (ENOENT).
func (b *nftBatch) elements(kind uint16, table string, s *gateSet, set string, list []element) {
	flags := uint16(0)
	if kind == unix.NFT_MSG_NEWSETELEM {
		flags = unix.NLM_F_CREATE
	}
	b.message(kind, s.family, flags, func() {
		b.text(unix.NFTA_SET_ELEM_LIST_TABLE, table)
		b.text(unix.NFTA_SET_ELEM_LIST_SET, set)
		b.nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS, func() {
			for _, e := range list {
				if s.takes(e) {
					b.element(e)
				}
			}
		})
	})
}

func (b *nftBatch) element(e element) {
	b.nest(unix.NFTA_LIST_ELEM, func() {
		b.nest(unix.NFTA_SET_ELEM_KEY, func() {
			ip, size := e.addr.As16(), e.addr.BitLen()/8
			b.bytes(unix.NFTA_DATA_VALUE, ip[16-size:]...)
		})
		if e.ttl > 0 {
			b.long(unix.NFTA_SET_ELEM_TIMEOUT, uint64(max(e.ttl.Milliseconds(), 1)))
		}
	})
}

// nativeWord is how the kernel holds a number that did not come from a packet.
func nativeWord(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
