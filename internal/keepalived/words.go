package keepalived

import (
	"strconv"
	"strings"
)

// token is a word, or a brace that stands alone.
type token struct {
	text  string
	brace byte // '{' or '}'; 0: a word
}

// tokens parts a line into words. A word in " or ' may have spaces, and escapes as a shell
// has them. Braces that are not part of a word stand alone.
func tokens(s string) []token {
	var list []token
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case space(c):
			i++
		case c == '{' || c == '}':
			list = append(list, token{brace: c})
			i++
		default:
			word, n := readWord(s[i:])
			list = append(list, token{text: word})
			i += n
		}
	}
	return list
}

func space(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

// readWord reads a word and says how many bytes it took.
func readWord(s string) (word string, n int) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && i+1 < len(s):
			text, used := escape(s[i+1:])
			b.WriteString(text)
			i += used
		case quote == 0 && space(c):
			return b.String(), i
		case quote == 0 && (c == '{' || c == '}') && ends(s[i+1:]):
			if c == '}' && strings.LastIndex(s[:i], "${") > strings.LastIndexByte(s[:i], '}') {
				b.WriteByte(c) // of a variable that is not known
				continue
			}
			return b.String(), i
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), len(s)
}

// ends tells whether nothing of a word follows.
func ends(s string) bool { return s == "" || space(s[0]) || s[0] == '{' || s[0] == '}' }

var escapes = map[byte]string{'a': "\a", 'b': "\b", 'E': "\x1b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

// escape is what follows a backslash, and how many bytes that are.
func escape(s string) (text string, used int) {
	c := s[0]
	if text, ok := escapes[c]; ok {
		return text, 1
	}
	switch {
	case c == 'c' && len(s) > 1:
		return string(s[1] & 0x1f), 2
	case c == 'x':
		return number(s, 1, 2, 16, isHex)
	case isOctal(c):
		return number(s, 0, 3, 8, isOctal)
	}
	return s[:1], 1
}

// number is the byte that up to most digits from a place on stand for.
func number(s string, from, most, base int, isDigit func(byte) bool) (text string, used int) {
	to := from
	for to < len(s) && to < from+most && isDigit(s[to]) {
		to++
	}
	n, err := strconv.ParseUint(s[from:to], base, 16)
	if err != nil {
		return s[:1], 1
	}
	return string([]byte{byte(n)}), to
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// splitCommand parts a command that was written as one word into a program and its
// arguments; an argument in ' may have spaces.
func splitCommand(s string) []string {
	var list []string
	for i := 0; i < len(s); {
		if space(s[i]) {
			i++
			continue
		}
		var b strings.Builder
		quoted := false
		for ; i < len(s) && (quoted || !space(s[i])); i++ {
			if s[i] == '\'' {
				quoted = !quoted
				continue
			}
			b.WriteByte(s[i])
		}
		list = append(list, b.String())
	}
	return list
}

// shown is a text of the file, fit to stand in a message of one line.
func shown(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return printable(s)
}

// printable is a text in quotes where it has something that is not to be printed.
func printable(s string) string {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return strconv.Quote(s)
		}
	}
	return s
}
