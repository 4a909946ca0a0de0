package hosts

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// section is a part of a guide: a heading, and what is to be done below it.
type section struct {
	heading string
	blocks  []block
}

// block is some commands of a guide, and what it shows of their output.
type block struct {
	commands []order
	shown    []string // lines
}

// order is one command of a guide, and the host on which it is given.
type order struct{ host, command string }

// guideOf reads the sections of a guide that have commands. They stand in blocks of sh, one a line;
// a comment such as "# on lb01" says where those below it are given. Their output stands in the
// block of text that follows; a line with nothing but … is for what is left out.
func guideOf(t *testing.T, path string) (list []section) {
	t.Helper()
	heading, host, kind := "", "", ""
	for line := range strings.Lines(readFile(t, path)) {
		line = strings.TrimSuffix(line, "\n")
		on, isHost := strings.CutPrefix(line, "# on ")
		switch {
		case strings.HasPrefix(line, "```"):
			kind, host = strings.TrimPrefix(line, "```"), ""
			if kind == "sh" {
				if len(list) == 0 || list[len(list)-1].heading != heading {
					list = append(list, section{heading: heading})
				}
				s := &list[len(list)-1]
				s.blocks = append(s.blocks, block{})
			}
		case kind == "" && strings.HasPrefix(line, "## "):
			heading = strings.TrimPrefix(line, "## ")
		case kind == "sh" && isHost:
			host = on
		case kind == "sh" && host == "":
			t.Fatalf("%s: nothing says on which host: %s", path, line)
		case kind == "sh":
			b := lastBlock(list)
			b.commands = append(b.commands, order{host, line})
		case kind == "text" && line != "…":
			b := lastBlock(list)
			b.shown = append(b.shown, line)
		}
	}
	return list
}

func lastBlock(list []section) *block {
	s := &list[len(list)-1]
	return &s.blocks[len(s.blocks)-1]
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// count is how many commands a section has.
func (s *section) count() (n int) {
	for _, b := range s.blocks {
		n += len(b.commands)
	}
	return n
}

// varies is what no two runs have alike: numbers, with their unit, and the width of columns.
var (
	varies = regexp.MustCompile(`[0-9][0-9.]*(ms|µs|s)?`)
	spaces = regexp.MustCompile(` +`)
)

// printed tells whether a line that a guide shows is in some output, but for its numbers.
func printed(line, output string) bool {
	alike := func(text string) string {
		return strings.TrimSpace(spaces.ReplaceAllString(varies.ReplaceAllString(text, "#"), " "))
	}
	for l := range strings.Lines(output) {
		if alike(l) == alike(line) {
			return true
		}
	}
	return false
}
