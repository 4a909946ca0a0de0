package probesnet

import (
	"fmt"
	"strconv"
	"strings"
)

// pattern is bytes in hexadecimal digits, of which an x is any one.
type pattern struct {
	text string
	want []byte
	mask []byte // the bits of want that count
}

func newPattern(s string) (pattern, error) {
	p := pattern{text: s}
	if len(s)%2 != 0 {
		return p, fmt.Errorf("%q has half a byte at its end", s)
	}
	for i := 0; i < len(s); i += 2 {
		two := s[i : i+2]
		b, err := strconv.ParseUint(strings.ReplaceAll(two, "x", "0"), 16, 8)
		if err != nil {
			return p, fmt.Errorf("%q is not two hexadecimal digits", two)
		}
		p.want = append(p.want, byte(b))
		p.mask = append(p.mask, nibble(two[0])<<4|nibble(two[1]))
	}
	return p, nil
}

// nibble is the bits of a digit that count.
func nibble(digit byte) byte {
	if digit == 'x' {
		return 0
	}
	return 0xf
}

// missing says what an answer does not have; empty: it begins as wanted.
func (p pattern) missing(b []byte) string {
	if len(b) >= len(p.want) {
		same := true
		for i := range p.want {
			same = same && (b[i]^p.want[i])&p.mask[i] == 0
		}
		if same {
			return ""
		}
	}
	return "does not begin with " + p.text
}
