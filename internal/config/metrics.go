package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Metrics is where a node tells its metrics, and by which names.
type Metrics struct {
	Listen string // address:port, or the path of a Unix socket; empty: no place of its own
	Names  string // pairkeeper, keepalived or both
}

// metrics is that of the pair.
type metrics struct {
	set    bool
	listen string            // on both nodes
	byNode map[string]string // or on each
	names  string
}

const (
	metricsExample = "{listen: 127.0.0.1:9165}"
	// socketMost is how long the path of a Unix socket may be: the kernel has 108 bytes, one of them a NUL.
	socketMost = 107
)

// readMetrics reads metrics:, once the virtual routers are known.
func (d *Document) readMetrics(v value) {
	f, ok := v.fields(metricsExample, "listen", "names")
	if !ok {
		return
	}
	m := &d.metrics
	m.set, m.names = true, "pairkeeper"
	if n, ok := f.keys["names"]; ok {
		m.names, _ = n.one("pairkeeper", "keepalived", "both")
	}
	switch l, ok := f.keys["listen"]; {
	case !ok:
	case l.node.Kind == yaml.MappingNode:
		m.byNode = d.listenByNode(l)
	default:
		m.listen = d.listen(l)
	}
}

func (d *Document) listenByNode(v value) map[string]string {
	keys, ok := v.mapping("a place of each node", nil)
	if !ok {
		return nil
	}
	places := map[string]string{}
	for _, kv := range v.pairs() {
		if !d.isNode(kv.name) {
			kv.key.errorf("%s", d.noNode(kv.name))
			continue
		}
		places[kv.name] = d.listen(keys[kv.name])
	}
	for _, n := range d.nodes {
		if _, there := keys[n.name]; !there {
			v.errorf("has no place of %s: each node needs one", n.name)
		}
	}
	return places
}

// listen is an address with a port, or the path of a Unix socket; empty: what is written is neither.
func (d *Document) listen(v value) string {
	text, ok := v.text("an address with a port such as 127.0.0.1:9165, or the path of a Unix socket")
	if !ok {
		return ""
	}
	if strings.HasPrefix(text, "/") {
		switch {
		case filepath.Clean(text) != text:
			v.errorf("%s is not a plain path: write %s", v.written(), show(filepath.Clean(text)))
			return ""
		case len(text) > socketMost:
			v.errorf("is %d bytes long, the path of a Unix socket has %d at the most", len(text), socketMost)
			return ""
		}
		return text
	}
	host, port, err := net.SplitHostPort(text)
	n, bad := strconv.Atoi(port)
	switch {
	case err != nil || bad != nil:
		v.errorf("%s is neither an address with a port such as 127.0.0.1:9165, nor the path of a Unix socket", v.written())
		return ""
	case n < 1 || n > 65535:
		v.errorf("the port %s is not in 1..65535", show(port))
		return ""
	case host == "":
		return text
	}
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		v.errorf("%s is not an address: write 127.0.0.1, one of the node's own, or none for all of them", show(host))
		return ""
	case d.isVirtual(a):
		v.errorf("%s is a virtual address, which a node has only while it is Active: write an address of its own, or %s for all of them", a, show(":"+port))
		return ""
	}
	return text
}

func (d *Document) isVirtual(a netip.Addr) bool {
	for i := range d.routers {
		for _, one := range d.routers[i].shared.Addresses {
			if one.Prefix.Addr() == a {
				return true
			}
		}
	}
	return false
}

// MetricsOf is what one of the nodes does.
func (d *Document) MetricsOf(node string) Metrics {
	m := Metrics{Listen: d.metrics.listen, Names: d.metrics.names}
	if d.metrics.byNode != nil {
		m.Listen = d.metrics.byNode[node]
	}
	return m
}

func (d *Document) metricsTree() *yaml.Node {
	m, t := &d.metrics, block()
	switch {
	case m.byNode != nil:
		places := flow()
		for _, n := range d.nodes {
			places.set(n.name, text(m.byNode[n.name]))
		}
		t.set("listen", places.Node)
	case m.listen != "":
		t.set("listen", text(m.listen))
	}
	t.set("names", text(m.names))
	return t.Node
}
