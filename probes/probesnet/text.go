package probesnet

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/pairkeeper/pairkeeper/probes"
)

// maxText is how much of an answer, a file or an output is read and searched.
const maxText = 64 << 10

// text is probes.Text, ready for use.
type text struct {
	contains []byte
	regexp   *regexp.Regexp // nil: none
}

func newText(t probes.Text) (text, error) {
	out := text{contains: []byte(t.Contains)}
	if t.Regexp == "" {
		return out, nil
	}
	var err error
	if out.regexp, err = regexp.Compile(t.Regexp); err != nil {
		return out, fmt.Errorf("%q is not a regular expression: %w", t.Regexp, err)
	}
	return out, nil
}

// missing says what a text does not have; empty: it has everything.
func (t text) missing(b []byte) string {
	switch {
	case !bytes.Contains(b, t.contains):
		return fmt.Sprintf("does not contain %q", t.contains)
	case t.regexp != nil && !t.regexp.Match(b):
		return fmt.Sprintf("does not match %q", t.regexp)
	}
	return ""
}
