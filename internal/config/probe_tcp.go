package config

import (
	"net"
	"regexp"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const portExample = "a host and a port such as 127.0.0.1:25"

// readTCP reads tcp:, a host with a port or a mapping.
func (d *Document) readTCP(v value, p *probe) {
	var c probes.TCP
	if v.kind() == "a mapping" {
		f, ok := v.fields(portExample, "address", "send", "expect")
		if !ok {
			return
		}
		if at, ok := f.need("address", "127.0.0.1:25"); ok {
			d.readHostPort(at, &c.Address)
		}
		f.text("send", &c.Send, "a text such as \"PING\\r\\n\"")
		readText(f, "expect", &c.Expect)
	} else {
		d.readHostPort(v, &c.Address)
	}
	host, _, _ := net.SplitHostPort(c.Address)
	p.Check, p.local = c, d.local(host)
	if c.Address != "" {
		p.Name = "tcp:" + c.Address
	}
}

// targetName is a name or an address, the latter perhaps with a zone.
var targetName = regexp.MustCompile(`^[A-Za-z0-9._:%-]{1,253}$`)

func (d *Document) readHostPort(v value, into *string) {
	if host := v.hostPort(into, portExample); host != "" {
		d.checkTarget(v, host)
	}
}

// hostPort reads a host with a port, and returns the host; empty: it is none.
func (v value) hostPort(into *string, example string) string {
	s, ok := v.text(example)
	if !ok {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	switch {
	case err != nil || !targetName.MatchString(host):
		v.errorf("%s is not %s", show(s), example)
	case !validPort(port):
		v.errorf("%s is not a port in 1..65535", show(port))
	default:
		*into = s
		return host
	}
	return ""
}

func tcpTree(c probes.TCP) *yaml.Node {
	t := block()
	t.set("address", text(c.Address))
	if c.Send != "" {
		t.set("send", quote(c.Send))
	}
	textTree(t, "expect", c.Expect)
	return t.Node
}
