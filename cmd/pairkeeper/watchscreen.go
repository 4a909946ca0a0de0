package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pairkeeper/pairkeeper/internal/board"
)

// drawBoard draws a pair: what is wrong, both nodes, who holds what, and what happened.
func drawBoard(p *pen, b *board.Board, every time.Duration) {
	for _, a := range b.Alarms {
		p.alarm(a)
	}
	if len(p.lines) > 0 {
		p.blank()
	}
	title := fmt.Sprintf("pairkeeper  %s and %s", clean(b.Nodes[0].Name), clean(b.Nodes[1].Name))
	right := b.At.Format("15:04:05")
	if p.height > 0 {
		right += fmt.Sprintf("  every %s, q quits", every)
	}
	p.between(bold, title, right)
	p.blank()
	drawNodes(p, b.Nodes)
	drawRouters(p, b)
	if b.Proxy != nil {
		drawLines(p, "PROXY", []board.Line{*b.Proxy})
	}
	drawLines(p, "PROBES", b.Probes)
	drawLines(p, "HEARTBEAT", b.Links)
	drawLines(p, "THIRD VOTE", b.Voters)
	drawLines(p, "VIRTUAL SERVERS", b.Servers)
	drawEvents(p, b)
}

// between writes a text at each end of a line, or below each other.
func (p *pen) between(style, left, right string) {
	room := p.width - utf8.RuneCountInString(left) - utf8.RuneCountInString(right)
	if room < 2 {
		p.line(p.look(style, shorten(left, p.width)))
		p.line(p.look(dim, shorten(right, p.width)))
		return
	}
	p.line(p.look(style, left) + strings.Repeat(" ", room) + p.look(dim, right))
}

// beside is from which width on the nodes stand side by side.
const beside = 60

func drawNodes(p *pen, nodes [2]board.Node) {
	if p.width < beside {
		for i, n := range nodes {
			if i > 0 {
				p.blank()
			}
			for _, c := range nodeCells(n, p.width) {
				p.line(p.look(c.style, c.text))
			}
		}
		return
	}
	width := (p.width - 2) / 2
	left, right := nodeCells(nodes[0], width), nodeCells(nodes[1], width)
	for i := range max(len(left), len(right)) {
		var l, r cell
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		p.line(strings.TrimRight(p.look(l.style, pad(l.text, width))+"  "+p.look(r.style, r.text), " "))
	}
}

// cell is a line of a column.
type cell struct{ style, text string }

func nodeCells(n board.Node, width int) []cell {
	name := clean(n.Name)
	if n.Here {
		name += " (this node)"
	}
	cells := []cell{{bold, shorten(name, width)}}
	for _, line := range wrap(marks[n.Level]+" "+n.State, width) {
		cells = append(cells, cell{levelLooks[n.Level], line})
	}
	for _, f := range n.Facts {
		for _, line := range wrap(f, width-2) {
			cells = append(cells, cell{"", "  " + line})
		}
	}
	return cells
}

func drawRouters(p *pen, b *board.Board) {
	if len(b.Routers) > 0 {
		p.head("VIRTUAL ROUTERS")
	}
	for _, r := range b.Routers {
		for i, line := range wrap(fmt.Sprintf("%s  %s", r.Name, strings.Join(r.Addresses, " ")), p.width-2) {
			if i == 0 {
				p.line(p.mark(r.Level) + " " + p.look(bold, line))
				continue
			}
			p.line("  " + p.look(bold, line))
		}
		for _, line := range wrap(r.Holder+r.Since, p.width-4) {
			p.line("    " + p.look(levelLooks[r.Level], line))
		}
		here, there := b.Nodes[0].Name+": "+r.Here, b.Nodes[1].Name+": "+r.There
		if utf8.RuneCountInString(here+there)+8 <= p.width {
			p.under(here + " | " + there)
		} else {
			p.under(here)
			p.under(there)
		}
		if r.Arbiter != "" {
			p.under("arbiter: " + r.Arbiter)
		}
	}
}

// nameMost is how much of a name is shown beside the others.
const nameMost = 28

func drawLines(p *pen, head string, list []board.Line) {
	if len(list) == 0 {
		return
	}
	p.head(head)
	column := 0
	for _, l := range list {
		column = max(column, min(utf8.RuneCountInString(l.Name), nameMost))
	}
	for _, l := range list {
		text := l.State
		if l.Detail != "" {
			text += ": " + l.Detail
		}
		p.item(l.Level, column, l.Name, text)
	}
}

func drawEvents(p *pen, b *board.Board) {
	p.head("WHAT HAPPENED LAST")
	for _, e := range b.Events {
		when := e.Time.Local().Format("15:04:05")
		if b.At.Sub(e.Time) > 12*time.Hour {
			when = e.Time.Local().Format("01-02 15:04")
		}
		text := e.Text
		if e.Router != "" {
			text = e.Router + ": " + text
		}
		p.item(e.Level, len("01-02 15:04"), when, text)
	}
}
