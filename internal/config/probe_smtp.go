package config

import (
	"net"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

// readSMTP reads smtp:, a host with a port or a mapping.
func (d *Document) readSMTP(v value, p *probe) {
	var c probes.SMTP
	if v.kind() == "a mapping" {
		f, ok := v.fields(portExample, "address", "helo")
		if !ok {
			return
		}
		if at, ok := f.need("address", "127.0.0.1:25"); ok {
			d.readHostPort(at, &c.Address)
		}
		const name = "a host name such as lb.example.com"
		if f.text("helo", &c.Helo, name) && !serverName.MatchString(c.Helo) {
			f.keys["helo"].errorf("%s is not %s", show(c.Helo), name)
		}
	} else {
		d.readHostPort(v, &c.Address)
	}
	host, _, _ := net.SplitHostPort(c.Address)
	p.Check, p.local = c, d.local(host)
	if c.Address != "" {
		p.Name = "smtp:" + c.Address
	}
}

func smtpTree(c probes.SMTP) *yaml.Node {
	t := block()
	t.set("address", text(c.Address))
	if c.Helo != "" {
		t.set("helo", text(c.Helo))
	}
	return t.Node
}
