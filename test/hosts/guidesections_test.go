package hosts

import (
	"os"
	"strings"
	"testing"
)

// section is a part of a guide: a heading, and the commands below it.
type section struct {
	heading  string
	commands []order
}

// order is one command of a guide, and the host on which it is given.
type order struct{ host, command string }

// guideOf reads the sections of a guide that have commands. They stand in blocks of sh, one a line;
// a comment such as "# on lb01" says where those below it are given.
func guideOf(t *testing.T, path string) (list []section) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	heading, host, inside := "", "", false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		on, isHost := strings.CutPrefix(line, "# on ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside, host = line == "```sh", ""
		case !inside && strings.HasPrefix(line, "## "):
			heading = strings.TrimPrefix(line, "## ")
		case !inside:
		case isHost:
			host = on
		case host == "":
			t.Fatalf("%s: nothing says on which host: %s", path, line)
		default:
			if len(list) == 0 || list[len(list)-1].heading != heading {
				list = append(list, section{heading: heading})
			}
			s := &list[len(list)-1]
			s.commands = append(s.commands, order{host, line})
		}
	}
	return list
}
