package config

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Setting is one value of a configuration, with every default filled in.
type Setting struct {
	Key   string // such as virtual_routers[web].priority.lb01
	Value string // as Print writes it: a secret is masked
}

// Settings are all values of the configuration, in the order of Print.
func (d *Document) Settings() []Setting {
	return settings(nil, "", d.tree().Node)
}

func settings(list []Setting, key string, n *yaml.Node) []Setting {
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if key != "" {
				name = key + "." + name
			}
			list = settings(list, name, n.Content[i+1])
		}
	case n.Kind == yaml.SequenceNode && slices.ContainsFunc(n.Content, isMapping):
		names := map[string]int{}
		for i, item := range n.Content {
			name := nameOf(item, i)
			if names[name]++; names[name] > 1 {
				name += "#" + strconv.Itoa(names[name])
			}
			list = settings(list, key+"["+name+"]", item)
		}
	default:
		list = append(list, Setting{key, written(n)})
	}
	return list
}

func isMapping(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

// nameOf is what tells an element of a list from the others.
func nameOf(item *yaml.Node, i int) string {
	for _, by := range []string{"name", "address", "id", "interface"} {
		for j := 0; j+1 < len(item.Content); j += 2 {
			if item.Content[j].Value == by {
				return item.Content[j+1].Value
			}
		}
	}
	return strconv.Itoa(i)
}

// written is a value on one line.
func written(n *yaml.Node) string {
	if n.Kind != yaml.SequenceNode {
		return show(n.Value)
	}
	items := make([]string, len(n.Content))
	for i, item := range n.Content {
		items[i] = written(item)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// filesOf are what a configuration was read from: the file itself, and those with its
// secrets.
func filesOf(path string, d *Document) []string {
	var list []string
	add := func(path string) {
		if abs, err := filepath.Abs(path); err == nil && !slices.Contains(list, abs) {
			list = append(list, abs)
		}
	}
	add(path)
	for _, r := range d.routers {
		for _, s := range r.secrets {
			if s.file != "" {
				add(s.file)
			}
		}
	}
	return list
}
