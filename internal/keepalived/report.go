package keepalived

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Part is what the report of an import has to say of something.
type Part int

const (
	Taken   Part = iota // it is in the new file, and means the same
	Changed             // it is in the new file, and behaves differently
	Left                // it is not in the new file
	Wrong               // it was wrong in the original
)

// PartNames are the parts as JSON has them, PartTitles as people read them.
var (
	PartNames  = []string{Taken: "taken", Changed: "changed", Left: "not_taken", Wrong: "wrong"}
	PartTitles = []string{Taken: "taken over", Changed: "changed", Left: "not taken over", Wrong: "wrong in the original"}
)

// Note is one line of the report.
type Note struct {
	Pos
	Part Part
	Rule string // stable; only what is wrong has one
	Text string
}

// notes is a report in the making. A thing is said once.
type notes struct {
	list []Note
	said map[Note]bool
}

func (n *notes) add(part Part, at Pos, rule, format string, args ...any) {
	one := Note{Pos: at, Part: part, Rule: rule, Text: oneLine(fmt.Sprintf(format, args...))}
	if n.said == nil {
		n.said = map[Note]bool{}
	}
	if len(n.list) < 10_000 && !n.said[one] {
		n.said[one] = true
		n.list = append(n.list, one)
	}
}

// oneLine has a question mark for all that is not to be printed.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

func (n *notes) taken(at Pos, format string, args ...any)   { n.add(Taken, at, "", format, args...) }
func (n *notes) changed(at Pos, format string, args ...any) { n.add(Changed, at, "", format, args...) }
func (n *notes) left(at Pos, format string, args ...any)    { n.add(Left, at, "", format, args...) }

// wrong is one of the lint rules.
func (n *notes) wrong(at Pos, rule, format string, args ...any) {
	n.add(Wrong, at, rule, format, args...)
}

// cut tells of a comment that begins in the middle of a word.
func (n *notes) cut(at Pos, kept, lost string) {
	n.wrong(at, "comment-in-word", "a comment begins in the middle of a word: %s is read, %s is not: in double quotes both are", shown(kept), shown(lost))
}

// sorted is the report by part; what belongs to a file by its lines.
func (n *notes) sorted() []Note {
	list := slices.Clone(n.list)
	slices.SortStableFunc(list, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return list
}
