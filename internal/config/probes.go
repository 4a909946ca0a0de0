package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/probes/probesnet"
)

// probeKind is what a probe can look at, under its key.
type probeKind struct {
	key      string
	read     func(d *Document, v value, p *probe)
	defaults probes.Config
}

// probeKinds is every kind of probe, and how it looks where the file does not say
// otherwise.
var probeKinds = []probeKind{
	{"http", (*Document).readHTTP, everyProbe(500*time.Millisecond, time.Second, 2, 2)},
	{"tcp", (*Document).readTCP, everyProbe(500*time.Millisecond, time.Second, 2, 2)},
	{"udp", (*Document).readUDP, everyProbe(time.Second, time.Second, 2, 2)},
	{"dns", (*Document).readDNS, everyProbe(time.Second, time.Second, 2, 2)},
	{"smtp", (*Document).readSMTP, everyProbe(2*time.Second, 5*time.Second, 2, 2)},
	{"haproxy", (*Document).readHAProxy, everyProbe(time.Second, time.Second, 2, 2)},
	{"icmp", (*Document).readICMP, everyProbe(time.Second, time.Second, 3, 3)},
	{"exec", (*Document).readExec, everyProbe(2*time.Second, 5*time.Second, 2, 2)},
	{"file", (*Document).readFile, everyProbe(time.Second, time.Second, 1, 1)},
	{"process", (*Document).readProcess, everyProbe(time.Second, time.Second, 1, 2)},
	{"unit", (*Document).readUnitProbe, everyProbe(time.Second, 2*time.Second, 1, 2)},
	{"interface", (*Document).readInterfaceProbe, everyProbe(time.Second, time.Second, 2, 1)},
}

func everyProbe(interval, timeout time.Duration, rise, fall int) probes.Config {
	return probes.Config{Interval: interval, Timeout: timeout, Rise: rise, Fall: fall}
}

// probe is one probe while the file is read.
type probe struct {
	probes.Config
	local    bool // it looks at the local proxy
	at       value
	weightAt value
	penalty  int // the default of on_fail; 0: none
}

// probePlace is where the file has a probe.
type probePlace struct {
	line int
	path string
}

const (
	probeExample = "- http: http://127.0.0.1/healthz"
	probesMost   = 1000 // more than anybody has; each may have a look under way
)

func (d *Document) readProbes(v value) {
	items, ok := v.list("a list such as " + probeExample)
	if !ok || !v.atMost(len(items), probesMost) {
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
		d.probes = append(d.probes, p.Config)
		d.probeAt = append(d.probeAt, probePlace{p.at.at(), p.at.path})
		d.probeWeights = append(d.probeWeights, p.asWeight())
	}
}

func (d *Document) readProbe(v value) (probe, bool) {
	var keys []string
	for _, k := range probeKinds {
		keys = append(keys, k.key)
	}
	f, ok := v.fields(probeExample, append(keys, "name", "interval", "jitter", "timeout", "grace", "rise", "fall", "on_fail", "weight", "reverse")...)
	if !ok {
		return probe{}, false
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return !f.has(k) })
	switch {
	case len(keys) == 0 && len(probeKinds) > 0:
		f.errorf("needs %s, such as http: http://127.0.0.1/healthz", kindsText())
		return probe{}, false
	case len(keys) > 1:
		f.errorf("has both %s: and %s:, make two probes of it", keys[0], keys[1])
		return probe{}, false
	}
	kind := probeKinds[slices.IndexFunc(probeKinds, func(k probeKind) bool { return k.key == keys[0] })]
	p := probe{Config: kind.defaults, at: f.keys[kind.key]}
	kind.read(d, p.at, &p)
	if f.text("name", &p.Name, "a name") && !printable(p.Name) {
		f.keys["name"].errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(p.Name), maxName)
	}
	if kind.key != "http" && !f.has("name") && p.Name != "" && !printable(p.Name) {
		f.errorf("needs name, such as name: check: %s cannot be one", show(p.Name))
	}
	f.duration("interval", &p.Interval, 10*time.Millisecond, time.Hour)
	f.duration("jitter", &p.Jitter, 0, time.Hour)
	f.duration("timeout", &p.Timeout, time.Millisecond, time.Hour)
	f.duration("grace", &p.Grace, 0, 24*time.Hour)
	f.integer("rise", &p.Rise, 1, 1000)
	f.integer("fall", &p.Fall, 1, 1000)
	d.readOnFail(f, &p)
	return p, p.Name != ""
}

// kindsText is the keys of all kinds.
func kindsText() string {
	var keys []string
	for _, k := range probeKinds {
		keys = append(keys, k.key)
	}
	if len(keys) == 1 {
		return keys[0]
	}
	return strings.Join(keys[:len(keys)-1], ", ") + " or " + keys[len(keys)-1]
}

// checkProbes tells which probes this host cannot use.
func (d *Document) checkProbes() (errs Errors) {
	for i, p := range d.probes {
		if err := probesnet.Usable(p); err != nil {
			errs = append(errs, Error{d.file, d.probeAt[i].line, d.probeAt[i].path, err.Error()})
		}
	}
	for _, g := range d.arbitration.gateways {
		if err := probesnet.Usable(probes.Config{Check: g.check}); err != nil {
			errs = append(errs, Error{d.file, g.at.line, g.at.path, err.Error()})
		}
	}
	for _, c := range d.checkAt {
		if err := probesnet.Usable(c.check.At(netip.AddrPortFrom(netip.IPv6Loopback(), 1))); err != nil {
			errs = append(errs, Error{d.file, c.line, c.path, err.Error()})
		}
	}
	return errs
}

func probeTree(p probes.Config) *yaml.Node {
	t := block()
	setCheck(t, p.Check)
	t.set("name", text(p.Name))
	t.set("interval", duration(p.Interval))
	t.set("jitter", duration(p.Jitter))
	t.set("timeout", duration(p.Timeout))
	t.set("grace", duration(p.Grace))
	t.set("rise", number(p.Rise))
	t.set("fall", number(p.Fall))
	onFailTree(t, p.OnFail)
	return t.Node
}

// setCheck sets the key of what is looked at.
func setCheck(t tree, check probes.Check) {
	switch c := check.(type) {
	case probes.HTTP:
		t.set("http", httpTree(c))
	case probes.TCP:
		t.set("tcp", tcpTree(c))
	case probes.UDP:
		t.set("udp", udpTree(c))
	case probes.DNS:
		t.set("dns", dnsTree(c))
	case probes.SMTP:
		t.set("smtp", smtpTree(c))
	case probes.HAProxy:
		t.set("haproxy", haproxyTree(c))
	case probes.ICMP:
		t.set("icmp", text(c.Host))
	case probes.Exec:
		t.set("exec", execTree(c))
	case probes.File:
		t.set("file", fileTree(c))
	case probes.Process:
		t.set("process", processTree(c))
	case probes.Unit:
		t.set("unit", text(c.Name))
	case probes.Interface:
		t.set("interface", interfaceTree(c))
	}
}

// maxName bounds the names of probes, which may be URLs, and of routers.
const maxName = 255

// printable tells whether a name can stand in logs, metrics and hooks as it is.
func printable(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
