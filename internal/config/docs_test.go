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
// odd about them but a password in clear text, which keepalived.md has to have.
func TestDocumentationsExamplesAreValid(t *testing.T) {
	const router = "virtual_routers:\n  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}\n"
	const nodes = "nodes:\n  lb01: {address: 10.0.0.5, priority: 150}\n  lb02: {address: 10.0.0.6, priority: 100}\n"
	for path, want := range map[string]int{"../../README.md": 6, "../../docs/configuration.md": 5, "../../docs/keepalived.md": 1, "../../docs/containers.md": 1, "../../docs/monitoring.md": 2, "../../docs/status.md": 1} {
		blocks := strings.Split(string(read(t, path)), "```yaml\n")[1:]
		if len(blocks) != want {
			t.Errorf("%s has %d examples, want %d", path, len(blocks), want)
		}
		for _, b := range blocks {
			example, _, _ := strings.Cut(b, "```")
			if !strings.HasPrefix(example, "nodes:") {
				example = nodes + example
			}
			if !strings.Contains(example, "virtual_routers:") && !strings.Contains(example, "proxy:") {
				example += router
			}
			if w := warnings(parse(t, []byte(example))); w != "" && !strings.Contains(w, "in clear text") {
				t.Errorf("%s: %s\n%s", path, w, example)
			}
		}
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
