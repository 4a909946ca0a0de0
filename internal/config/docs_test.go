package config

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/internal/handbook"
)

// TestDocumentationNamesEveryKey looks for the keys of a file that has them all.
func TestDocumentationNamesEveryKey(t *testing.T) {
	docs := string(read(t, "../../docs/configuration.md"))
	named := 0
	for key := range keysOf(t, "testdata/valid-full.yaml", "testdata/valid-small.yaml", "testdata/valid-password.yaml", "testdata/valid-vrrp.yaml", "testdata/valid-probes.yaml", "testdata/valid-heartbeat.yaml", "testdata/valid-heartbeat-small.yaml", "testdata/valid-hooks.yaml", "testdata/valid-fence.yaml", "testdata/valid-virtual-servers.yaml", "testdata/valid-ipvs-sync.yaml", "testdata/valid-metrics.yaml", "testdata/valid-page.yaml") {
		if key == "lb01" || key == "lb02" || key == "X-Probe" || key == "X-Room" || key == "Accept" || key == "ip" || key == "username" || key == "lanplus" { // others' names
			continue
		}
		named++
		if !strings.Contains(docs, "`"+key+"`") {
			t.Errorf("docs/configuration.md does not name `%s`", key)
		}
	}
	if named < 80 {
		t.Errorf("only %d keys were looked for", named)
	}
}

// TestDocumentationsExamplesAreValid: a part of a file is completed by two nodes. Nothing is
// odd about them but a password in clear text, which a peer with keepalived may need.
func TestDocumentationsExamplesAreValid(t *testing.T) {
	const router = "virtual_routers:\n  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}\n"
	const nodes = "nodes:\n  lb01: {address: 10.0.0.5, priority: 150}\n  lb02: {address: 10.0.0.6, priority: 100}\n"
	pages, err := handbook.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		blocks, err := handbook.Blocks(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Lang != "yaml" {
				continue
			}
			found++
			example := b.Text()
			if !hasKey(example, "nodes:") {
				example = nodes + example
			}
			if !hasKey(example, "virtual_routers:") && !hasKey(example, "proxy:") {
				example += router
			}
			if w := warnings(parse(t, []byte(example))); w != "" && !strings.Contains(w, "in clear text") {
				t.Errorf("%s:%d: %s\n%s", page, b.Line, w, example)
			}
		}
	}
	if found < 25 {
		t.Errorf("only %d examples were found", found)
	}
}

func hasKey(text, key string) bool { return strings.Contains("\n"+text, "\n"+key) }

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
