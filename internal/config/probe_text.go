package config

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/pairkeeper/pairkeeper/probes"
)

// readText reads what a text must have: a part of it, or a mapping.
func readText(f fields, key string, into *probes.Text) {
	v, ok := f.keys[key]
	if !ok {
		return
	}
	if v.kind() != "a mapping" {
		f.text(key, &into.Contains, "a part of the text, or a mapping such as {regexp: '^ok$'}")
		return
	}
	m, ok := v.fields("{contains: ok} or {regexp: '^ok$'}", "contains", "regexp")
	if !ok {
		return
	}
	m.text("contains", &into.Contains, "a part of the text")
	if m.text("regexp", &into.Regexp, "a regular expression") {
		m.keys["regexp"].checkRegexp(into.Regexp)
	}
	if len(m.keys) == 0 {
		v.errorf("is empty: write {contains: ok} or {regexp: '^ok$'}, or remove the key")
	}
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
