package demo

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// width is that of the text.
const width = 100

// timeline writes what happens as it happens, and a table of it at the end.
type timeline struct {
	out   io.Writer
	begun time.Duration
	rows  []row
}

type row struct {
	what string
	seen sight
}

func newTimeline(out io.Writer, begun time.Duration) *timeline {
	return &timeline{out: out, begun: begun}
}

// columns are: when, what happened, what pairkeeper did, what the client saw.
const (
	leftColumns  = "%8s  %-29s"
	rightColumns = "  %-36s  %s\n"
)

func (t *timeline) title(proxy string) {
	text := "Two hosts, lb01 (10.99.0.5, priority 150) and lb02 (10.99.0.6, priority 100), each with %s, " +
		"share the virtual IP (VIP) %s. A client asks it every %s over a new connection. " +
		"All of it runs in namespaces of its own, which are gone at the end."
	fmt.Fprintf(t.out, "%s\n\n", wrap(fmt.Sprintf(text, proxy, vip, ms(onlooker.AskEvery)), 0))
	fmt.Fprintf(t.out, leftColumns+rightColumns, "time", "what happened", "what pairkeeper did", "what the client saw")
}

// begin writes the first half of a step's line.
func (t *timeline) begin(at time.Duration, what string) {
	fmt.Fprintf(t.out, leftColumns, fmt.Sprintf("%.1f s", (at-t.begun).Seconds()), what)
}

// end writes the second half, and what the daemons said.
func (t *timeline) end(s step, seen sight, told []quote) {
	saw := "every request answered"
	switch {
	case s.boot:
		saw = "it is served"
	case seen.lost > 0:
		saw = "no answer for " + ms(seen.silent)
	}
	fmt.Fprintf(t.out, rightColumns, s.did, saw)
	for _, q := range told {
		fmt.Fprintln(t.out, q)
	}
	if s.note != "" {
		fmt.Fprintln(t.out, margin+wrap("("+s.note+")", len(margin)))
	}
	if !s.boot {
		t.rows = append(t.rows, row{s.what, seen})
	}
}

// broken writes why a step did not end as promised, and all that the daemons logged.
func (t *timeline) broken(err error, p *pair) {
	fmt.Fprintf(t.out, "\n\nnot as promised: %v\n", err)
	for _, h := range []*host{p.one, p.two} {
		fmt.Fprintf(t.out, "\n%s logged:\n", h.name)
		for _, e := range h.log.since(0) {
			fmt.Fprintf(t.out, "%8.3f  %s\n", (e.at - t.begun).Seconds(), e.text)
		}
	}
}

func (t *timeline) summary() {
	const columns = "%-31s  %-18s  %s\n"
	fmt.Fprintln(t.out)
	fmt.Fprintf(t.out, columns, "what happened", "client unanswered", "two nodes answered ARP for the VIP")
	for _, r := range t.rows {
		silent, two := "never", "never"
		if r.seen.lost > 0 {
			silent = fmt.Sprintf("%s, %d lost", ms(r.seen.silent), r.seen.lost)
		}
		if r.seen.two > 0 {
			two = ms(r.seen.two)
		}
		fmt.Fprintf(t.out, columns, r.what, silent, two)
	}
	fmt.Fprintln(t.out, "\nRead next: README.md, \"Configure it\"; examples/ has complete pairs.")
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

// quote is what a daemon said in a step.
type quote struct {
	node  string
	after time.Duration
	text  string
}

// margin is left of what is said about a step.
const margin = "          "

func (q quote) String() string {
	left := fmt.Sprintf("%s%s %+6d ms  ", margin, q.node, q.after.Milliseconds())
	return left + wrap(q.text, len(left))
}

// told is the story that both daemons told since then.
func (p *pair) told(from time.Duration) []quote {
	var list []quote
	for _, h := range []*host{p.one, p.two} {
		for _, e := range story(h.log.since(from)) {
			list = append(list, quote{h.name, e.at - from, e.text})
		}
	}
	slices.SortStableFunc(list, func(a, b quote) int { return cmp.Compare(a.after, b.after) })
	return list
}

// wrap breaks a text that begins in some column into lines within the width.
func wrap(text string, column int) string {
	var b strings.Builder
	at := column
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
