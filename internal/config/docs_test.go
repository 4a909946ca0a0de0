package config

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestDocumentationNamesEveryKey looks for the keys of a file that has them all.
func TestDocumentationNamesEveryKey(t *testing.T) {
	docs := string(read(t, "../../docs/configuration.md"))
	named := 0
	for key := range keysOf(t, "testdata/valid-full.yaml", "testdata/valid-small.yaml", "testdata/valid-password.yaml", "testdata/valid-vrrp.yaml") {
		if key == "lb01" || key == "lb02" {
			continue
		}
		named++
		if !strings.Contains(docs, "`"+key+"`") {
			t.Errorf("docs/configuration.md does not name `%s`", key)
		}
	}
	if named < 65 {
		t.Errorf("only %d keys were looked for", named)
	}
}

func TestDocumentationsExampleIsValid(t *testing.T) {
	docs := string(read(t, "../../docs/configuration.md"))
	_, rest, _ := strings.Cut(docs, "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/configuration.md has no example")
	}
	if d := parse(t, []byte(example)); warnings(d) != "" {
		t.Error(warnings(d))
	}
}

func keysOf(t *testing.T, paths ...string) map[string]bool {
	keys := map[string]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 {
				keys[c.Value] = true
			}
			walk(c)
		}
	}
	for _, path := range paths {
		var n yaml.Node
		if err := yaml.Unmarshal(read(t, path), &n); err != nil {
			t.Fatal(err)
		}
		walk(&n)
	}
	return keys
}
