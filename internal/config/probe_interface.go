package config

import (
	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

// readInterfaceProbe reads interface:, a name or a mapping.
func (d *Document) readInterfaceProbe(v value, p *probe) {
	c := probes.Interface{Carrier: true}
	if v.kind() == "a mapping" {
		f, ok := v.fields("{name: eth1}", "name", "need")
		if !ok {
			return
		}
		if _, ok := f.need("name", "eth1"); ok {
			readInterface(f, "name", &c.Name)
		}
		if need, ok := f.keys["need"]; ok {
			word, _ := need.one("admin", "carrier")
			c.Carrier = word != "admin"
		}
	} else if s, ok := v.text("an interface such as eth1"); ok {
		if s == "" {
			v.errorf("is empty: write an interface such as eth1")
			return
		}
		c.Name = s
		v.checkInterface(s)
	}
	p.Check = c
	if c.Name != "" {
		p.Name = "interface:" + c.Name
	}
}

func interfaceTree(c probes.Interface) *yaml.Node {
	t := flow()
	t.set("name", text(c.Name))
	t.set("need", text(map[bool]string{false: "admin", true: "carrier"}[c.Carrier]))
	return t.Node
}
