// Package exposition writes metrics in the text format of Prometheus, version 0.0.4.
package exposition

import (
	"strconv"
	"strings"
	"time"
)

// ContentType is that of a page.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Kind is what a family of metrics is.
type Kind string

// The kinds.
const (
	Gauge   Kind = "gauge"
	Counter Kind = "counter"
)

// Page is a page of metrics.
type Page struct {
	text []byte
	kind Kind
	name string
	help string
	told bool // the family's head is written
}

// Family begins a family. One without samples is not written. The help is plain text in one line.
func (p *Page) Family(kind Kind, name, help string) {
	p.kind, p.name, p.help, p.told = kind, name, help, false
}

// Add writes a sample of the family: its labels are names and values in turn. An empty value is that of
// no label, and is left out.
func (p *Page) Add(value float64, labels ...string) {
	if !p.told {
		p.told = true
		p.put("# HELP ", p.name, " ", p.help, "\n# TYPE ", p.name, " ", string(p.kind), "\n")
	}
	p.put(p.name)
	before := "{"
	for i := 0; i+1 < len(labels); i += 2 {
		if labels[i+1] == "" {
			continue
		}
		p.put(before, labels[i], `="`, escape(labels[i+1]), `"`)
		before = ","
	}
	if before == "," {
		p.put("}")
	}
	p.put(" ")
	p.text = strconv.AppendFloat(p.text, value, 'f', -1, 64)
	p.put("\n")
}

// Bytes is the page as far as it is written.
func (p *Page) Bytes() []byte { return p.text }

func (p *Page) put(words ...string) {
	for _, w := range words {
		p.text = append(p.text, w...)
	}
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape makes a label's value of any text.
func escape(value string) string { return escapes.Replace(strings.ToValidUTF8(value, "\uFFFD")) }

// Seconds is a moment as Prometheus has it: of Unix time.
func Seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Bool is 1 or 0.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
