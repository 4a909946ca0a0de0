package packetfilter

import (
	"net/netip"
	"slices"
)

// Packet is what would come in by an interface, or go out. What is not valid, or zero, is
// not known.
type Packet struct {
	Out       bool
	IPv6      bool
	Interface string
	From, To  netip.Addr
	Protocol  uint8
	FromPort  uint16
	ToPort    uint16
	States    []string // of its connection, each of which may be: new, established
	Multicast bool
}

// hooks are the places where the packet is looked at, in the kernel's order.
func (p *Packet) hooks() []string {
	if p.Out {
		return []string{"output", "postrouting", "egress"}
	}
	return []string{"ingress", "prerouting", "input"}
}

// answer is whether a condition is met.
type answer int

const (
	no answer = iota
	perhaps
	yes
)

func (a answer) not() answer { return yes - a }

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// field is what a condition looks at.
type field string

// The fields that are understood.
const (
	fieldNone     field = ""
	fieldProtocol field = "protocol" // of layer 4, by number
	fieldNFProto  field = "nfproto"
	fieldFrom     field = "from"
	fieldTo       field = "to"
	fieldFrom6    field = "from6"
	fieldTo6      field = "to6"
	fieldIn       field = "in"
	fieldOut      field = "out"
	fieldState    field = "state"
	fieldStatus   field = "status" // of a connection: nobody translates the addresses of ours
	fieldPort     field = "dport"
	fieldFromPort field = "sport"
	fieldPktType  field = "pkttype"
	fieldToType   field = "to-type"
)

// cond is a condition of a rule; one that is not understood has no field.
type cond struct {
	field  field
	not    bool
	values []value // one of them
	set    string  // or what a named set has
	needs  uint8   // protocol of layer 4 of which the field is; 0: of any
	v6     int     // 4 or 6: the family of which the field is; 0: of both
}

// value is a word, a range of numbers or a prefix.
type value struct {
	word   string
	lo, hi int64
	number bool
	from   netip.Addr // to to, both included
	to     netip.Addr
	odd    bool // it is not understood
}

func (r *Rule) met(w *walk) answer {
	all := yes
	for i := range r.conds {
		switch r.conds[i].met(w, r.Chain) {
		case no:
			return no
		case perhaps:
			all = perhaps
		}
	}
	return all
}

func (c *cond) met(w *walk, in *Chain) answer {
	p := w.packet
	if c.needs != 0 && p.Protocol != c.needs || c.v6 == 4 && p.IPv6 || c.v6 == 6 && !p.IPv6 {
		return no
	}
	values := c.values
	if c.set != "" {
		named, known := w.set.sets[setKey{in.Family, in.Table, c.set}]
		if !known {
			return perhaps
		}
		values = named
	}
	a := p.is(c.field, values)
	if c.not {
		a = a.not()
	}
	return a
}

// is tells whether a field of the packet has one of the values.
func (p *Packet) is(f field, values []value) answer {
	switch f {
	case fieldNone:
		return perhaps
	case fieldState:
		return p.isState(values)
	}
	most := no
	for _, v := range values {
		most = max(most, p.matches(f, v))
	}
	return most
}

func (p *Packet) isState(values []value) answer {
	count := 0
	for _, s := range p.States {
		if slices.ContainsFunc(values, func(v value) bool { return v.word == s }) {
			count++
		}
	}
	switch {
	case len(p.States) == 0:
		return perhaps
	case count == 0:
		return no
	case count == len(p.States):
		return yes
	}
	return perhaps
}

func (p *Packet) matches(f field, v value) answer {
	if v.odd {
		return perhaps
	}
	switch f {
	case fieldProtocol:
		return v.hasNumber(int64(p.Protocol))
	case fieldPort:
		return v.hasPort(p.ToPort)
	case fieldFromPort:
		return v.hasPort(p.FromPort)
	case fieldFrom, fieldFrom6:
		return v.hasAddr(p.From)
	case fieldTo, fieldTo6:
		return v.hasAddr(p.To)
	case fieldIn:
		return p.by(!p.Out, v)
	case fieldOut:
		return p.by(p.Out, v)
	case fieldNFProto:
		return answerOf(v.word == p.nfproto())
	case fieldStatus:
		if v.word == "dnat" || v.word == "snat" {
			return no
		}
	case fieldPktType:
		return answerOf(v.word == p.pktType())
	case fieldToType:
		return answerOf(v.word == p.toType())
	}
	return perhaps
}

// by tells whether it passes an interface in the direction that is asked about.
func (p *Packet) by(asked bool, v value) answer {
	if asked && p.Interface == "" {
		return perhaps
	}
	return answerOf(asked && v.hasName(p.Interface))
}

func (p *Packet) nfproto() string {
	if p.IPv6 {
		return "ipv6"
	}
	return "ipv4"
}

func (p *Packet) pktType() string {
	switch {
	case p.Multicast:
		return "multicast"
	case p.Out:
		return "other"
	}
	return "host"
}

func (p *Packet) toType() string {
	switch {
	case p.Multicast:
		return "multicast"
	case p.Out:
		return "unicast"
	}
	return "local"
}

func (v value) hasNumber(n int64) answer {
	if !v.number {
		return perhaps
	}
	return answerOf(v.lo <= n && n <= v.hi)
}

func (v value) hasPort(port uint16) answer {
	if port == 0 {
		return perhaps
	}
	return v.hasNumber(int64(port))
}

func (v value) hasAddr(a netip.Addr) answer {
	switch {
	case !v.from.IsValid():
		return perhaps
	case !a.IsValid():
		if v.from.IsUnspecified() && v.to.Compare(v.from) > 0 && v.everything() {
			return yes
		}
		return perhaps
	}
	return answerOf(a.BitLen() == v.from.BitLen() && v.from.Compare(a) <= 0 && a.Compare(v.to) <= 0)
}

// everything tells that a range of addresses leaves none out.
func (v value) everything() bool {
	for _, b := range v.to.AsSlice() {
		if b != 0xff {
			return false
		}
	}
	return true
}

// hasName compares the names of interfaces; * or + at the end stands for the rest.
func (v value) hasName(name string) bool {
	if n := len(v.word); n > 0 && (v.word[n-1] == '*' || v.word[n-1] == '+') {
		return len(name) >= n-1 && name[:n-1] == v.word[:n-1]
	}
	return v.word == name
}
