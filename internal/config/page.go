package config

import "gopkg.in/yaml.v3"

// page is where the status page is.
type page struct {
	listen string            // on both nodes
	byNode map[string]string // or on each
}

// readPage reads page:, once the virtual routers are known.
func (d *Document) readPage(v value) {
	f, ok := v.fields("{listen: 127.0.0.1:9166}", "listen")
	if !ok {
		return
	}
	switch l, ok := f.keys["listen"]; {
	case !ok:
		v.errorf("needs listen: where the status page is, such as {listen: 127.0.0.1:9166}")
	case l.node.Kind == yaml.MappingNode:
		d.page.byNode = d.listenByNode(l)
	default:
		d.page.listen = d.listen(l)
	}
}

// PageOf is where one of the nodes has its status page; empty: nowhere.
func (d *Document) PageOf(node string) string {
	if d.page.byNode != nil {
		return d.page.byNode[node]
	}
	return d.page.listen
}

func (d *Document) pageTree() *yaml.Node {
	t := block()
	if d.page.byNode == nil {
		t.set("listen", text(d.page.listen))
		return t.Node
	}
	places := flow()
	for _, n := range d.nodes {
		places.set(n.name, text(d.page.byNode[n.name]))
	}
	t.set("listen", places.Node)
	return t.Node
}
