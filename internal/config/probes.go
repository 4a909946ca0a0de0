package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

// defaultProbe is how a probe looks where the file does not say otherwise.
func defaultProbe() probes.Config {
	return probes.Config{
		HTTP:     probes.HTTP{Method: "GET", Status: []probes.StatusRange{{From: 200, To: 399}}},
		Interval: 500 * time.Millisecond,
		Timeout:  time.Second,
		Rise:     2,
		Fall:     2,
	}
}

const probeExample = "- http: http://127.0.0.1/healthz"

func (d *Document) readProbes(v value) {
	items, ok := v.list("a list such as " + probeExample)
	if !ok {
		return
	}
	for _, item := range items {
		p, ok := d.readProbe(item)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(d.probes, func(o probes.Config) bool { return o.Name == p.Name }); i >= 0 {
			item.errorf("is called %s as another probe is: give it a name of its own", show(p.Name))
			continue
		}
		d.probes = append(d.probes, p)
	}
}

func (d *Document) readProbe(v value) (probes.Config, bool) {
	p := defaultProbe()
	f, ok := v.fields(probeExample, "http", "name", "interval", "timeout", "rise", "fall")
	if !ok {
		return p, false
	}
	if v, ok := f.need("http", "http://127.0.0.1/healthz"); ok {
		d.readHTTP(v, &p.HTTP)
	}
	p.Name = p.HTTP.URL
	if f.text("name", &p.Name, "a name") && !printable(p.Name) {
		f.keys["name"].errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(p.Name), maxName)
	}
	f.duration("interval", &p.Interval, 10*time.Millisecond, time.Hour)
	f.duration("timeout", &p.Timeout, time.Millisecond, time.Hour)
	f.integer("rise", &p.Rise, 1, 1000)
	f.integer("fall", &p.Fall, 1, 1000)
	return p, p.Name != ""
}

// readHTTP reads http:, a URL or a mapping.
func (d *Document) readHTTP(v value, h *probes.HTTP) {
	if v.kind() != "a mapping" {
		if s, ok := v.text("a URL such as http://127.0.0.1/healthz"); ok {
			h.URL = s
			d.checkURL(v, s)
		}
		return
	}
	f, ok := v.fields("a URL", "url", "method", "host", "status")
	if !ok {
		return
	}
	if u, ok := f.need("url", "http://127.0.0.1/healthz"); ok {
		if s, ok := u.text("a URL such as http://127.0.0.1/healthz"); ok {
			h.URL = s
			d.checkURL(u, s)
		}
	}
	if m, ok := f.keys["method"]; ok {
		if s, ok := m.one("GET", "HEAD", "OPTIONS"); ok {
			h.Method = s
		}
	}
	if f.text("host", &h.Host, "a host name such as www.example.com") && !hostHeader.MatchString(h.Host) {
		f.keys["host"].errorf("%s is not a host name such as www.example.com or www.example.com:8080", show(h.Host))
	}
	if s, ok := f.keys["status"]; ok {
		readStatus(s, h)
	}
}

var hostHeader = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?$`)

// checkURL reports URLs that no probe can ask, and such as ask the wrong proxy.
func (d *Document) checkURL(v value, s string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "" || !printable(s):
		v.errorf("%s is not a URL such as http://127.0.0.1/healthz", show(s))
		return
	case u.User != nil:
		v.errorf("has a user and a password in the URL, that is not supported")
		return
	case u.Scheme != "http":
		v.errorf("%s:// is not known to this version of pairkeeper: ask a plain http:// port of the proxy", show(u.Scheme))
		return
	case u.Fragment != "" || strings.HasSuffix(s, "#"):
		v.errorf("%s has a fragment (#…), which is never sent: remove it", show(s))
		return
	case u.Port() != "" && !validPort(u.Port()):
		v.errorf("%s is not a port in 1..65535", show(u.Port()))
		return
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return
	}
	for _, r := range d.routers {
		if r.holds(host) {
			v.errorf("%s is a virtual address: a node that does not hold it would look at the other's proxy: write 127.0.0.1", host)
		}
	}
	for _, n := range d.nodes {
		if n.address == host {
			v.warnf("%s is the address of %s: both nodes look at its proxy and neither at that of the other: write 127.0.0.1", host, n.name)
		}
	}
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// readStatus reads codes and ranges such as [200, 301-399].
func readStatus(v value, h *probes.HTTP) {
	const wanted = "a list such as [200-399]"
	items, ok := v.list(wanted)
	if !ok {
		return
	}
	if len(items) == 0 {
		v.errorf("is empty, no answer would be good: write %s", wanted)
	}
	h.Status = nil
	for _, item := range items {
		if r, ok := readRange(item); ok {
			h.Status = append(h.Status, r)
		}
	}
}

var statusRange = regexp.MustCompile(`^([1-5][0-9][0-9])(?:-([1-5][0-9][0-9]))?$`)

func readRange(v value) (probes.StatusRange, bool) {
	if !v.is(yaml.ScalarNode, "a status such as 200, or a range such as 200-399") {
		return probes.StatusRange{}, false
	}
	m := statusRange.FindStringSubmatch(v.node.Value)
	if m == nil {
		v.errorf("%s is not a status in 100..599, or a range such as 200-399", show(v.node.Value))
		return probes.StatusRange{}, false
	}
	if m[2] == "" {
		m[2] = m[1]
	}
	from, _ := strconv.Atoi(m[1])
	to, _ := strconv.Atoi(m[2])
	if from > to {
		v.errorf("%s runs backwards: write %d-%d", v.node.Value, to, from)
		return probes.StatusRange{}, false
	}
	return probes.StatusRange{From: from, To: to}, true
}

// maxName bounds the names of probes, which may be URLs, and of routers.
const maxName = 255

// printable tells whether a name can stand in logs, metrics and hooks as it is.
func printable(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
