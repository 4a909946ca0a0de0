package config

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const socketExample = "/run/haproxy/admin.sock"

// proxyName is how HAProxy lets a backend be called.
var proxyName = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// maxSocket is how long the path of a socket may be (unix(7)).
const maxSocket = 107

// readHAProxy reads haproxy:, a stats socket or a mapping.
func (d *Document) readHAProxy(v value, p *probe) {
	c := probes.HAProxy{MinUp: 1}
	if v.kind() == "a mapping" {
		f, ok := v.fields("{socket: "+socketExample+"}", "socket", "backends", "min_up")
		if !ok {
			return
		}
		if at, ok := f.need("socket", socketExample); ok {
			at.readSocket(&c.Socket)
		}
		if f.words("backends", &c.Backends, "[web, api]") {
			for _, b := range c.Backends {
				if !proxyName.MatchString(b) {
					f.keys["backends"].errorf("%s is not the name of a backend of HAProxy", show(b))
				}
			}
		}
		if f.integer("min_up", &c.MinUp, 1, 1000) && len(c.Backends) == 0 {
			f.keys["min_up"].errorf("has no effect without backends: write backends: [web], or remove it")
		}
	} else {
		v.readSocket(&c.Socket)
	}
	p.Check = c
	switch p.local = len(c.Backends) == 0; {
	case !p.local:
		p.Name, p.penalty = "haproxy:"+strings.Join(c.Backends, ","), d.decisive()
	case c.Socket != "":
		p.Name = "haproxy:" + c.Socket
	}
}

func (v value) readSocket(into *string) {
	s, ok := v.text("a stats socket such as " + socketExample)
	switch {
	case !ok:
	case len(s) > maxSocket:
		v.errorf("%s is longer than %d bytes, which no socket's path may be", show(s), maxSocket)
	default:
		*into = s
		v.absolute(s, socketExample)
	}
}

// decisive is the least penalty that lets a node of the higher priority come below the
// other one.
func (d *Document) decisive() int {
	if len(d.nodes) != 2 {
		return 1
	}
	difference := int(d.nodes[0].priority) - int(d.nodes[1].priority)
	return min(max(difference, -difference)+1, maxWeight)
}

func haproxyTree(c probes.HAProxy) *yaml.Node {
	t := block()
	t.set("socket", quote(c.Socket))
	if len(c.Backends) > 0 {
		t.set("backends", words(c.Backends))
		t.set("min_up", number(c.MinUp))
	}
	return t.Node
}
