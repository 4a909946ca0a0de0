package config

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const execExample = "[/usr/local/bin/check.sh, argument]"

// readExec reads exec:, a program, a list with its arguments, or a mapping.
func (d *Document) readExec(v value, p *probe) {
	var c probes.Exec
	switch v.kind() {
	case "a mapping":
		f, ok := v.fields("{command: "+execExample+"}", "command", "user")
		if !ok {
			return
		}
		if command, ok := f.need("command", execExample); ok {
			command.readCommand(&c.Command)
		}
		if f.text("user", &c.User, "a user such as nobody") && !printable(c.User) {
			f.keys["user"].errorf("%s is not a user", show(c.User))
		}
	default:
		v.readCommand(&c.Command)
	}
	p.Check = c
	if len(c.Command) > 0 {
		p.Name = path.Base(c.Command[0])
	}
}

// readCommand reads a program with its arguments, or without any.
func (v value) readCommand(into *[]string) {
	if v.kind() != "a list" {
		s, ok := v.text("a program such as /usr/local/bin/check.sh, or a list such as " + execExample)
		if ok && strings.ContainsAny(s, " \t\n") {
			v.errorf("%s has spaces, and there is no shell to part it: write a list such as %s", show(s), execExample)
			return
		}
		if *into = []string{s}; ok {
			v.absolute(s, "/usr/local/bin/check.sh")
		}
		return
	}
	items, _ := v.list("")
	if len(items) == 0 {
		v.errorf("is empty: write a list such as %s", execExample)
		return
	}
	for _, item := range items {
		w, _ := item.word("an argument")
		*into = append(*into, w)
	}
	items[0].absolute((*into)[0], "/usr/local/bin/check.sh")
}

func execTree(c probes.Exec) *yaml.Node {
	t := block()
	t.set("command", words(c.Command))
	if c.User != "" {
		t.set("user", text(c.User))
	}
	return t.Node
}
