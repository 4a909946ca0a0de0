package config

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

// readFile reads file:, a path or a mapping.
func (d *Document) readFile(v value, p *probe) {
	const example = "a file such as /run/ready"
	var c probes.File
	if v.kind() == "a mapping" {
		f, ok := v.fields("{path: /run/ready}", "path", "content", "max_age", "value")
		if !ok {
			return
		}
		if _, ok := f.need("path", "/run/ready"); ok && f.text("path", &c.Path, example) {
			f.keys["path"].absolute(c.Path, "/run/ready")
		}
		readText(f, "content", &c.Text)
		f.duration("max_age", &c.MaxAge, 0, 366*24*time.Hour)
		f.boolean("value", &c.Value)
		if c.Value && f.has("content") {
			f.keys["content"].errorf("has no effect with value: true: remove one")
		}
	} else if s, ok := v.text(example); ok {
		c.Path = s
		v.absolute(s, "/run/ready")
	}
	p.Check, p.Name = c, c.Path
}

func fileTree(c probes.File) *yaml.Node {
	t := block()
	t.set("path", quote(c.Path))
	textTree(t, "content", c.Text)
	t.set("max_age", duration(c.MaxAge))
	t.set("value", boolean(c.Value))
	return t.Node
}
