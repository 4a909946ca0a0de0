package packetfilter

import (
	"encoding/json"
	"fmt"
	"strings"
)

// nftText is a rule much as nft prints it: the JSON has no text of it.
func nftText(expr []map[string]json.RawMessage, comment string) string {
	var words []string
	for _, e := range expr {
		for key, body := range e {
			words = append(words, statementText(key, body))
		}
	}
	if comment != "" {
		words = append(words, fmt.Sprintf("comment %q", comment))
	}
	return strings.Join(words, " ")
}

func statementText(key string, body json.RawMessage) string {
	var m struct {
		Op          string
		Left, Right json.RawMessage
		Key, Data   json.RawMessage
		Target      string
		Prefix      string
	}
	_ = json.Unmarshal(body, &m)
	switch key {
	case "match":
		op := " " + m.Op
		if m.Op == "==" || m.Op == "in" {
			op = ""
		}
		return text(m.Left) + op + " " + text(m.Right)
	case "vmap":
		return text(m.Key) + " vmap " + text(m.Data)
	case "jump", "goto":
		return key + " " + m.Target
	case "log":
		if m.Prefix != "" {
			return fmt.Sprintf("log prefix %q", m.Prefix)
		}
	case "xt":
		return "(a rule of iptables' own)"
	}
	return key
}

// text is an expression.
func text(body json.RawMessage) string {
	var word string
	var list []json.RawMessage
	var deep struct {
		Payload struct{ Protocol, Field string }
		Meta    struct{ Key string }
		CT      struct{ Key string }
		FIB     struct {
			Result string
			Flags  []string
		}
		Prefix struct {
			Addr string
			Len  int
		}
		Range  []json.RawMessage
		Set    []json.RawMessage
		Jump   *struct{ Target string }
		Goto   *struct{ Target string }
		Accept *json.RawMessage
	}
	switch {
	case json.Unmarshal(body, &word) == nil:
		return word
	case json.Unmarshal(body, &list) == nil:
		return joined(list, ",")
	case json.Unmarshal(body, &deep) != nil:
		return string(body)
	case deep.Payload.Protocol != "":
		return deep.Payload.Protocol + " " + deep.Payload.Field
	case deep.Meta.Key == "iifname", deep.Meta.Key == "oifname", deep.Meta.Key == "iif", deep.Meta.Key == "oif":
		return deep.Meta.Key
	case deep.Meta.Key != "":
		return "meta " + deep.Meta.Key
	case deep.CT.Key != "":
		return "ct " + deep.CT.Key
	case deep.FIB.Result != "":
		return "fib " + strings.Join(deep.FIB.Flags, " . ") + " " + deep.FIB.Result
	case deep.Prefix.Addr != "":
		return fmt.Sprintf("%s/%d", deep.Prefix.Addr, deep.Prefix.Len)
	case len(deep.Range) == 2:
		return text(deep.Range[0]) + "-" + text(deep.Range[1])
	case deep.Set != nil:
		return "{ " + joined(deep.Set, ", ") + " }"
	case deep.Jump != nil:
		return "jump " + deep.Jump.Target
	case deep.Goto != nil:
		return "goto " + deep.Goto.Target
	}
	return bare(body)
}

// bare is what has no body, such as {"accept": null}, by its name; a pair is key : value.
func bare(body json.RawMessage) string {
	var names map[string]json.RawMessage
	if json.Unmarshal(body, &names) == nil {
		for name := range names {
			return name
		}
	}
	return string(body)
}

func joined(list []json.RawMessage, by string) string {
	var words []string
	for _, e := range list {
		var pair []json.RawMessage
		if json.Unmarshal(e, &pair) == nil && len(pair) == 2 {
			words = append(words, text(pair[0])+" : "+text(pair[1]))
			continue
		}
		words = append(words, text(e))
	}
	return strings.Join(words, by)
}
