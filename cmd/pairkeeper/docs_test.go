package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/handbook"
)

// TestCommandsOfTheDocumentationAreUnderstood goes through every command line of pairkeeper in a
// block of any page, and every one between backquotes: there is such a command, it has these
// flags, and takes as many arguments.
func TestCommandsOfTheDocumentationAreUnderstood(t *testing.T) {
	pages, err := handbook.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, page := range pages {
		blocks, err := handbook.Blocks(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			for i, line := range b.Lines {
				for _, c := range typed(b.Lang, line) {
					seen[c] = true
					if err := understood(c); err != nil {
						t.Errorf("%s:%d: %s: %v", page, b.Line+1+i, c, err)
					}
				}
			}
		}
		spans, err := handbook.Spans(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range spans {
			if strings.HasPrefix(c, "pairkeeper ") && c != alias {
				seen[c] = true
				if err := understood(c); err != nil && !mentioned.MatchString(err.Error()) {
					t.Errorf("%s: `%s`: %v", page, c, err)
				}
			}
		}
	}
	if len(seen) < 45 {
		t.Errorf("only %d different commands were found", len(seen))
	}
}

// alias is what the interface of a virtual MAC is called, and no command.
const alias = "pairkeeper eth0 ipv4 arp_ignore=0 arp_announce=0"

// mentioned is what is missing where a text speaks of a command or of a flag without its argument.
var mentioned = regexp.MustCompile(`^flag needs an argument|only received 0$`)

func TestACommandThatIsWrongIsNotUnderstood(t *testing.T) {
	for _, c := range []string{"pairkeeper restore", "pairkeeper status --colour", "pairkeeper version now", "pairkeeper maintenance off now", "pairkeeper handover --for soon", `pairkeeper freeze on --reason "no end`} {
		if err := understood(c); err == nil {
			t.Errorf("%s is understood", c)
		}
	}
}

// prompt is what stands before a command that is shown with its output.
var prompt = regexp.MustCompile(`^(\$|lb0[12]#|#) (pairkeeper .*)`)

// typed are the commands of pairkeeper in a line of a block: with a prompt anywhere, without one
// in a block of a shell or where a line is nothing else.
func typed(lang, line string) []string {
	switch lang {
	case "sh", "console", "":
	default:
		return nil
	}
	if m := prompt.FindStringSubmatch(line); m != nil {
		line = m[2]
	} else if lang == "" && !bare.MatchString(line) {
		return nil
	}
	var list []string
	for _, c := range parts.Split(line, -1) {
		if c = strings.TrimSpace(c); strings.HasPrefix(c, "pairkeeper ") {
			list = append(list, c)
		}
	}
	return list
}

var (
	parts = regexp.MustCompile(`&&|\|\||[;|]`)
	bare  = regexp.MustCompile(`^pairkeeper [a-z]+( -|$| [a-z]+$| [a-z0-9]+\.conf| /)`) // not the output that begins with our name
)

// understood says what is wrong with a command line.
func understood(line string) error {
	words, err := split(line)
	if err != nil {
		return err
	}
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	c, rest, err := root.Find(words[1:])
	switch {
	case err != nil:
		return err
	case c == root && !slices.Contains([]string{"-t", "--help"}, strings.Join(rest, " ")):
		return fmt.Errorf("no such command")
	case c == root:
		return nil
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	args := c.Flags().Args()
	for _, a := range args {
		if strings.HasPrefix(a, "[") || a == "…" || strings.HasSuffix(a, "...") { // what may follow
			return nil
		}
	}
	if err := c.ValidateArgs(args); err != nil {
		return err
	}
	return nil
}

// split cuts a line into words as a shell does, without what follows a comment's mark.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == '#' && !inWord:
			return words, nil
		case r == ' ':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
