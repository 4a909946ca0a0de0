package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pairkeeper/pairkeeper/internal/board"
)

// pen writes the lines of a picture. A width is a number of characters.
type pen struct {
	width   int
	height  int // 0: as many lines as there are
	colours bool
	lines   []string
}

// The looks of text (ECMA-48, SGR).
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	dim    = "2"
)

var levelLooks = map[board.Level]string{board.Good: green, board.Warn: yellow, board.Bad: red, board.Plain: dim}

// marks are for who sees no colours.
var marks = map[board.Level]string{board.Good: "+", board.Warn: "~", board.Bad: "!", board.Plain: "-"}

func (p *pen) look(style, text string) string {
	if !p.colours || style == "" || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (p *pen) mark(l board.Level) string { return p.look(levelLooks[l], marks[l]) }

func (p *pen) line(text string) { p.lines = append(p.lines, text) }

func (p *pen) blank() { p.line("") }

func (p *pen) head(text string) {
	p.blank()
	p.line(p.look(bold, shorten(text, p.width)))
}

func (p *pen) alarm(text string) {
	for i, line := range wrap(text, p.width-2) {
		lead := "! "
		if i > 0 {
			lead = "  "
		}
		p.line(p.look(red, lead+line))
	}
}

// item writes a marked line: its name in a column of its own, and text that is wrapped beside
// it, or below it where there is little room.
func (p *pen) item(l board.Level, column int, name, text string) {
	if p.width < column+30 {
		p.line(p.mark(l) + " " + shorten(clean(name), p.width-2))
		p.under(text)
		return
	}
	for i, line := range wrap(text, p.width-column-4) {
		if i == 0 {
			p.line(p.mark(l) + " " + pad(clean(name), column) + "  " + line)
			continue
		}
		p.line(strings.Repeat(" ", column+4) + line)
	}
}

// under writes text that is indented.
func (p *pen) under(text string) {
	for _, line := range wrap(text, p.width-4) {
		p.line("    " + line)
	}
}

// fit are the lines that there is room for.
func (p *pen) fit() []string {
	if p.height == 0 || len(p.lines) <= p.height {
		return p.lines
	}
	more := fmt.Sprintf("… %d lines more: enlarge the window", len(p.lines)-p.height+1)
	return append(p.lines[:p.height-1:p.height-1], p.look(dim, shorten(more, p.width)))
}

// clean takes out what a terminal would obey: text may come from others.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, text)
}

// shorten is a text that is no longer than it may be.
func shorten(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// pad is a text of exactly a width.
func pad(text string, width int) string {
	text = shorten(text, width)
	return text + strings.Repeat(" ", width-utf8.RuneCountInString(text))
}

// wrap breaks a text into lines between its words, and in a word that is longer than a line. It
// has one line at least.
func wrap(text string, width int) []string {
	width = max(width, 8)
	var lines []string
	line := ""
	for _, word := range strings.Fields(clean(text)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for utf8.RuneCountInString(word) > width {
			runes := []rune(word)
			lines, word = append(lines, string(runes[:width])), string(runes[width:])
		}
		line = word
	}
	return append(lines, line)
}
