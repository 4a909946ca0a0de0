package config

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// fields is a mapping with its keys checked. Its methods read a key into a variable that
// already holds the default, and tell whether the variable was set from the file.
type fields struct {
	value
	keys map[string]value
}

// fields checks a mapping's keys: known ones, each once.
func (v value) fields(wanted string, known ...string) (fields, bool) {
	f, ok := v.mapping(wanted, append([]string{}, known...))
	return fields{value: v, keys: f}, ok
}

// mapping is a mapping's values by key; known nil allows all keys.
func (v value) mapping(wanted string, known []string) (map[string]value, bool) {
	if !v.is(yaml.MappingNode, wanted) {
		return nil, false
	}
	v.expectKeys(known)
	keys := map[string]value{}
	for _, kv := range v.pairs() {
		switch first, twice := keys[kv.name]; {
		case twice:
			kv.key.errorf("is given twice, first in line %d: remove one", first.line)
		case known != nil && !slices.Contains(known, kv.name):
			kv.key.errorf("%s", unknown(kv.name, known))
		default:
			keys[kv.name] = kv.value
		}
	}
	return keys, true
}

// pair is an entry of a mapping.
type pair struct {
	name       string
	key, value value
}

// pairs are the entries of a mapping in the file's order.
func (v value) pairs() []pair {
	var list []pair
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		key := v.child(k.Value, k, k)
		if k.Kind != yaml.ScalarNode || key.r.refused[k] {
			if !key.r.refused[k] {
				v.errorf("has %s as a key, a word is needed", value{r: v.r, node: k}.kind())
			}
			continue
		}
		list = append(list, pair{k.Value, key, v.child(k.Value, k, n)})
	}
	return list
}

// need tells whether the mapping has a key, and reports where it has not.
func (f fields) need(key, example string) (value, bool) {
	if f.r.seen != nil {
		f.r.seen.need(f, key)
	}
	v, ok := f.keys[key]
	if !ok {
		f.errorf("needs %s, such as %s: %s", key, key, example)
	}
	return v, ok
}

func (f fields) has(key string) bool { _, ok := f.keys[key]; return ok }

func (f fields) text(key string, into *string, wanted string) bool {
	v, ok := f.keys[key]
	if !ok {
		return false
	}
	s, ok := v.text(wanted)
	if ok && s == "" {
		v.errorf("is empty: write %s, or remove the key", wanted)
		return false
	}
	if ok {
		*into = s
	}
	return ok
}

func (f fields) integer(key string, into *int, lo, hi int) bool {
	v, ok := f.keys[key]
	if !ok {
		return false
	}
	n, ok := v.integer(lo, hi)
	if ok {
		*into = n
	}
	return ok
}

func (f fields) duration(key string, into *time.Duration, lo, hi time.Duration) bool {
	v, ok := f.keys[key]
	if !ok {
		return false
	}
	d, ok := v.duration(lo, hi)
	if ok {
		*into = d
	}
	return ok
}

func (f fields) boolean(key string, into *bool) {
	v, ok := f.keys[key]
	if !ok {
		return
	}
	if b, ok := v.boolean(); ok {
		*into = b
	}
}

// words is a list of arguments.
func (f fields) words(key string, into *[]string, example string) bool {
	v, ok := f.keys[key]
	if !ok {
		return false
	}
	items, ok := v.list("a list of arguments such as " + example)
	if !ok {
		return false
	}
	var all []string
	for _, item := range items {
		w, good := item.word("an argument")
		all, ok = append(all, w), ok && good
	}
	if ok && len(all) > 0 && all[0] == "" {
		v.errorf("starts with an empty argument: write a program's name")
		ok = false
	}
	if ok {
		*into = all
	}
	return ok
}
