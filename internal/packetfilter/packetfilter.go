// Package packetfilter says what a host's packet filter would do with a packet, and which
// rule does it. It reads what nft -j list ruleset and iptables -S print and does no I/O.
//
// It understands what decides about a protocol, a port, an address, an interface and the
// state of a connection. What it does not understand makes an answer uncertain, never wrong.
package packetfilter

import (
	"cmp"
	"slices"
)

// Ruleset is all that a host's packet filter has.
type Ruleset struct {
	Chains []*Chain
	sets   map[setKey][]value
	maps   map[setKey][]mapping
}

// setKey names a set or a map of a table.
type setKey struct{ family, table, name string }

// Chain is one chain; of a base chain the packets of Hook come into it.
type Chain struct {
	Family, Table, Name string
	Hook                string // empty: other chains jump here
	Type                string // filter, nat, route
	Priority            int
	Policy              string // accept or drop; of a base chain
	Device              string // of the hook ingress
	Rules               []*Rule
	Tool                Tool
}

// Tool is who writes a chain, and so which commands change it.
type Tool string

// The tools.
const (
	NFT       Tool = "nft"
	IPTables  Tool = "iptables"
	Legacy    Tool = "iptables-legacy"
	Firewalld Tool = "firewalld"
	UFW       Tool = "ufw"
)

// Rule is one rule; all of its conditions are to be met for its verdict.
type Rule struct {
	Chain   *Chain
	Handle  int // of nft; 0: it has none
	Text    string
	conds   []cond
	verdict verdict
}

// verdict is what a rule does with a packet.
type verdict struct {
	kind   kind
	target string    // of jump and goto
	by     field     // of a map: what is looked up
	of     []mapping // and what then
	ofMap  string    // the same by its name
}

type kind int

const (
	goesOn kind = iota
	accepts
	drops
	returns
	jumps
	goesTo
	looksUp
	unknown // it may drop the packet
)

// mapping is an element of a verdict map.
type mapping struct {
	key     value
	verdict verdict
}

// Judgement is what becomes of a packet.
type Judgement int

// The judgements.
const (
	Passes Judgement = iota
	MayBeBlocked
	Blocked
)

// Finding is the judgement of a packet with what is to blame.
type Finding struct {
	Judgement Judgement
	Chain     *Chain
	Rule      *Rule // nil: the chain's policy
	// Doubt is the first rule that may have decided otherwise, of one that is not certain.
	Doubt *Rule

	accepted *Rule // of one that passes: the last rule that let it
}

// Judge follows a packet through the chains of its hooks. One that may be of a connection in
// several states is followed in each.
func (s *Ruleset) Judge(p Packet) Finding {
	states := p.States
	if len(states) < 2 {
		return s.judge(p)
	}
	var worst Finding
	var accepted *Rule
	blocked := 0
	for i, state := range states {
		p.States = []string{state}
		f := s.judge(p)
		if i == 0 || f.Judgement > worst.Judgement {
			worst = f
		}
		switch f.Judgement {
		case Blocked:
			blocked++
		case Passes:
			accepted = f.accepted
		}
	}
	if blocked > 0 && blocked < len(states) {
		worst.Judgement, worst.Doubt = MayBeBlocked, accepted
	}
	return worst
}

func (s *Ruleset) judge(p Packet) Finding {
	found := Finding{}
	for _, hook := range p.hooks() {
		for _, c := range s.base(hook, &p) {
			f := s.through(c, &p)
			if f.Judgement > found.Judgement || f.Judgement == found.Judgement && f.accepted != nil {
				found = f
			}
			if found.Judgement == Blocked {
				return found
			}
		}
	}
	return found
}

// base are the base chains of a hook that see the packet, in the kernel's order.
func (s *Ruleset) base(hook string, p *Packet) []*Chain {
	var list []*Chain
	for _, c := range s.Chains {
		if c.Hook == hook && c.sees(p) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b *Chain) int { return cmp.Compare(a.Priority, b.Priority) })
	return list
}

func (c *Chain) sees(p *Packet) bool {
	if c.Device != "" && c.Device != p.Interface {
		return false
	}
	switch c.Family {
	case "inet", "netdev":
		return true
	case "ip":
		return !p.IPv6
	case "ip6":
		return p.IPv6
	}
	return false // arp, bridge
}

// deepest bounds how far chains jump, as the kernel does; longest how many rules are looked at
// for one packet: what is left then is uncertain.
const (
	deepest = 16
	longest = 1_000_000
)

// walk is a packet's way through one base chain.
type walk struct {
	set    *Ruleset
	packet *Packet
	depth  int
	rules  int      // looked at
	doubt  *Rule    // it may have been accepted here
	maybe  *Finding // it may have been dropped here
}

// end is how a chain was left.
type end int

const (
	fellThrough end = iota
	accepted
	dropped
)

func (s *Ruleset) through(c *Chain, p *Packet) Finding {
	w := &walk{set: s, packet: p}
	how, at := w.chain(c, true)
	if how == fellThrough && c.Policy == "drop" {
		how = dropped
	}
	switch {
	case how == dropped && w.doubt == nil:
		return Finding{Judgement: Blocked, Chain: chainOf(at, c), Rule: at}
	case how == dropped:
		return Finding{Judgement: MayBeBlocked, Chain: chainOf(at, c), Rule: at, Doubt: w.doubt}
	case w.maybe != nil:
		return *w.maybe
	}
	if how == fellThrough {
		at = nil // which returned
	}
	return Finding{accepted: at}
}

func chainOf(r *Rule, c *Chain) *Chain {
	if r != nil {
		return r.Chain
	}
	return c
}

// chain follows the packet through one chain. Where it is not certain that the packet comes
// here, nothing that happens is.
func (w *walk) chain(c *Chain, certain bool) (end, *Rule) {
	if w.depth >= deepest {
		return fellThrough, nil
	}
	w.depth++
	defer func() { w.depth-- }()
	for _, r := range c.Rules {
		if w.rules++; w.rules > longest {
			w.mayDrop(r)
			w.doubtful(r)
			return fellThrough, nil
		}
		met := r.met(w)
		if met == no {
			continue
		}
		how, at, left := w.act(c, r, &r.verdict, certain && met == yes)
		if left {
			return how, at
		}
		if met != yes && r.verdict.leaves() {
			certain = false // perhaps it is not here any more
		}
	}
	return fellThrough, nil
}

// leaves tells that the rules after this one are for packets that do not meet it.
func (v *verdict) leaves() bool { return v.kind == returns || v.kind == goesTo }

// act does what a rule says; left tells that the chain ends with it.
func (w *walk) act(c *Chain, r *Rule, v *verdict, certain bool) (how end, at *Rule, left bool) {
	switch v.kind {
	case accepts:
		if certain {
			return accepted, r, true
		}
		w.doubtful(r)
	case drops:
		if certain {
			return dropped, r, true
		}
		w.mayDrop(r)
	case unknown:
		w.mayDrop(r)
		w.doubtful(r)
	case returns:
		if certain {
			return fellThrough, r, true
		}
	case jumps, goesTo:
		to := w.set.chain(c, v.target)
		if to == nil {
			w.mayDrop(r)
			return 0, nil, false
		}
		how, at := w.chain(to, certain)
		if how != fellThrough || v.kind == goesTo && certain {
			return how, at, true
		}
	case looksUp:
		return w.lookUp(c, r, v, certain)
	}
	return 0, nil, false
}

// lookUp does what a verdict map says; its elements exclude each other.
func (w *walk) lookUp(c *Chain, r *Rule, v *verdict, certain bool) (end, *Rule, bool) {
	elements := v.of
	if v.ofMap != "" {
		elements = w.set.maps[setKey{c.Family, c.Table, v.ofMap}]
	}
	for i := range elements {
		e := &elements[i]
		one := cond{field: v.by, values: []value{e.key}}
		switch one.met(w, c) {
		case no:
			continue
		case yes:
			return w.act(c, r, &e.verdict, certain)
		case perhaps:
			if how, at, left := w.act(c, r, &e.verdict, false); left {
				return how, at, left
			}
		}
	}
	return 0, nil, false
}

func (w *walk) doubtful(r *Rule) {
	if w.doubt == nil {
		w.doubt = r
	}
}

func (w *walk) mayDrop(r *Rule) {
	if w.maybe == nil {
		w.maybe = &Finding{Judgement: MayBeBlocked, Chain: r.Chain, Rule: r}
	}
}

func (s *Ruleset) chain(from *Chain, name string) *Chain {
	for _, c := range s.Chains {
		if c.Family == from.Family && c.Table == from.Table && c.Name == name && c.Tool.same(from.Tool) {
			return c
		}
	}
	return nil
}

// same tells that two chains may be of one table: the tools' own names lie in one.
func (t Tool) same(o Tool) bool { return (t == Legacy) == (o == Legacy) }
