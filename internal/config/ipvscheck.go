package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
)

const (
	checkExample = "{tcp: {}} or {http: /healthz}"
	checksMost   = 16
)

// checkKind is what a check of servers can look at, under its key. It is one of the kinds
// of probes, without the host.
type checkKind struct {
	key  string
	read func(d *Document, v value, p *probe) bool
}

var checkKinds = []checkKind{
	{"tcp", (*Document).readTCPCheck},
	{"http", (*Document).readHTTPCheck},
	{"https", (*Document).readHTTPSCheck},
	{"udp", (*Document).readUDPCheck},
	{"dns", (*Document).readDNSCheck},
	{"smtp", (*Document).readSMTPCheck},
	{"icmp", (*Document).readICMPCheck},
	{"exec", (*Document).readExecCheck},
}

// checkPlace is where the file has a check of servers.
type checkPlace struct {
	check probes.Config
	probePlace
}

// readChecks reads check:, one or a list.
func (d *Document) readChecks(v value) []probes.Config {
	items := []value{v}
	if v.kind() == "a list" {
		items = v.items()
		if !v.atMost(len(items), checksMost) {
			return nil
		}
	}
	var list []probes.Config
	for _, item := range items {
		if c, ok := d.readCheck(item); ok {
			list = append(list, c)
			d.checkAt = append(d.checkAt, checkPlace{c, probePlace{item.at(), item.path}})
		}
	}
	return list
}

func (d *Document) readCheck(v value) (probes.Config, bool) {
	var keys, given []string
	for _, k := range checkKinds {
		keys = append(keys, k.key)
	}
	f, ok := v.fields(checkExample, append(keys, "interval", "jitter", "warm_up", "timeout", "rise", "fall", "weight", "reverse")...)
	if !ok {
		return probes.Config{}, false
	}
	var kind checkKind
	for _, k := range checkKinds {
		if f.has(k.key) {
			kind, given = k, append(given, k.key)
		}
	}
	switch len(given) {
	case 0:
		f.errorf("needs %s, such as %s", either(keys), checkExample)
		return probes.Config{}, false
	case 1:
	default:
		f.errorf("has both %s: and %s:, make a list of two checks of it", given[0], given[1])
		return probes.Config{}, false
	}
	p := probe{Config: everyProbe(2*time.Second, time.Second, 2, 2)}
	ok = kind.read(d, f.keys[kind.key], &p) && p.Check != nil
	p.Name, p.OnFail = kind.key, probes.OnFail{Act: probes.Fatal}
	f.duration("interval", &p.Interval, 10*time.Millisecond, time.Hour)
	f.duration("jitter", &p.Jitter, 0, time.Hour)
	f.duration("warm_up", &p.WarmUp, 0, time.Hour)
	f.duration("timeout", &p.Timeout, time.Millisecond, time.Hour)
	f.integer("rise", &p.Rise, 1, 1000)
	f.integer("fall", &p.Fall, 1, 1000)
	readCheckWeight(f, &p.OnFail)
	return p.Config, ok
}

// readCheckWeight reads what a check does to the weight of a server instead of taking it
// out.
func readCheckWeight(f fields, on *probes.OnFail) {
	if v, ok := f.keys["weight"]; ok {
		if isPlainZero(v) {
			v.errorf("0 is keepalived's word for taking the server out: remove it")
			return
		}
		on.Act = probes.Weigh
		on.Weight, _ = v.integer(-65535, 65535)
	}
	f.boolean("reverse", &on.Reverse)
}

// made is a mapping that stands where v does.
func (v value) made() value {
	v.node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: v.at()}
	return v
}

// put adds what the file has under a key.
func (v value) put(key string, from value) {
	k := text(key)
	k.Line = from.line
	v.node.Content = append(v.node.Content, k, from.node)
}

// say adds a text that the file does not have.
func (v value) say(key, s string) {
	n := text(s)
	n.Line = v.at()
	v.put(key, value{node: n, line: v.at()})
}

// readPlacePort reads the port to check in place of the server's; 0: none is given.
func readPlacePort(f fields) (port uint16, ok bool) {
	if v, has := f.keys["port"]; has {
		n, ok := v.integer(1, 65535)
		return uint16(n), ok
	}
	return 0, true
}

// portCheck is a check of a port: a kind of probe without its host.
type portCheck struct {
	read   func(d *Document, v value, p *probe)
	host   string   // the probe's key for that
	keys   []string // its others
	wanted string
}

const portCheckWanted = "{}, or a mapping such as {port: 8080}"

var (
	tcpCheck  = portCheck{(*Document).readTCP, "address", []string{"send", "expect"}, portCheckWanted}
	udpCheck  = portCheck{(*Document).readUDP, "address", []string{"send", "answer", "expect"}, portCheckWanted}
	smtpCheck = portCheck{(*Document).readSMTP, "address", []string{"helo"}, portCheckWanted}
	dnsCheck  = portCheck{(*Document).readDNS, "server", []string{"name", "type", "rcode", "expect"}, "a mapping such as {name: example.com}"}
)

// at reads a check and returns the place that it looks at.
func (c portCheck) at(d *Document, v value, p *probe) (place string, ok bool) {
	f, ok := v.fields(c.wanted, append([]string{"port"}, c.keys...)...)
	if !ok {
		return "", false
	}
	port, ok := readPlacePort(f)
	m := v.made()
	m.say(c.host, probes.Place+":1")
	for _, key := range c.keys {
		if one, has := f.keys[key]; has {
			m.put(key, one)
		}
	}
	c.read(d, m, p)
	place = probes.Place
	if port != 0 {
		place += ":" + strconv.Itoa(int(port))
	}
	return place, ok
}

func (d *Document) readTCPCheck(v value, p *probe) bool {
	place, ok := tcpCheck.at(d, v, p)
	c, _ := p.Check.(probes.TCP)
	c.Address = place
	p.Check = c
	return ok
}

func (d *Document) readUDPCheck(v value, p *probe) bool {
	place, ok := udpCheck.at(d, v, p)
	c, _ := p.Check.(probes.UDP)
	c.Address = place
	p.Check = c
	return ok
}

func (d *Document) readSMTPCheck(v value, p *probe) bool {
	place, ok := smtpCheck.at(d, v, p)
	c, _ := p.Check.(probes.SMTP)
	c.Address = place
	p.Check = c
	return ok
}

func (d *Document) readDNSCheck(v value, p *probe) bool {
	place, ok := dnsCheck.at(d, v, p)
	c, _ := p.Check.(probes.DNS)
	c.Server = place
	p.Check = c
	return ok
}

func (d *Document) readHTTPCheck(v value, p *probe) bool  { return d.readWebCheck("http", v, p) }
func (d *Document) readHTTPSCheck(v value, p *probe) bool { return d.readWebCheck("https", v, p) }

// urlsOf are the URLs of a path, or of a list of several.
func (v value) urlsOf(host, wanted string) (urls value, ok bool) {
	if v.kind() == "a list" {
		if len(v.node.Content) == 0 {
			v.errorf("is empty: write %s", wanted)
			return v, false
		}
		urls, ok = v, true
		urls.node = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: v.at()}
		for _, item := range v.items() {
			u, good := item.urlsOf(host, wanted)
			urls.node.Content, ok = append(urls.node.Content, u.node), ok && good
		}
		return urls, ok
	}
	s, ok := v.text(wanted)
	if !ok {
		return v, false
	}
	if u, err := url.Parse(s); err != nil || !strings.HasPrefix(s, "/") || u.Host != "" || !printable(s) || strings.Contains(s, "#") {
		v.errorf("%s is not %s: the host is that of each server", show(s), wanted)
		return v, false
	}
	n := text(host + s)
	n.Line = v.at()
	return value{node: n, line: v.at()}, true
}

// readWebCheck reads a path, a list of several, or a mapping.
func (d *Document) readWebCheck(scheme string, v value, p *probe) bool {
	const wanted = "a path such as /healthz"
	own := []string{"method", "host", "headers", "status", "body", "digest", "follow", "sni", "ca_file", "insecure", "min_days"}
	at, port, m := v, uint16(0), v.made()
	if v.kind() == "a mapping" {
		f, ok := v.fields(wanted, append([]string{"path", "port"}, own...)...)
		if !ok {
			return false
		}
		if at, ok = f.need("path", "/healthz"); !ok {
			return false
		}
		if port, ok = readPlacePort(f); !ok {
			return false
		}
		for _, key := range own {
			if one, has := f.keys[key]; has {
				m.put(key, one)
			}
		}
	}
	host := scheme + "://" + probes.Place
	if port != 0 {
		host += ":" + strconv.Itoa(int(port))
	}
	urls, ok := at.urlsOf(host, wanted)
	if !ok {
		return false
	}
	m.put("url", urls)
	d.readHTTP(m, p)
	return true
}

func (d *Document) readICMPCheck(v value, p *probe) bool {
	_, ok := v.fields("{}")
	p.Check = probes.ICMP{Host: probes.Place}
	return ok
}

func (d *Document) readExecCheck(v value, p *probe) bool {
	d.readExec(v, p)
	c, ok := p.Check.(probes.Exec)
	if ok && len(c.Command) > 0 && !strings.Contains(strings.Join(c.Command, " "), probes.PlaceAddress) {
		v.warnf("does not say which server is to be checked: add the argument %q", probes.PlaceAddress)
	}
	return ok && len(c.Command) > 0
}

// needsPort tells whether a check looks at the port that the server has.
func needsPort(c probes.Check) bool {
	switch c := c.(type) {
	case probes.TCP:
		return c.Address == probes.Place
	case probes.UDP:
		return c.Address == probes.Place
	case probes.SMTP:
		return c.Address == probes.Place
	case probes.DNS:
		return c.Server == probes.Place
	case probes.HTTP:
		u, err := url.Parse(c.URL)
		return err == nil && u.Port() == ""
	}
	return false
}

func checksTree(checks []probes.Config) *yaml.Node {
	if len(checks) == 1 {
		return checkTree(checks[0])
	}
	all := list()
	for _, c := range checks {
		all.Content = append(all.Content, checkTree(c))
	}
	return all
}

func checkTree(p probes.Config) *yaml.Node {
	t := flow()
	switch c := p.Check.(type) {
	case probes.TCP:
		t.set("tcp", placed(c.Address, nil, tcpTree(c)))
	case probes.UDP:
		t.set("udp", placed(c.Address, nil, udpTree(c)))
	case probes.SMTP:
		t.set("smtp", placed(c.Address, nil, smtpTree(c)))
	case probes.DNS:
		t.set("dns", placed(c.Server, nil, dnsTree(c)))
	case probes.HTTP:
		u, _ := url.Parse(c.URL)
		cut := func(s string) string { return strings.TrimPrefix(s, u.Scheme+"://"+u.Host) }
		more := slices.Clone(c.Also)
		for i := range more {
			more[i] = cut(more[i])
		}
		t.set(u.Scheme, placed(u.Host, textsTree(cut(c.URL), more), httpTree(c)))
	case probes.ICMP:
		t.set("icmp", flow().Node)
	case probes.Exec:
		t.set("exec", execTree(c))
	}
	t.set("interval", duration(p.Interval))
	t.set("jitter", duration(p.Jitter))
	t.set("warm_up", duration(p.WarmUp))
	t.set("timeout", duration(p.Timeout))
	t.set("rise", number(p.Rise))
	t.set("fall", number(p.Fall))
	if p.OnFail.Act == probes.Weigh {
		t.set("weight", number(p.OnFail.Weight))
	}
	t.set("reverse", boolean(p.OnFail.Reverse))
	return t.Node
}

// placed has the path and the port of a host in place of the address or URL, which comes
// first.
func placed(host string, path *yaml.Node, n *yaml.Node) *yaml.Node {
	t := flow()
	if path != nil {
		t.set("path", path)
	}
	_, port, _ := strings.Cut(host, ":")
	if at, err := strconv.Atoi(port); err == nil {
		t.set("port", number(at))
	}
	t.Content = append(t.Content, n.Content[2:]...)
	return t.Node
}
