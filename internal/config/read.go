package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxSize bounds a configuration file: 1,000 virtual routers take 1 MB when every default
// is written out.
const maxSize = 4 << 20

// reader collects what is wrong and what is odd while a file is read.
type reader struct {
	file     string
	errors   Errors
	warnings Errors
	refused  map[*yaml.Node]bool // said already: not looked into again
	seen     observer            // nil: nobody wants to know
}

// observer is told what the reader looks for, of which the schema is made.
type observer interface {
	mapping(v value, known []string) // nil: any keys
	need(f fields, key string)
	scalar(v value, as form)
}

// form is what a value may be, in the words of JSON Schema.
type form map[string]any

// expectKeys tells the observer which keys a mapping may have; nil: any.
func (v value) expectKeys(known []string) {
	if v.r.seen != nil {
		v.r.seen.mapping(v, known)
	}
}

// expect tells the observer what a value may be.
func (v value) expect(as form) {
	if v.r.seen != nil {
		v.r.seen.scalar(v, as)
	}
}

func (r *reader) fail(line int, path, format string, args ...any) {
	r.errors = append(r.errors, Error{r.file, line, path, fmt.Sprintf(format, args...)})
}

func (r *reader) warn(line int, path, format string, args ...any) {
	r.warnings = append(r.warnings, Error{r.file, line, path, fmt.Sprintf(format, args...)})
}

// root reads the one YAML document of a file.
func (r *reader) root(data []byte) (value, bool) {
	if len(data) > maxSize {
		r.fail(1, "", "has more than %d bytes, no configuration is that long", maxSize)
		return value{}, false
	}
	if at := invalidUTF8(data); at >= 0 {
		r.fail(lineAt(data, at), "", "is not UTF-8 text")
		return value{}, false
	}
	docs, err := documents(data)
	if err != nil {
		line, text := explain(err, data)
		r.fail(line, "", "%s", text)
		return value{}, false
	}
	if len(docs) == 0 || isNull(docs[0].Content[0]) {
		r.fail(1, "", "is empty: it needs nodes:, and proxy: or virtual_routers:")
		return value{}, false
	}
	if len(docs) > 1 {
		r.fail(docs[1].Line, "", "a second document starts here: a file has only one")
	}
	root := value{r: r, node: docs[0].Content[0], line: 1}
	root.refuse()
	return root, true
}

// documents reads the documents of a YAML stream, two at the most.
func documents(data []byte) (docs []*yaml.Node, err error) {
	// yaml.v3 panics where some misplaced comments confuse it.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: cannot be read, perhaps because of a misplaced comment (%v)", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for len(docs) < 2 {
		doc := new(yaml.Node)
		switch err := dec.Decode(doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

var yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

// explain finds the line of yaml's own error, and words for what it means.
func explain(err error, data []byte) (line int, text string) {
	line, text = firstBad(data, problem(err)), problem(err)
	if m := yamlAnchor.FindStringSubmatch(text); m != nil {
		return line, "*" + show(m[1]) + " is an alias, aliases are not supported: write the value out"
	}
	if tab := tabIndent(data); tab > 0 {
		return tab, "is indented with a tab, YAML allows spaces only"
	}
	return line, "is not YAML: " + show(text)
}

var yamlLine = regexp.MustCompile(`^line \d+: `)

// problem is yaml's message without its line, which often is the one before, or where
// the surrounding block starts.
func problem(err error) string {
	return yamlLine.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
}

// firstBad is the first line that completes a problem: with fewer lines it is not there.
func firstBad(data []byte, what string) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, err := documents(bytes.Join(lines[:i+1], nil))
		return err != nil && problem(err) == what
	})
}

// tabIndent is the first line that is indented with a tab, 0 if there is none.
func tabIndent(data []byte) int {
	for i, l := range strings.Split(string(data), "\n") {
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		if strings.Contains(indent, "\t") && strings.TrimSpace(l) != "" {
			return i + 1
		}
	}
	return 0
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// refuse reports what YAML can do and this file format does not want: it would make a
// value mean something else than what is written.
func (v value) refuse() {
	n := v.node
	switch {
	case n.Kind == yaml.AliasNode:
		v.refuseNode("*%s is an alias, aliases are not supported: write the value out", n.Value)
		return
	case n.Style&yaml.TaggedStyle != 0:
		v.refuseNode("has the tag %s, tags are not supported: remove it", show(n.Tag))
		return
	case n.Anchor != "":
		v.errorf("&%s is an anchor, anchors are not supported: remove it", n.Anchor)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range v.items() {
			item.refuse()
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			v.child(key.Value, key, key).refuse()
			v.child(key.Value, key, n.Content[i+1]).refuse()
		}
	}
}

func (v value) refuseNode(format string, args ...any) {
	if v.r.refused == nil {
		v.r.refused = map[*yaml.Node]bool{}
	}
	v.r.refused[v.node] = true
	v.errorf(format, args...)
}
