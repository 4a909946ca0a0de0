package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestTheManualHasEveryCommandAndOption(t *testing.T) {
	root := newRoot()
	text, named := manual(root), 0
	for _, c := range commandsOf(root) {
		named++
		_, entry, found := strings.Cut(text, "### "+usage(c)+"\n")
		if !found {
			t.Errorf("%s is not in it", c.CommandPath())
			continue
		}
		entry, _, _ = strings.Cut(entry, "\n##")
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !strings.Contains(entry, "`--"+f.Name+"`") {
				t.Errorf("%s: --%s is not in its entry:\n%s", c.CommandPath(), f.Name, entry)
			}
		})
	}
	if named < 14 {
		t.Errorf("only %d commands were looked for", named)
	}
}
