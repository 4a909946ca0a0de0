package config

import (
	"net"
	"regexp"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const dnsExample = `{server: "127.0.0.1:53", name: example.com}`

var (
	dnsTypes = []string{"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"}
	rcodes   = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	// dnsName is a name, or the root.
	dnsName = regexp.MustCompile(`^(\.|([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?)$`)
)

// readDNS reads dns:, a mapping.
func (d *Document) readDNS(v value, p *probe) {
	f, ok := v.fields(dnsExample, "server", "name", "type", "rcode", "expect")
	if !ok {
		return
	}
	c := probes.DNS{Type: "A", Rcode: "NOERROR"}
	if at, ok := f.need("server", "127.0.0.1:53"); ok {
		d.readHostPort(at, &c.Server)
	}
	if at, ok := f.need("name", "example.com"); ok {
		const name = "a name such as example.com"
		if f.text("name", &c.Name, name) && (len(c.Name) > 253 || !dnsName.MatchString(c.Name)) {
			at.errorf("%s is not %s", show(c.Name), name)
		}
	}
	f.one("type", &c.Type, dnsTypes)
	f.one("rcode", &c.Rcode, rcodes)
	readText(f, "expect", &c.Expect)
	host, _, _ := net.SplitHostPort(c.Server)
	p.Check, p.local = c, d.local(host)
	if c.Server != "" && c.Name != "" {
		p.Name = "dns:" + c.Type + ":" + c.Name + "@" + c.Server
	}
}

// one reads one of some words.
func (f fields) one(key string, into *string, words []string) {
	if v, ok := f.keys[key]; ok {
		if word, ok := v.one(words...); ok {
			*into = word
		}
	}
}

func dnsTree(c probes.DNS) *yaml.Node {
	t := block()
	t.set("server", text(c.Server))
	t.set("name", text(c.Name))
	t.set("type", text(c.Type))
	t.set("rcode", text(c.Rcode))
	textTree(t, "expect", c.Expect)
	return t.Node
}
