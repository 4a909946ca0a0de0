package hosts

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/handbook"
)

// section is a part of a guide: a heading, and what is to be done below it.
type section struct {
	heading string
	steps   []step
}

// step is some commands of a guide, and what it shows of their output.
type step struct {
	commands []order
	shown    []string // lines
}

// order is one command of a guide, and the host on which it is given.
type order struct{ host, command string }

// guideOf reads the sections of a guide that have commands. They stand in blocks of sh, one a line;
// a comment such as "# on lb01" says where those below it are given. Their output stands in the
// block of text that follows; a line with nothing but … is for what is left out.
func guideOf(t *testing.T, page string) (list []section) {
	t.Helper()
	blocks, err := handbook.Blocks(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if b.Lang == "sh" && (len(list) == 0 || list[len(list)-1].heading != b.Section) {
			list = append(list, section{heading: b.Section})
		}
		if len(list) == 0 {
			continue
		}
		switch s := &list[len(list)-1]; b.Lang {
		case "sh":
			s.steps = append(s.steps, step{commands: ordersOf(t, b)})
		case "text":
			last := &s.steps[len(s.steps)-1]
			last.shown = append(last.shown, slices.DeleteFunc(b.Lines, func(l string) bool { return l == "…" })...)
		}
	}
	return list
}

// ordersOf are the commands of a block.
func ordersOf(t *testing.T, b handbook.Block) (list []order) {
	t.Helper()
	host := ""
	for _, line := range b.Lines {
		switch on, isHost := strings.CutPrefix(line, "# on "); {
		case isHost:
			host = on
		case host == "":
			t.Fatalf("%s:%d: nothing says on which host: %s", b.Page, b.Line, line)
		default:
			list = append(list, order{host, line})
		}
	}
	return list
}

// count is how many commands a section has.
func (s *section) count() (n int) {
	for _, step := range s.steps {
		n += len(step.commands)
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
