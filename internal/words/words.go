// Package words makes what others wrote, and what the system says, fit for a line that
// an operator reads.
package words

import (
	"errors"
	"io/fs"
	"strings"
	"unicode"
)

// maxDetail is what a log line or a row of status has room for, in bytes.
const maxDetail = 300

// Visible makes a text fit for one line of a log: a stranger may have written it.
func Visible(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}

// Bare is the error without the path, which the caller says already.
func Bare(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("does not exist")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
