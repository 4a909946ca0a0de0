package packetfilter

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// hooksOf are the built-in chains of the table filter.
var hooksOf = map[string]string{"INPUT": "input", "OUTPUT": "output"}

// AddIPTables adds the table filter as iptables -S prints it, or ip6tables -S for family
// ip6, in place of what nft printed of the same table.
func (s *Ruleset) AddIPTables(text, family string, tool Tool) {
	if tool == IPTables {
		s.Chains = slices.DeleteFunc(s.Chains, func(c *Chain) bool { return c.Family == family && c.Table == "filter" && c.Tool != Legacy })
	}
	chains := map[string]*Chain{}
	for line := range strings.Lines(text) {
		words := shellWords(strings.TrimSpace(line))
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "-P", "-N":
			c := &Chain{Family: family, Table: "filter", Name: words[1], Tool: tool, Type: "filter"}
			if words[0] == "-P" {
				c.Hook = hooksOf[words[1]]
			}
			if words[0] == "-P" && len(words) > 2 {
				c.Policy = strings.ToLower(words[2])
			}
			if tool == IPTables && (strings.HasPrefix(c.Name, "ufw-") || strings.HasPrefix(c.Name, "ufw6-")) {
				c.Tool = UFW
			}
			chains[c.Name] = c
			s.Chains = append(s.Chains, c)
		case "-A":
			if c := chains[words[1]]; c != nil {
				c.Rules = append(c.Rules, iptablesRule(c, strings.TrimSpace(line), words[2:]))
			}
		}
	}
	s.settle()
}

// settle gives the built-in chains to ufw where it has chains of its own beside them.
func (s *Ruleset) settle() {
	for _, family := range []string{"ip", "ip6"} {
		ufw := func(c *Chain) bool { return c.Family == family && c.Tool == UFW }
		if !slices.ContainsFunc(s.Chains, ufw) {
			continue
		}
		for _, c := range s.Chains {
			if c.Family == family && c.Tool == IPTables {
				c.Tool = UFW
			}
		}
	}
}

// shellWords splits at spaces outside of double quotes.
func shellWords(line string) (words []string) {
	var b strings.Builder
	quoted, any := false, false
	for i := 0; i < len(line); i++ {
		switch ch := line[i]; {
		case ch == '\\' && quoted && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		case ch == '"':
			quoted, any = !quoted, true
		case ch == ' ' && !quoted:
			if any || b.Len() > 0 {
				words = append(words, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteByte(ch)
		}
	}
	if any || b.Len() > 0 {
		words = append(words, b.String())
	}
	return words
}

// iptablesRule reads the options of a rule, each with its words up to the next.
func iptablesRule(c *Chain, text string, words []string) *Rule {
	r := &Rule{Chain: c, Text: text}
	not := false
	for i := 0; i < len(words); i++ {
		if words[i] == "!" {
			not = true
			continue
		}
		j := i + 1
		for j < len(words) && !strings.HasPrefix(words[j], "-") && words[j] != "!" {
			j++
		}
		r.option(words[i], words[i+1:j], not)
		not, i = false, j-1
	}
	return r
}

// option adds what one option of iptables(8) says.
func (r *Rule) option(name string, args []string, not bool) {
	arg := strings.Join(args, " ")
	add := func(f field, values ...value) {
		r.conds = append(r.conds, cond{field: f, not: not, values: values})
	}
	switch name {
	case "-p":
		if arg != "all" && arg != "0" {
			add(fieldProtocol, wordValue(arg))
		}
	case "-s":
		add(fieldFrom, iptablesAddr(arg))
	case "-d":
		add(fieldTo, iptablesAddr(arg))
	case "-i":
		add(fieldIn, value{word: arg})
	case "-o":
		add(fieldOut, value{word: arg})
	case "--dport", "--dports", "--destination-ports":
		add(fieldPort, ports(arg)...)
	case "--sport", "--sports", "--source-ports":
		add(fieldFromPort, ports(arg)...)
	case "--ctstate", "--state":
		var states []value
		for _, s := range strings.Split(strings.ToLower(arg), ",") {
			states = append(states, value{word: s})
		}
		add(fieldState, states...)
	case "--pkt-type":
		add(fieldPktType, value{word: arg})
	case "--dst-type":
		add(fieldToType, value{word: strings.ToLower(arg)})
	case "-j", "-g":
		r.verdict = iptablesVerdict(name, arg)
	case "-m":
		if !slices.Contains([]string{"comment", "udp", "tcp", "multiport", "conntrack", "state", "pkttype", "addrtype", "ah"}, arg) {
			r.conds = append(r.conds, cond{})
		}
	case "--comment", "--reject-with", "--log-prefix", "--log-level", "--log-options":
	default:
		if r.verdict.kind == goesOn {
			r.conds = append(r.conds, cond{}) // of a match that is not understood
		}
	}
}

func iptablesVerdict(option, target string) verdict {
	switch target {
	case "ACCEPT":
		return verdict{kind: accepts}
	case "DROP", "REJECT", "TARPIT":
		return verdict{kind: drops}
	case "RETURN":
		return verdict{kind: returns}
	case "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "SET", "TRACE", "CT", "NOTRACK", "AUDIT":
		return verdict{}
	case "NFQUEUE", "QUEUE":
		return verdict{kind: unknown}
	}
	if option == "-g" {
		return verdict{kind: goesTo, target: target}
	}
	return verdict{kind: jumps, target: target}
}

// iptablesAddr is an address, or a prefix.
func iptablesAddr(text string) value {
	if a, err := netip.ParseAddr(text); err == nil {
		return value{from: a, to: a}
	}
	return prefixValue(text)
}

// ports are those of 53,100:200.
func ports(text string) (list []value) {
	for _, one := range strings.Split(text, ",") {
		lo, hi, isRange := strings.Cut(one, ":")
		if !isRange {
			hi = lo
		}
		from, err1 := strconv.ParseInt(lo, 10, 64)
		to, err2 := strconv.ParseInt(hi, 10, 64)
		list = append(list, value{lo: from, hi: to, number: err1 == nil && err2 == nil, odd: err1 != nil || err2 != nil})
	}
	return list
}
