package config

import (
	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

// readProcess reads process:, a name or a mapping.
func (d *Document) readProcess(v value, p *probe) {
	const example = "the name of a program such as nginx"
	c := probes.Process{Min: 1}
	if v.kind() == "a mapping" {
		f, ok := v.fields("{name: nginx}", "name", "args", "min", "max")
		if !ok {
			return
		}
		if _, ok := f.need("name", "nginx"); ok && f.text("name", &c.Name, example) {
			f.keys["name"].checkProcess(c.Name)
		}
		if f.text("args", &c.Args, "a regular expression") {
			f.keys["args"].checkRegexp(c.Args)
		}
		f.integer("min", &c.Min, 0, 1_000_000)
		f.integer("max", &c.Max, 0, 1_000_000)
		switch {
		case c.Max > 0 && c.Max < c.Min:
			f.errorf("has min %d above max %d", c.Min, c.Max)
		case c.Max == 0 && c.Min == 0:
			f.errorf("is good whatever runs: write min: 1, or max")
		}
	} else if s, ok := v.text(example); ok {
		c.Name = s
		v.checkProcess(s)
	}
	p.Check = c
	if c.Name != "" {
		p.Name = "process:" + c.Name
	}
}

func (v value) checkProcess(name string) {
	if !printable(name) || name[0] == '/' {
		v.errorf("%s is not the name of a program such as nginx", show(name))
	}
}

func processTree(c probes.Process) *yaml.Node {
	t := block()
	t.set("name", text(c.Name))
	if c.Args != "" {
		t.set("args", quote(c.Args))
	}
	t.set("min", number(c.Min))
	t.set("max", number(c.Max))
	return t.Node
}
