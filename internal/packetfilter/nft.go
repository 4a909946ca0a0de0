package packetfilter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ours begins the names of the gate's tables, which drop only what comes for a virtual
// address.
const ours = "pairkeeper"

// ParseNFT reads what nft -j list ruleset prints.
func ParseNFT(data []byte) (*Ruleset, error) {
	var all struct {
		Objects []struct {
			Table *nftTable
			Chain *nftChain
			Set   *nftSet
			Map   *nftSet
			Rule  *nftRule
		} `json:"nftables"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("nft -j list ruleset: %w", err)
	}
	s := &Ruleset{sets: map[setKey][]value{}, maps: map[setKey][]mapping{}}
	dormant := map[[2]string]bool{}
	chains := map[setKey]*Chain{}
	for _, o := range all.Objects {
		switch {
		case o.Table != nil:
			dormant[[2]string{o.Table.Family, o.Table.Name}] = contains(o.Table.Flags, "dormant")
		case o.Chain != nil && !strings.HasPrefix(o.Chain.Table, ours):
			c := o.Chain.chain()
			chains[setKey{c.Family, c.Table, c.Name}] = c
			if !dormant[[2]string{c.Family, c.Table}] {
				s.Chains = append(s.Chains, c)
			}
		case o.Set != nil:
			s.sets[setKey{o.Set.Family, o.Set.Table, o.Set.Name}] = o.Set.values()
		case o.Map != nil:
			s.maps[setKey{o.Map.Family, o.Map.Table, o.Map.Name}] = mappings(o.Map.Elem)
		case o.Rule != nil:
			if c := chains[setKey{o.Rule.Family, o.Rule.Table, o.Rule.Chain}]; c != nil {
				c.Rules = append(c.Rules, o.Rule.rule(c))
			}
		}
	}
	s.settle()
	return s, nil
}

type nftTable struct {
	Family, Name string
	Flags        json.RawMessage // a word or a list
}

type nftChain struct {
	Family, Table, Name string
	Type, Hook, Policy  string
	Prio                int
	Dev                 json.RawMessage // a word or a list
}

func (c *nftChain) chain() *Chain {
	out := &Chain{Family: c.Family, Table: c.Table, Name: c.Name, Hook: c.Hook, Type: c.Type, Priority: c.Prio, Policy: c.Policy, Tool: NFT}
	_ = json.Unmarshal(c.Dev, &out.Device) // of several, the chain is taken to be on each
	switch {
	case c.Table == "firewalld":
		out.Tool = Firewalld
	case c.Table == "filter" && (strings.HasPrefix(c.Name, "ufw-") || strings.HasPrefix(c.Name, "ufw6-")):
		out.Tool = UFW
	case c.Family != "inet" && c.Table == "filter" && slices.Contains([]string{"INPUT", "OUTPUT", "FORWARD"}, c.Name):
		out.Tool = IPTables
	}
	return out
}

type nftSet struct {
	Family, Table, Name string
	Elem                []json.RawMessage
}

func (s *nftSet) values() (list []value) {
	for _, e := range s.Elem {
		list = append(list, valueOf(e))
	}
	return list
}

type nftRule struct {
	Family, Table, Chain string
	Handle               int
	Comment              string
	Expr                 []map[string]json.RawMessage
}

func (r *nftRule) rule(c *Chain) *Rule {
	out := &Rule{Chain: c, Handle: r.Handle, Text: nftText(r.Expr, r.Comment)}
	for _, e := range r.Expr {
		for key, body := range e {
			out.statement(key, body)
		}
	}
	return out
}

// statement adds one statement of a rule.
func (r *Rule) statement(key string, body json.RawMessage) {
	switch key {
	case "match":
		r.conds = append(r.conds, condOf(body))
	case "vmap":
		r.verdict = vmapOf(body)
	case "counter", "log", "mangle", "notrack", "set", "map", "ct helper", "quota", "ct timeout", "last":
		// goes on
	case "xt", "limit", "ct count", "fib", "meter":
		r.conds = append(r.conds, cond{}) // perhaps
	case "queue":
		r.verdict = verdict{kind: unknown}
	case "dnat", "snat", "masquerade", "redirect", "tproxy", "dup", "fwd", "synproxy", "flow":
		r.verdict = verdict{kind: accepts}
	default:
		if v, ok := verdictOf(key, body); ok {
			r.verdict = v
		} else {
			r.conds = append(r.conds, cond{})
		}
	}
}

func verdictOf(key string, body json.RawMessage) (verdict, bool) {
	var to struct{ Target string }
	switch key {
	case "accept", "continue":
		return verdict{kind: map[string]kind{"accept": accepts, "continue": goesOn}[key]}, true
	case "drop", "reject":
		return verdict{kind: drops}, true
	case "return":
		return verdict{kind: returns}, true
	case "jump", "goto":
		_ = json.Unmarshal(body, &to)
		return verdict{kind: map[string]kind{"jump": jumps, "goto": goesTo}[key], target: to.Target}, true
	}
	return verdict{}, false
}

func vmapOf(body json.RawMessage) verdict {
	var m struct{ Key, Data json.RawMessage }
	_ = json.Unmarshal(body, &m)
	c := leftOf(m.Key)
	v := verdict{kind: looksUp, by: c.field}
	var data struct{ Set []json.RawMessage }
	if json.Unmarshal(m.Data, &v.ofMap) == nil {
		v.ofMap = strings.TrimPrefix(v.ofMap, "@")
		return v
	}
	_ = json.Unmarshal(m.Data, &data)
	v.of = mappings(data.Set)
	return v
}

func mappings(elements []json.RawMessage) (list []mapping) {
	for _, e := range elements {
		var pair []json.RawMessage
		var then map[string]json.RawMessage
		if json.Unmarshal(e, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[1], &then) != nil {
			continue
		}
		m := mapping{key: valueOf(pair[0]), verdict: verdict{kind: unknown}}
		for key, body := range then {
			if v, ok := verdictOf(key, body); ok {
				m.verdict = v
			}
		}
		list = append(list, m)
	}
	return list
}

// condOf is a match.
func condOf(body json.RawMessage) cond {
	var m struct {
		Op          string
		Left, Right json.RawMessage
	}
	if json.Unmarshal(body, &m) != nil {
		return cond{}
	}
	c := leftOf(m.Left)
	switch m.Op {
	case "==", "in":
	case "!=":
		c.not = true
	default:
		c.field = fieldNone
	}
	var word string
	var list []json.RawMessage
	var set struct{ Set []json.RawMessage }
	switch {
	case json.Unmarshal(m.Right, &word) == nil && strings.HasPrefix(word, "@"):
		c.set = word[1:]
	case json.Unmarshal(m.Right, &list) == nil:
		c.values = valuesOf(list)
	case json.Unmarshal(m.Right, &set) == nil && len(set.Set) > 0:
		c.values = valuesOf(set.Set)
	default:
		c.values = []value{valueOf(m.Right)}
	}
	return c
}

// payloads are the fields of packets that are understood.
var payloads = map[string]cond{
	"ip protocol": {field: fieldProtocol, v6: 4},
	"ip saddr":    {field: fieldFrom, v6: 4},
	"ip daddr":    {field: fieldTo, v6: 4},
	"ip6 nexthdr": {field: fieldProtocol, v6: 6},
	"ip6 saddr":   {field: fieldFrom, v6: 6},
	"ip6 daddr":   {field: fieldTo, v6: 6},
	"udp dport":   {field: fieldPort, needs: 17},
	"udp sport":   {field: fieldFromPort, needs: 17},
	"th dport":    {field: fieldPort},
	"th sport":    {field: fieldFromPort},
}

// layers are the protocols whose other fields cannot be ours.
var layers = map[string]uint8{"tcp": 6, "icmp": 1, "icmpv6": 58, "sctp": 132, "dccp": 33, "udp": 17, "ah": 51, "esp": 50, "igmp": 2, "udplite": 136, "comp": 108}

var metas = map[string]field{
	"l4proto": fieldProtocol, "nfproto": fieldNFProto, "iifname": fieldIn, "iif": fieldIn, "oifname": fieldOut, "oif": fieldOut, "pkttype": fieldPktType,
}

// leftOf is what a match looks at.
func leftOf(body json.RawMessage) cond {
	var l struct {
		Payload struct{ Protocol, Field string }
		Meta    struct{ Key string }
		CT      struct{ Key string }
		FIB     struct {
			Result string
			Flags  json.RawMessage
		}
	}
	if json.Unmarshal(body, &l) != nil {
		return cond{}
	}
	switch {
	case l.Payload.Protocol != "":
		if c, ok := payloads[l.Payload.Protocol+" "+l.Payload.Field]; ok {
			return c
		}
		return cond{needs: layers[l.Payload.Protocol]}
	case l.Meta.Key != "":
		return cond{field: metas[l.Meta.Key]}
	case l.CT.Key == "state":
		return cond{field: fieldState}
	case l.CT.Key == "status":
		return cond{field: fieldStatus}
	case l.FIB.Result == "type" && contains(l.FIB.Flags, "daddr"):
		return cond{field: fieldToType}
	}
	return cond{}
}

func valuesOf(list []json.RawMessage) (values []value) {
	for _, e := range list {
		values = append(values, valueOf(e))
	}
	return values
}

// valueOf is a word, a number, a range or a prefix.
func valueOf(body json.RawMessage) value {
	var word string
	var number int64
	var deep struct {
		Range  []json.RawMessage
		Prefix struct {
			Addr string
			Len  int
		}
		Elem struct{ Val json.RawMessage }
	}
	switch {
	case json.Unmarshal(body, &word) == nil:
		return wordValue(word)
	case json.Unmarshal(body, &number) == nil:
		return value{lo: number, hi: number, number: true}
	case json.Unmarshal(body, &deep) != nil:
	case len(deep.Range) == 2:
		return rangeValue(valueOf(deep.Range[0]), valueOf(deep.Range[1]))
	case deep.Prefix.Addr != "":
		return prefixValue(fmt.Sprintf("%s/%d", deep.Prefix.Addr, deep.Prefix.Len))
	case deep.Elem.Val != nil:
		return valueOf(deep.Elem.Val)
	}
	return value{odd: true}
}

// contains looks for a word in what is a word or a list of words.
func contains(body json.RawMessage, word string) bool {
	var one string
	var list []string
	if json.Unmarshal(body, &one) == nil {
		return one == word
	}
	return json.Unmarshal(body, &list) == nil && slices.Contains(list, word)
}
