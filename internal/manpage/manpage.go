// Package manpage writes manual pages: Markdown, as the documentation is written in, becomes
// man(7).
//
// It knows what our documents use: headings, paragraphs, lists, tables, fenced code, and in a
// line code, emphasis and links. A table becomes a list of its first column, as a manual page
// is too narrow for columns of sentences.
package manpage

import (
	"fmt"
	"regexp"
	"strings"
)

// Page is one manual page.
type Page struct {
	Name    string // such as pairkeeper.yaml
	Section int
	Source  string // the program and its version
	Title   string // the one line of NAME, after the dash
}

// Write is the page with this text. Headings of level 1 are left out: the page has its name.
func (p Page) Write(markdown string) string {
	w := &writer{}
	w.linef(`.TH "%s" "%d" "" "%s"`, escape(strings.ToUpper(p.Name)), p.Section, escape(p.Source))
	w.line(".nh\n.ad l") // a name that is cut in two is not found
	w.line(".SH NAME")
	w.line(escape(p.Name) + ` \- ` + escape(p.Title))
	lines := strings.Split(markdown, "\n")
	for len(lines) > 0 && (lines[0] == "" || strings.HasPrefix(lines[0], "# ")) {
		lines = lines[1:]
	}
	if len(lines) > 0 && !strings.HasPrefix(lines[0], "#") {
		w.line(".SH DESCRIPTION")
	}
	w.text(lines)
	return w.out.String()
}

// writer is a page being written.
type writer struct {
	out       strings.Builder
	paragraph []string // lines of the one that has not ended
	margins   []int    // columns at which the lists begin that have not ended
}

func (w *writer) line(s string)                 { w.out.WriteString(s + "\n") }
func (w *writer) linef(format string, a ...any) { w.line(fmt.Sprintf(format, a...)) }

var bullet = regexp.MustCompile(`^( *)(?:- |[0-9]+\. )(.*)$`)

func (w *writer) text(lines []string) {
	fenced, header := false, []string(nil)
	for _, l := range lines {
		plain := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(plain, "```"):
			w.flush()
			fenced = !fenced
			w.line(map[bool]string{true: ".PP\n.RS 4\n.EX", false: ".EE\n.RE"}[fenced])
		case fenced:
			w.line(guard(escape(l)))
		case strings.HasPrefix(plain, "|"):
			w.flush()
			header = w.row(cells(plain), header)
			continue
		case strings.HasPrefix(l, "#"):
			w.heading(l)
		case plain == "":
			w.flush()
		case bullet.MatchString(l):
			w.item(bullet.FindStringSubmatch(l))
		case len(w.paragraph) == 0 && !strings.HasPrefix(l, " "):
			w.leave(-1)
			w.line(".PP")
			w.paragraph = append(w.paragraph, plain)
		case len(w.paragraph) == 0: // the next paragraph of an item
			w.leave(len(l) - len(plain) - 1)
			w.line(".IP")
			w.paragraph = append(w.paragraph, plain)
		default:
			w.paragraph = append(w.paragraph, plain)
		}
		header = nil
	}
	w.flush()
	w.leave(-1)
}

// flush ends a paragraph.
func (w *writer) flush() {
	if len(w.paragraph) > 0 {
		w.line(guard(inline(strings.Join(w.paragraph, " "))))
		w.paragraph = nil
	}
}

func (w *writer) heading(l string) {
	w.flush()
	w.leave(-1)
	title := strings.TrimLeft(l, "#")
	switch len(l) - len(title) {
	case 1:
	case 2:
		w.line(".SH " + inline(strings.ToUpper(strings.TrimSpace(title))))
	default:
		w.line(".SS " + inline(strings.TrimSpace(title)))
	}
}

// item begins an item of a list.
func (w *writer) item(m []string) {
	w.flush()
	at := len(m[1])
	w.leave(at)
	if n := len(w.margins); n == 0 || w.margins[n-1] < at {
		if n > 0 {
			w.line(".RS 4")
		}
		w.margins = append(w.margins, at)
	}
	w.line(`.IP \(bu 2`)
	w.paragraph = append(w.paragraph, m[2])
}

// leave ends the lists that begin to the right of a column.
func (w *writer) leave(column int) {
	for n := len(w.margins); n > 0 && w.margins[n-1] > column; n-- {
		w.margins = w.margins[:n-1]
		if n > 1 {
			w.line(".RE")
		}
	}
}

// row writes a row of a table, or keeps it as the header.
func (w *writer) row(c, header []string) []string {
	switch {
	case header == nil:
		w.leave(-1)
		return c
	case strings.Trim(strings.Join(c, ""), "-:| ") == "":
		return header
	}
	w.line(".TP\n" + guard(inline(c[0])))
	var rest []string
	for i, text := range c[1:] {
		if i+1 < len(header) && header[i+1] == "default" {
			text = "(" + text + ")"
		}
		rest = append(rest, text)
	}
	w.line(guard(inline(strings.Join(rest, " "))))
	return header
}

var cellEnd = regexp.MustCompile(` \| `)

func cells(row string) []string {
	row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
	list := cellEnd.Split(strings.ReplaceAll(row, `\|`, "\x00"), -1)
	for i, c := range list {
		list[i] = strings.ReplaceAll(strings.TrimSpace(c), "\x00", "|")
	}
	return list
}

var (
	link   = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)
	strong = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	emph   = regexp.MustCompile(`\*([^*]+)\*`)
)

// inline writes what is marked within a line: what is between backquotes is bold, and
// nothing within is marked.
func inline(s string) string {
	parts := strings.Split(s, "`")
	for i, p := range parts {
		p = escape(p)
		if i%2 == 1 && i+1 < len(parts) {
			parts[i] = `\fB` + p + `\fR`
			continue
		}
		p = strong.ReplaceAllString(link.ReplaceAllString(p, "$1"), `\fB$1\fR`)
		parts[i] = emph.ReplaceAllString(p, `\fI$1\fR`)
	}
	return strings.Join(parts, "")
}

// escape writes characters that groff would take for something else.
var escaper = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`,
	"…", "...", "×", "x", "→", "->", "–", `\(en`, "≤", "<=", "≥", ">=", "·", "-")

func escape(s string) string { return escaper.Replace(s) }

// guard keeps a line of text from being a request.
func guard(s string) string {
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}
