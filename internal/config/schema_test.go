package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

const schemaFile = "../../schema/pairkeeper.schema.json"

// shape is what the reader looks for at one place of the file.
type shape struct {
	forms []form // of a scalar
	keys  *keyed // of a mapping
	open  *shape // of a mapping with any keys: what is under each
	item  *shape // of a list: each element
}

// keyed is a mapping with keys that are known. Mappings with the same keys are the same, wherever
// they are.
type keyed struct {
	known  []string
	props  map[string]*shape // what is under a key
	places int               // it stands at so many
	times  int               // it was seen so often,
	needs  map[string]int    // and so often a key was needed
}

// shapes is the observer of readers: it learns what they look for from files that are read.
type shapes struct {
	root  shape
	kinds map[string]*keyed // by their keys
	names []string          // of the nodes in the file that is being read
}

var step = regexp.MustCompile(`\[[0-9]+\]|[^.\[]+`)

func (s *shapes) at(v value) *shape {
	here := &s.root
	for _, name := range step.FindAllString(v.path, -1) {
		next := &here.item
		switch {
		case strings.HasPrefix(name, "["):
		case here.open != nil:
			next = &here.open
		case here.keys == nil || !slices.Contains(here.keys.known, name):
			return &shape{} // the reader has made this itself
		default:
			if here.keys.props[name] == nil {
				here.keys.props[name] = &shape{}
			}
			here = here.keys.props[name]
			continue
		}
		if *next == nil {
			*next = &shape{}
		}
		here = *next
	}
	return here
}

func (s *shapes) mapping(v value, known []string) {
	if v.node.Column == 0 {
		return // the reader has made it itself
	}
	here := s.at(v)
	if v.path == "nodes" {
		s.names = nil
		for _, kv := range v.pairs() {
			s.names = append(s.names, kv.name)
		}
	}
	if known == nil || slices.Equal(known, s.names) {
		if here.open == nil {
			here.open = &shape{}
		}
		return
	}
	if here.keys == nil {
		kind := strings.Join(slices.Sorted(slices.Values(known)), " ")
		if s.kinds[kind] == nil {
			s.kinds[kind] = &keyed{known: known, props: map[string]*shape{}, needs: map[string]int{}}
		}
		here.keys = s.kinds[kind]
		here.keys.places++
	}
	here.keys.times++
}

func (s *shapes) need(f fields, key string) {
	if here := s.at(f.value); here.keys != nil {
		here.keys.needs[key]++
	}
}

func (s *shapes) scalar(v value, as form) {
	here, text := s.at(v), marshal(as)
	if !slices.ContainsFunc(here.forms, func(o form) bool { return marshal(o) == text }) {
		here.forms = append(here.forms, as)
	}
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// scribe writes shapes as JSON Schema.
type scribe struct {
	docs    map[string]string // what a key means, by section and key
	defs    form              // what stands at several places
	names   map[*keyed]string // of these
	missing []string          // what no file has, and is left open
}

func (w *scribe) schema(s *shape, path string) form {
	var list []form
	switch {
	case s.open != nil:
		list = append(list, form{"type": "object", "additionalProperties": w.schema(s.open, path+".*")})
	case s.keys != nil && s.keys.places > 1:
		name, there := w.names[s.keys]
		if !there {
			name = strings.NewReplacer("[]", "", ".*", "").Replace(strings.TrimPrefix(path, "."))
			w.names[s.keys] = name
			w.defs[name] = w.keyed(s.keys, path)
		}
		list = append(list, form{"$ref": "#/$defs/" + name})
	case s.keys != nil:
		list = append(list, w.keyed(s.keys, path))
	}
	if s.item != nil {
		list = append(list, form{"type": "array", "items": w.schema(s.item, path+"[]")})
	}
	list = append(list, s.forms...)
	switch len(list) {
	case 0:
		w.missing = append(w.missing, path)
		return form{}
	case 1:
		return list[0]
	}
	return form{"anyOf": list}
}

func (w *scribe) keyed(k *keyed, path string) form {
	props, needed := form{}, []string{}
	for _, key := range k.known {
		if k.props[key] == nil {
			w.missing = append(w.missing, path+"."+key)
			props[key] = form{}
			continue
		}
		props[key] = w.described(w.schema(k.props[key], path+"."+key), path, key)
		if k.needs[key] == k.times {
			needed = append(needed, key)
		}
	}
	f := form{"type": "object", "properties": props, "additionalProperties": false}
	if len(needed) > 0 {
		f["required"] = needed
	}
	return f
}

// described is the schema of a key with what the documentation says of it.
func (w *scribe) described(f form, path, key string) form {
	section := regexp.MustCompile(`[a-z_0-9]+`).FindAllString(path, -1)
	if len(section) == 0 {
		section = []string{"Top level"}
	}
	text := w.docs[section[len(section)-1]+" "+key]
	if text == "" {
		return f
	}
	d := form{"description": text}
	for k, v := range f {
		d[k] = v
	}
	return d
}

var (
	heading = regexp.MustCompile("^##+ (.*)$")
	row     = regexp.MustCompile("^\\| ((?:`[a-z_0-9]+`(?:, )?)+) \\|.*?(?:\\| ([^|]*) )?\\|$")
	keyName = regexp.MustCompile("`([a-z_0-9]+)`")
)

// documented is what the tables of the documentation say of keys, by section and key.
func documented(t *testing.T) map[string]string {
	t.Helper()
	docs, section, keys := map[string]string{}, "", false
	for _, line := range strings.Split(string(read(t, "../../docs/configuration.md")), "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		if strings.HasPrefix(line, "| key |") || line == "" {
			keys = line != ""
		}
		m := row.FindStringSubmatch(line)
		if m == nil || !keys {
			continue
		}
		for _, key := range keyName.FindAllStringSubmatch(m[1], -1) {
			docs[section+" "+key[1]] = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`).ReplaceAllString(m[2], "$1")
		}
	}
	return docs
}

// learn reads every good file that there is.
func learn(t *testing.T) *shapes {
	t.Helper()
	s := &shapes{kinds: map[string]*keyed{}}
	for _, path := range goodFiles(t) {
		r := &reader{file: path, seen: s}
		if root, ok := r.root(read(t, path)); ok {
			(&Document{file: path}).read(root)
		}
	}
	return s
}

// goodFiles are all that the reader takes, also as it prints them.
func goodFiles(t *testing.T) []string {
	return slices.Concat(glob(t, "testdata/valid-*.yaml"), glob(t, "testdata/valid-*.print"), glob(t, "../../examples/*/pairkeeper*.yaml"))
}

// TestTheSchemaIsWhatTheReaderLooksFor makes the schema anew from what the reader does with the
// good files. A key that none of them has would be open to anything.
func TestTheSchemaIsWhatTheReaderLooksFor(t *testing.T) {
	w := &scribe{docs: documented(t), defs: form{}, names: map[*keyed]string{}}
	s := w.schema(&learn(t).root, "")
	for _, path := range w.missing {
		t.Errorf("no good file in testdata has %s, or the reader does not tell its form (expect)", strings.TrimPrefix(path, "."))
	}
	s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", "pairkeeper.yaml: the configuration of a pair"
	s["$defs"] = w.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	golden(t, schemaFile, b.String())
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a file as JSON has it.
func instance(t *testing.T, data []byte) (any, error) {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(strings.NewReader(marshal(v)))
}

func TestGoodFilesAreGoodByTheSchema(t *testing.T) {
	s := compile(t)
	for _, path := range goodFiles(t) {
		v, err := instance(t, read(t, path))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestBadKeysAndTypesAreBadByTheSchema: what is wrong beyond the form of the file is the reader's
// to find.
func TestBadKeysAndTypesAreBadByTheSchema(t *testing.T) {
	s := compile(t)
	for _, name := range []string{"unknown-keys", "wrong-types", "ranges", "brace", "octal", "policy", "list", "no-nodes", "watch-types"} {
		path := filepath.Join("testdata", "invalid-"+name+".yaml")
		v, err := instance(t, read(t, path))
		if err == nil && s.Validate(v) == nil {
			t.Errorf("%s is good by the schema", path)
		}
	}
	good := "nodes:\n  a: {address: 10.0.0.1, priority: 2}\n  b: {address: 10.0.0.2, priority: 1}\n"
	for _, bad := range []string{
		"nonsense: 1", "gate: maybe", "restart_window: 3", "virtual_routers: [{interface: eth0, vrid: 256, addresses: [10.0.0.3/24]}]",
		"virtual_routers: [{interface: eth0, addresses: [10.0.0.3/24]}]", "proxy: {unit: nginx.service, tests: []}", "probes: [{tcp: {adress: 10.0.0.1}}]",
	} {
		v, err := instance(t, []byte(good+bad+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(v) == nil {
			t.Errorf("%s is good by the schema", bad)
		}
	}
}

func TestTheSchemaHasEveryKeyOfTheDocumentation(t *testing.T) {
	known := map[string]bool{}
	var walk func(s *shape)
	walk = func(s *shape) {
		if s == nil {
			return
		}
		if s.keys != nil {
			for _, k := range s.keys.known {
				known[k] = true
				walk(s.keys.props[k])
			}
		}
		walk(s.open)
		walk(s.item)
	}
	walk(&learn(t).root)
	named := documented(t)
	for name := range named {
		if _, key, _ := strings.Cut(name, " "); !known[key[strings.LastIndex(key, " ")+1:]] {
			t.Errorf("docs/configuration.md has a row for %s, which the schema does not know", name)
		}
	}
	if len(named) < 100 {
		t.Errorf("only %d keys were looked for", len(named))
	}
}
