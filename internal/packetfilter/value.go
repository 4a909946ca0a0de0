package packetfilter

import (
	"net/netip"
	"strconv"
)

// protocols are the names that nft and iptables print for numbers of layer 4.
var protocols = map[string]int64{
	"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "vrrp": 112, "carp": 112, "comp": 108, "ipcomp": 108,
	"sctp": 132, "dccp": 33, "udplite": 136, "ipv6": 41, "ospf": 89, "pim": 103,
}

// wordValue is a word, which may be the name of a protocol, an address or a number.
func wordValue(word string) value {
	v := value{word: word}
	if a, err := netip.ParseAddr(word); err == nil {
		v.from, v.to = a, a
	}
	if p, err := netip.ParsePrefix(word); err == nil {
		return prefixValue(p.String())
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		v.lo, v.hi, v.number = n, n, true
	}
	if n, ok := protocols[word]; ok {
		v.lo, v.hi, v.number = n, n, true
	}
	return v
}

func rangeValue(lo, hi value) value {
	switch {
	case lo.number && hi.number:
		return value{lo: lo.lo, hi: hi.hi, number: true}
	case lo.from.IsValid() && hi.to.IsValid():
		return value{from: lo.from, to: hi.to}
	}
	return value{odd: true}
}

func prefixValue(text string) value {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return value{odd: true}
	}
	p = p.Masked()
	last := p.Addr().AsSlice()
	for i := range last {
		if bits := p.Bits() - 8*i; bits < 8 {
			last[i] |= 0xff >> max(bits, 0)
		}
	}
	to, _ := netip.AddrFromSlice(last)
	return value{from: p.Addr(), to: to}
}
