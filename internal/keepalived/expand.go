package keepalived

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// line is a line of the configuration as keepalived sees it: without comments and
// conditions, its variables replaced.
type line struct {
	Pos
	text string
}

// expander makes lines of files.
type expander struct {
	source Source
	vars   map[string]string
	ids    []string // that conditions name
	lines  []line
	bytes  int
	open   []string // files that are being read
	full   bool     // a bound was reached
	notes  *notes
}

var (
	definition  = regexp.MustCompile(`^\$([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)
	reference   = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?: [^}]*)?\}|\$([A-Za-z_][A-Za-z0-9_]*)(?:\s|$)`)
	includeWord = regexp.MustCompile(`^include[rmwba]?\s+(.*)$`)
)

// file reads a file and what it includes.
func (e *expander) file(name string, at Pos) {
	if slices.Contains(e.open, name) || len(e.open) >= mostDepth {
		e.notes.wrong(at, "include", "includes %s, which is being read already: left out", name)
		return
	}
	text, err := e.source.text(name)
	if err != nil {
		if at.File == "" {
			at = Pos{File: name}
		}
		e.notes.wrong(at, "include", "%s: %s", name, err)
		return
	}
	e.open = append(e.open, name)
	e.physical(name, strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"))
	e.open = e.open[:len(e.open)-1]
}

// physical joins lines that end in a backslash, and gathers definitions of several lines.
func (e *expander) physical(name string, all []string) {
	for i := 0; i < len(all) && !e.full; i++ {
		at := Pos{name, i + 1}
		text, more := e.decomment(at, all[i])
		isDefinition := definition.MatchString(unconditional(text))
		parts := []string{text}
		for more && i+1 < len(all) {
			i++
			text, more = e.decomment(Pos{name, i + 1}, all[i])
			parts = append(parts, text)
		}
		if m := includeWord.FindStringSubmatch(parts[0]); m != nil && len(parts) == 1 {
			e.include(at, strings.Trim(m[1], `"'`))
			continue
		}
		if isDefinition {
			e.logical(at, strings.Join(parts, "\n"), 0)
		} else {
			e.logical(at, strings.TrimSpace(strings.Join(parts, " ")), 0)
		}
	}
}

// unconditional is a line without its conditions.
func unconditional(text string) string {
	for strings.HasPrefix(text, "@") {
		_, rest, _ := strings.Cut(text, " ")
		text = strings.TrimSpace(rest)
	}
	return text
}

func (e *expander) include(at Pos, pattern string) {
	files := e.source.included(pattern, at.File)
	if len(files) == 0 {
		e.notes.wrong(at, "include", "include %s names no file: keepalived goes on without", pattern)
	}
	for _, f := range files {
		e.file(f, at)
	}
}

// decomment takes a comment and the space around a line away; more tells that it goes on
// with the next one. A comment begins with # or ! anywhere but in double quotes.
func (e *expander) decomment(at Pos, s string) (text string, more bool) {
	s = strings.TrimSpace(s)
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\\' && i == len(s)-1:
			return strings.TrimSpace(b.String()), true
		case c == '\\' && !quoted && (s[i+1] == '#' || s[i+1] == '!'):
			i++
			c = s[i]
		case c == '\\':
			b.WriteByte(c)
			i++
			c = s[i]
		case !quoted && (c == '#' || c == '!'):
			if i > 0 && s[i-1] > ' ' && !strings.ContainsRune("{}#!", rune(s[i-1])) {
				e.notes.cut(at, s[:i], s[i:])
			}
			return strings.TrimSpace(b.String()), strings.HasSuffix(s, `\`)
		}
		b.WriteByte(c)
	}
	return strings.TrimSpace(b.String()), false
}

// logical follows conditions, definitions, sequences and variables of a line, until none
// is left.
func (e *expander) logical(at Pos, text string, depth int) {
	if depth > mostDepth {
		e.stop(at, "variables or sequences nest deeper than %d", mostDepth)
	}
	for turn := 0; !e.full; turn++ {
		if e.bytes += len(text); e.bytes > mostBytes || len(e.lines) >= mostLines || turn > 1000 {
			e.stop(at, "the file is expanded to more than is read")
			return
		}
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			return
		case text[0] == '@':
			rest, ok := e.condition(text)
			if !ok {
				return
			}
			text = rest
		case text[0] == '$' && definition.MatchString(firstLine(text)):
			e.define(text)
			return
		case strings.HasPrefix(text, "~SEQ") || strings.HasPrefix(text, "~LST"):
			e.repeat(at, text, depth)
			return
		default:
			next, changed := e.replace(at, text)
			if !changed {
				e.lines = append(e.lines, line{at, text})
				return
			}
			if strings.Contains(next, "\n") {
				for _, one := range strings.Split(next, "\n") {
					e.logical(at, one, depth+1)
				}
				return
			}
			text = next
		}
	}
}

func (e *expander) stop(at Pos, format string, args ...any) {
	if !e.full {
		e.notes.wrong(at, "too-large", format+": the rest is left out", args...)
	}
	e.full = true
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// condition is what follows @id or @^id; false: the line is for another node.
func (e *expander) condition(text string) (rest string, ok bool) {
	word, rest := text[1:], ""
	if i := strings.IndexAny(word, " \t"); i >= 0 {
		word, rest = word[:i], word[i:]
	}
	id, not := strings.CutPrefix(word, "^")
	if !slices.Contains(e.ids, id) && id != "" {
		e.ids = append(e.ids, id)
	}
	return rest, (id == e.source.ID) != not
}

// define keeps the value of a variable; one of several lines begins with an empty one.
func (e *expander) define(text string) {
	m := definition.FindStringSubmatch(firstLine(text))
	value := strings.TrimSpace(m[2])
	if _, rest, several := strings.Cut(text, "\n"); several {
		value = strings.TrimPrefix(value+"\n"+rest, "\n")
		if !strings.Contains(value, "\n") {
			value += "\n"
		}
	}
	e.vars[m[1]] = value
}

// replace replaces the first variable that is known.
func (e *expander) replace(at Pos, text string) (string, bool) {
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		name, end := "", m[1]
		if m[2] >= 0 {
			name = text[m[2]:m[3]]
		} else {
			name, end = text[m[4]:m[5]], m[5]
		}
		if value, ok := e.value(at, name); ok {
			return text[:m[0]] + value + text[end:], true
		}
	}
	return text, false
}

func (e *expander) value(at Pos, name string) (string, bool) {
	switch name {
	case "_PWD":
		return path.Dir(at.File), true
	case "_INSTANCE":
		return e.source.ID, true
	case "_HASH":
		return "#", true
	case "_BANG":
		return "!", true
	case "_RANDOM":
		return "0", true // any number will do
	}
	v, ok := e.vars[name]
	return v, ok
}

// repeat writes a line out once for each value of ~SEQ(…) or ~LST(…).
func (e *expander) repeat(at Pos, text string, depth int) {
	open, end := strings.IndexByte(text, '('), strings.IndexByte(text, ')')
	if open < 0 || end < open {
		e.notes.wrong(at, "syntax", "%s has no (…): left out", shown(text))
		return
	}
	head, rest := text[:open], text[end+1:]
	args := text[open+1 : end]
	for range mostDepth {
		next, changed := e.replace(at, args)
		if !changed {
			break
		}
		args = next
	}
	var rows []map[string]string
	switch head {
	case "~SEQ", "~SEQx":
		rows = sequence(args, head == "~SEQx")
	case "~LST":
		rows = values(args)
	}
	if rows == nil {
		e.notes.wrong(at, "syntax", "%s is not understood: left out", shown(text[:end+1]))
	}
	for _, row := range rows {
		if e.full {
			return
		}
		for name, v := range row {
			e.vars[name] = v
		}
		e.logical(at, rest, depth+1)
	}
}

// sequence reads var, start, step, end; start and step may be missing.
func sequence(args string, hex bool) []map[string]string {
	parts := strings.Split(args, ",")
	if len(parts) < 2 || len(parts) > 4 {
		return nil
	}
	name := strings.TrimSpace(parts[0])
	var n []int
	for _, p := range parts[1:] {
		v, err := strconv.ParseInt(strings.TrimSpace(p), 0, 32)
		if err != nil {
			return nil
		}
		n = append(n, int(v))
	}
	end := n[len(n)-1]
	start := 1
	if end < 0 {
		start = -1
	}
	if len(n) > 1 {
		start = n[0]
	}
	step := 1
	if end < start {
		step = -1
	}
	if len(n) > 2 {
		step = n[1]
	}
	if step == 0 || name == "" {
		return nil
	}
	format := "%d"
	if hex {
		format = "%x"
	}
	rows := []map[string]string{}
	for i := start; (step > 0 && i <= end || step < 0 && i >= end) && len(rows) < mostLines; i += step {
		rows = append(rows, map[string]string{name: fmt.Sprintf(format, i)})
	}
	return rows
}

// values reads var, a, b, or {var, var}, {a, b}, {c, d}.
func values(args string) []map[string]string {
	var groups [][]string
	for rest := strings.TrimSpace(args); rest != ""; {
		var one string
		if inner, ok := strings.CutPrefix(rest, "{"); ok {
			var found bool
			if one, rest, found = strings.Cut(inner, "}"); !found {
				return nil
			}
			_, rest, _ = strings.Cut(rest, ",")
		} else {
			one, rest, _ = strings.Cut(rest, ",")
			one = strings.ReplaceAll(one, "}", "")
		}
		var group []string
		for _, v := range strings.Split(one, ",") {
			group = append(group, strings.TrimSpace(v))
		}
		groups = append(groups, group)
		rest = strings.TrimSpace(rest)
	}
	if len(groups) < 2 {
		return nil
	}
	rows := []map[string]string{}
	for _, g := range groups[1:] {
		row := map[string]string{}
		for i, name := range groups[0] {
			if i < len(g) {
				row[name] = g[i]
			}
		}
		rows = append(rows, row)
	}
	return rows
}
