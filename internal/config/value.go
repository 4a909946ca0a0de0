package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// value is a node of the file with the path that leads to it.
type value struct {
	r    *reader
	node *yaml.Node
	line int // of its key, or of the value where it has none
	path string
}

// at is the line that a message about the value names.
func (v value) at() int {
	if v.node != nil && v.node.Kind == yaml.ScalarNode && !isNull(v.node) {
		return v.node.Line
	}
	return v.line
}

func (v value) errorf(format string, args ...any) { v.r.fail(v.at(), v.path, format, args...) }
func (v value) warnf(format string, args ...any)  { v.r.warn(v.at(), v.path, format, args...) }

// child is what stands under a key.
func (v value) child(name string, key, node *yaml.Node) value {
	name = show(name)
	if v.path != "" {
		name = v.path + "." + name
	}
	return value{r: v.r, node: node, line: key.Line, path: name}
}

// items are the elements of a list.
func (v value) items() []value {
	list := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		list[i] = value{r: v.r, node: n, line: n.Line, path: v.path + "[" + strconv.Itoa(i) + "]"}
	}
	return list
}

// isNull tells whether nothing is written, as in "addresses:".
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// kind names what is written, for messages.
func (v value) kind() string {
	switch v.node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch v.node.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}

// is tells whether the value is of a kind, and reports what it is where it is not.
func (v value) is(kind yaml.Kind, wanted string) bool {
	switch {
	case v.r.refused[v.node]:
		return false
	case isNull(v.node):
		v.errorf("has no value: write %s, or remove the key", wanted)
		return false
	case v.node.Kind != kind:
		v.errorf("is %s: write %s", v.kind(), wanted)
		return false
	}
	return true
}

// list is a list's elements.
func (v value) list(wanted string) ([]value, bool) {
	if !v.is(yaml.SequenceNode, wanted) {
		return nil, false
	}
	return v.items(), true
}

// atMost tells whether a list has no more entries than are allowed.
func (v value) atMost(n, most int) bool {
	if n > most {
		v.errorf("has %d entries, %d are allowed", n, most)
	}
	return n <= most
}

// text is a string. What YAML reads as something else wants quotes.
func (v value) text(wanted string) (string, bool) {
	v.expect(form{"type": "string"})
	return v.str(wanted)
}

func (v value) str(wanted string) (string, bool) {
	if !v.is(yaml.ScalarNode, wanted) {
		return "", false
	}
	if v.node.Tag != "!!str" && v.node.Tag != "!!merge" {
		v.errorf("%s is %s: write %s, in quotes if it looks like a number or a date", show(v.node.Value), v.kind(), wanted)
		return "", false
	}
	return v.node.Value, true
}

// word is an argument of a command: numbers need no quotes.
func (v value) word(wanted string) (string, bool) {
	v.expect(form{"type": []string{"string", "number", "boolean"}})
	if !v.is(yaml.ScalarNode, wanted) {
		return "", false
	}
	if strings.ContainsRune(v.node.Value, 0) {
		v.errorf("contains a NUL byte, no command can have that in an argument")
		return "", false
	}
	return v.node.Value, true
}

// one is one of some words.
func (v value) one(words ...string) (string, bool) {
	or := strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	v.expect(form{"enum": words})
	s, ok := v.str(or)
	if !ok {
		return "", false
	}
	for _, w := range words {
		if s == w {
			return s, true
		}
	}
	v.errorf("%s is not %s", show(s), or)
	return "", false
}

func (v value) boolean() (val, ok bool) {
	v.expect(form{"type": "boolean"})
	if !v.is(yaml.ScalarNode, "true or false") {
		return false, false
	}
	if quoted(v.node) || v.node.Value != "true" && v.node.Value != "false" {
		v.errorf("%s is not true or false", v.written())
		return false, false
	}
	return v.node.Value == "true", true
}

var (
	decimal  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	zeroes   = regexp.MustCompile(`^[-+]?0[0-9]+$`)
	unitless = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
)

// integer is a whole decimal number in a range.
func (v value) integer(lo, hi int) (int, bool) {
	v.expect(form{"type": "integer", "minimum": lo, "maximum": hi})
	if !v.is(yaml.ScalarNode, fmt.Sprintf("a whole number in %d..%d", lo, hi)) {
		return 0, false
	}
	s := v.node.Value
	switch {
	case quoted(v.node):
		v.errorf("%s is text: write a whole number in %d..%d, without quotes", v.written(), lo, hi)
	case zeroes.MatchString(s):
		v.errorf("%s looks octal%s: write %s", show(s), asOctal(s), show(withoutZeroes(s)))
	case !decimal.MatchString(s):
		v.errorf("%s is not a whole number in %d..%d", show(s), lo, hi)
	default:
		n, err := strconv.Atoi(s)
		if err == nil && lo <= n && n <= hi {
			return n, true
		}
		v.errorf("%s is not in %d..%d", show(s), lo, hi)
	}
	return 0, false
}

// withoutZeroes is what was meant by a number with leading zeroes.
func withoutZeroes(s string) string {
	s = strings.TrimLeft(s, "+-0")
	if s == "" {
		return "0"
	}
	return s
}

// asOctal says what an octal number would be, where it is one and differs.
func asOctal(s string) string {
	n, err := strconv.ParseUint(strings.TrimLeft(s, "+-"), 8, 64)
	if err != nil || n == 0 {
		return ""
	}
	return fmt.Sprintf(" (some programs read %d)", n)
}

// duration is a time with its unit; 0 needs none.
func (v value) duration(lo, hi time.Duration) (time.Duration, bool) {
	v.expect(durationForm(lo))
	if !v.is(yaml.ScalarNode, "a time such as 200ms, 5s or 10m") {
		return 0, false
	}
	s := v.node.Value
	d, err := time.ParseDuration(s)
	switch {
	case unitless.MatchString(s) && (s != "0" || lo > 0):
		v.errorf("%s has no unit: write %ss", s, s)
	case err != nil:
		v.errorf("%s is not a time such as 200ms, 5s or 10m", show(s))
	case d < lo || d > hi:
		v.errorf("%s is not in %s..%s", show(s), printDuration(lo), printDuration(hi))
	default:
		return d, true
	}
	return 0, false
}

// durationForm is that of a time, whose range is beyond JSON Schema.
func durationForm(lo time.Duration) form {
	const pattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
	if lo > 0 {
		return form{"type": "string", "pattern": pattern}
	}
	return form{"type": []string{"string", "integer"}, "pattern": pattern, "minimum": 0, "maximum": 0} // 0 needs no unit
}

// printDuration writes a time as short as a person would.
func printDuration(d time.Duration) string {
	s := strings.Replace(d.String(), "µ", "u", 1)
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func quoted(n *yaml.Node) bool { return n.Style&^yaml.TaggedStyle != 0 }

// written is the value as the file has it.
func (v value) written() string {
	if quoted(v.node) {
		return strconv.Quote(v.node.Value)
	}
	return show(v.node.Value)
}
