package config

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/pairkeeper/pairkeeper/probes"
)

// readText reads what a text must have: a part of it, or a mapping.
func readText(f fields, key string, into *probes.Text) { readTextOr(f, key, into) }

// readTextOr is readText with more keys in the mapping, which it returns.
func readTextOr(f fields, key string, into *probes.Text, more ...string) (m fields, ok bool) {
	v, ok := f.keys[key]
	if !ok {
		return m, false
	}
	if v.kind() != "a mapping" {
		f.text(key, &into.Contains, "a part of the text, or a mapping such as {regexp: '^ok$'}")
		return m, false
	}
	m, ok = v.fields("{contains: ok} or {regexp: '^ok$'}", append([]string{"contains", "regexp"}, more...)...)
	if !ok {
		return m, false
	}
	m.text("contains", &into.Contains, "a part of the text")
	if m.text("regexp", &into.Regexp, "a regular expression") {
		m.keys["regexp"].checkRegexp(into.Regexp)
	}
	if len(m.keys) == 0 {
		v.errorf("is empty: write {contains: ok} or {regexp: '^ok$'}, or remove the key")
	}
	return m, true
}

func textTree(t tree, key string, want probes.Text) {
	switch {
	case want.Any():
	case want.Regexp == "":
		t.set(key, quote(want.Contains))
	default:
		m := flow()
		if want.Contains != "" {
			m.set("contains", quote(want.Contains))
		}
		m.set("regexp", quote(want.Regexp))
		t.set(key, m.Node)
	}
}

func (v value) checkRegexp(s string) {
	_, err := regexp.Compile(s)
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		v.errorf("%s is not a regular expression: %s in %s", show(s), e.Code, show(e.Expr))
	}
}
