package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Error is one thing that is wrong, or odd, in a configuration file.
type Error struct {
	File string
	Line int    // 0: about the file as a whole
	Path string // the key, such as virtual_routers[0].vrid; empty: the file as a whole
	Text string
}

func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	b.WriteString(": " + e.Text)
	return b.String()
}

// Errors is everything that is wrong with a file, in the order of its lines.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// sort orders by line; what is said about one line keeps its order. A thing is said once.
func (e Errors) sort() Errors {
	slices.SortStableFunc(e, func(a, b Error) int { return a.Line - b.Line })
	seen := map[Error]bool{}
	return slices.DeleteFunc(e, func(one Error) bool {
		again := seen[one]
		seen[one] = true
		return again
	})
}

// maxShown bounds what is repeated of a file in a message.
const maxShown = 80

// show makes a text of the file fit to stand in a message of one line.
func show(s string) string {
	if s == "" {
		return `""`
	}
	if r := []rune(s); len(r) > maxShown {
		s = string(r[:maxShown]) + "…"
	}
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if strings.ContainsFunc(s, odd) || s != strings.TrimSpace(s) {
		return fmt.Sprintf("%q", s)
	}
	return s
}
