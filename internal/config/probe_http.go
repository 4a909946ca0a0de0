package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const (
	urlExample = "a URL such as http://127.0.0.1/healthz"
	urlsMost   = 16
)

// readHTTP reads http:, a URL or a mapping.
func (d *Document) readHTTP(v value, p *probe) {
	h := probes.HTTP{Method: "GET", Status: []probes.StatusRange{{From: 200, To: 399}}}
	defer func() {
		p.Check, p.Name = h, h.URL
		p.local = !slices.ContainsFunc(append([]string{h.URL}, h.Also...), func(s string) bool {
			u, err := url.Parse(s)
			return err != nil || !d.local(u.Hostname())
		})
	}()
	if v.kind() != "a mapping" {
		d.readURLs(v, &h)
		return
	}
	f, ok := v.fields("a URL", "url", "method", "host", "headers", "status", "body", "digest", "follow", "sni", "ca_file", "insecure", "min_days")
	if !ok {
		return
	}
	if u, ok := f.need("url", "http://127.0.0.1/healthz"); ok {
		d.readURLs(u, &h)
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
		readStatus(s, &h)
	}
	readHeaders(f, &h.Headers, "let the health location do without")
	readText(f, "body", &h.Body)
	if h.Method == "HEAD" && f.has("body") {
		f.keys["body"].errorf("can never be there: the answer to HEAD has none: write method: GET")
	}
	readDigest(f, &h)
	f.integer("follow", &h.Follow, 0, 10)
	readTLS(f, &h)
}

// readURLs reads one URL, or a list of several.
func (d *Document) readURLs(v value, h *probes.HTTP) {
	items := []value{v}
	if v.kind() == "a list" {
		items = v.items()
		if len(items) == 0 {
			v.errorf("is empty: write %s", urlExample)
		}
		v.atMost(len(items), urlsMost)
	}
	for i, item := range items {
		s, ok := item.text(urlExample)
		if ok {
			d.checkURL(item, s)
		}
		if i == 0 {
			h.URL = s
		} else {
			h.Also = append(h.Also, s)
		}
	}
}

var digestDigits = regexp.MustCompile(`^([0-9a-fA-F]{64}|[0-9a-fA-F]{32})$`)

// readDigest reads digest:, in hexadecimal digits.
func readDigest(f fields, h *probes.HTTP) {
	if !f.text("digest", &h.Digest, "the output of sha256sum") {
		return
	}
	v := f.keys["digest"]
	switch {
	case !digestDigits.MatchString(h.Digest):
		v.errorf("%s is neither the 64 hexadecimal digits of SHA-256 nor the 32 of MD5 that keepalived's genhash prints", show(h.Digest))
	case len(h.Also) > 0:
		v.errorf("is that of one body, and there are %d URLs: make an entry for each", len(h.Also)+1)
	case h.Method == "HEAD":
		v.errorf("can never be right: the answer to HEAD has no body: write method: GET")
	}
	h.Digest = strings.ToLower(h.Digest)
}

// readTLS reads what concerns https only.
func readTLS(f fields, h *probes.HTTP) {
	if !h.Secure() && h.Follow == 0 && h.URL != "" {
		for _, key := range []string{"sni", "ca_file", "insecure", "min_days"} {
			if v, ok := f.keys[key]; ok {
				v.errorf("has no effect on a URL of http://: remove it, or write https://")
			}
		}
		return
	}
	t := &h.TLS
	if f.text("sni", &t.SNI, "a host name such as www.example.com") && !serverName.MatchString(t.SNI) {
		f.keys["sni"].errorf("%s is not a host name such as www.example.com", show(t.SNI))
	}
	if f.text("ca_file", &t.CAFile, "a file such as /etc/ssl/ca.pem") {
		f.keys["ca_file"].absolute(t.CAFile, "/etc/ssl/ca.pem")
	}
	f.boolean("insecure", &t.Insecure)
	if t.Insecure && t.CAFile != "" {
		f.keys["ca_file"].errorf("has no effect with insecure: true: remove one")
	}
	f.integer("min_days", &t.MinDays, 0, 3650)
}

// absolute reports a path that depends on where the daemon was started.
func (v value) absolute(path, example string) {
	if !strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0) {
		v.errorf("%s is not an absolute path such as %s", show(path), example)
	}
}

var (
	hostHeader = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?$`)
	serverName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
)

// Headers that mean something else here, and such as would put a secret into the file.
var (
	hopHeaders    = []string{"connection", "content-length", "transfer-encoding", "upgrade", "trailer", "te", "expect", "keep-alive"}
	secretHeaders = []string{"authorization", "proxy-authorization", "cookie"}
)

// readHeaders reads headers:, in the file's order; instead tells what to do where one has
// a secret.
func readHeaders(f fields, into *[]probes.Header, instead string) {
	v, ok := f.keys["headers"]
	if !ok || !v.is(yaml.MappingNode, "a mapping such as {X-Probe: pairkeeper}") {
		return
	}
	v.expectKeys(nil)
	var seen []string
	for _, kv := range v.pairs() {
		name := strings.ToLower(kv.name)
		s, ok := kv.value.text("the header's value")
		switch {
		case !headerName.MatchString(kv.name):
			kv.key.errorf("is not the name of a header")
		case name == "host":
			kv.key.errorf("is written as host: beside headers:")
		case slices.Contains(hopHeaders, name):
			kv.key.errorf("is for pairkeeper to send: remove it")
		case slices.Contains(secretHeaders, name):
			kv.key.errorf("would put a secret into this file, that is not supported: %s", instead)
		case slices.Contains(seen, name):
			kv.key.errorf("is given twice: remove one")
		case ok && strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
			kv.value.errorf("%s has a control character", show(s))
		case ok:
			*into = append(*into, probes.Header{Name: kv.name, Value: s})
		}
		seen = append(seen, name)
	}
}

// checkURL reports URLs that no probe can ask, and such as ask the wrong proxy.
func (d *Document) checkURL(v value, s string) {
	if u := v.checkURL(s, urlExample); u != nil {
		d.checkTarget(v, u.Hostname())
	}
}

// checkURL reports URLs that cannot be asked; nil: it is one.
func (v value) checkURL(s, example string) *url.URL {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "" || !printable(s):
		v.errorf("%s is not %s", show(s), example)
	case u.User != nil:
		v.errorf("has a user and a password in the URL, that is not supported")
	case u.Scheme != "http" && u.Scheme != "https":
		v.errorf("%s:// is not http:// or https://", show(u.Scheme))
	case u.Fragment != "" || strings.HasSuffix(s, "#"):
		v.errorf("%s has a fragment (#…), which is never sent: remove it", show(s))
	case u.Port() != "" && !validPort(u.Port()):
		v.errorf("%s is not a port in 1..65535", show(u.Port()))
	default:
		return u
	}
	return nil
}

// checkTarget reports a host that tells of the wrong node.
func (d *Document) checkTarget(v value, name string) {
	host, err := netip.ParseAddr(name)
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

// local tells whether a probe of this host looks at the local proxy.
func (d *Document) local(name string) bool {
	host, err := netip.ParseAddr(name)
	return err != nil && name == "localhost" || err == nil && host.IsLoopback() ||
		slices.ContainsFunc(d.nodes, func(n node) bool { return n.address == host && err == nil })
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
	v.expect(form{"type": []string{"integer", "string"}, "minimum": 100, "maximum": 599, "pattern": statusRange.String()})
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

func httpTree(c probes.HTTP) *yaml.Node {
	h := block()
	h.set("url", textsTree(c.URL, c.Also))
	h.set("method", text(c.Method))
	if c.Host != "" {
		h.set("host", text(c.Host))
	}
	headersTree(h, c.Headers)
	h.set("status", statusTree(c.Status))
	textTree(h, "body", c.Body)
	if c.Digest != "" {
		h.set("digest", quote(c.Digest))
	}
	h.set("follow", number(c.Follow))
	if c.Secure() || c.Follow > 0 {
		tlsTree(h, c.TLS)
	}
	return h.Node
}

// textsTree is a text, or a list of several.
func textsTree(first string, more []string) *yaml.Node {
	if len(more) == 0 {
		return text(first)
	}
	all := flowList()
	for _, s := range append([]string{first}, more...) {
		all.Content = append(all.Content, text(s))
	}
	return all
}

func headersTree(t tree, headers []probes.Header) {
	if len(headers) == 0 {
		return
	}
	all := flow()
	for _, one := range headers {
		all.set(one.Name, quote(one.Value))
	}
	t.set("headers", all.Node)
}

func tlsTree(h tree, t probes.TLS) {
	if t.SNI != "" {
		h.set("sni", text(t.SNI))
	}
	if t.CAFile != "" {
		h.set("ca_file", quote(t.CAFile))
	}
	h.set("insecure", boolean(t.Insecure))
	h.set("min_days", number(t.MinDays))
}
