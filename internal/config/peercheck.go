package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const peerCheckExample = "{http: /healthz}"

// peerCheck is how the other node's proxy is asked. The zero value: as the local one is.
type peerCheck struct {
	none bool
	http *probes.HTTP // of an URL without a host; nil: as the local one is asked
	port int
}

// readPeerCheck reads peer_check:, auto, none or a mapping.
func (p *peerCheck) readPeerCheck(v value) {
	if v.node.Kind == yaml.ScalarNode {
		word, _ := v.one("auto", "none")
		p.none = word == "none"
		return
	}
	f, ok := v.fields(peerCheckExample, "http", "port", "host", "status")
	if !ok {
		return
	}
	h := &probes.HTTP{Method: "GET", Status: []probes.StatusRange{{From: 200, To: 399}}}
	p.http, p.port = h, 80
	if path, ok := f.need("http", "/healthz"); ok {
		if s, ok := path.text("a path such as /healthz"); ok {
			h.URL = s
			if u, err := url.Parse(s); err != nil || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || u.Fragment != "" || !printable(s) {
				path.errorf("%s is not a path such as /healthz: the host is the other node", show(s))
			}
		}
	}
	f.integer("port", &p.port, 1, 65535)
	if f.text("host", &h.Host, "a host name such as www.example.com") && !hostHeader.MatchString(h.Host) {
		f.keys["host"].errorf("%s is not a host name such as www.example.com or www.example.com:8080", show(h.Host))
	}
	if s, ok := f.keys["status"]; ok {
		readStatus(s, h)
	}
}

// askPeer has a node ask the other one's proxy, at that one's own address.
func (d *Document) askPeer(c *supervisor.Config, peer node) {
	h, ok := d.peerHTTP(peer.address)
	if !ok {
		return
	}
	c.Probes = append(c.Probes, probes.Config{
		Name: "arbitration peer", Check: h, Interval: 2 * time.Second, Timeout: time.Second, Rise: 1, Fall: 2,
		OnFail: probes.OnFail{Act: probes.AskPeer},
	})
}

// peerHTTP is what the other node is asked; false: nothing.
func (d *Document) peerHTTP(peer netip.Addr) (probes.HTTP, bool) {
	p := &d.arbitration.peer
	switch {
	case p.none:
		return probes.HTTP{}, false
	case p.http != nil:
		h := *p.http
		h.URL = "http://" + netip.AddrPortFrom(peer, uint16(p.port)).String() + h.URL
		return h, true
	}
	for i := range d.probes {
		if h, ok := d.probes[i].Check.(probes.HTTP); ok {
			if h, ok := d.likeLocal(h, peer); ok {
				return h, true
			}
		}
	}
	return probes.HTTP{}, false
}

// likeLocal asks the other node what the local proxy is asked first; false: it is not the local one
// that is asked. That it answers counts, and not its certificate.
func (d *Document) likeLocal(h probes.HTTP, peer netip.Addr) (probes.HTTP, bool) {
	u, err := url.Parse(h.URL)
	if err != nil || !d.local(u.Hostname()) {
		return h, false
	}
	host := peer.String()
	if peer.Is6() {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	u.Host = host
	h.URL, h.Also = u.String(), nil
	if u.Scheme == "https" {
		h.TLS = probes.TLS{SNI: h.TLS.SNI, Insecure: true}
	}
	return h, true
}

func (p *peerCheck) tree() *yaml.Node {
	switch {
	case p.none:
		return text("none")
	case p.http == nil:
		return text("auto")
	}
	t := block()
	t.set("http", text(p.http.URL))
	t.set("port", number(p.port))
	if p.http.Host != "" {
		t.set("host", text(p.http.Host))
	}
	t.set("status", statusTree(p.http.Status))
	return t.Node
}

// statusTree is status: as the file has it.
func statusTree(ranges []probes.StatusRange) *yaml.Node {
	status := flowList()
	for _, r := range ranges {
		if r.From == r.To {
			status.Content = append(status.Content, number(r.From))
		} else {
			status.Content = append(status.Content, text(strconv.Itoa(r.From)+"-"+strconv.Itoa(r.To)))
		}
	}
	return status
}
