// Package config reads the configuration file of a pair: YAML in, the deciding packages'
// own Configs out. It is strict, and reports everything that is wrong at once, each with
// its line.
package config

import (
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Document is the configuration of a whole pair, with every default filled in.
type Document struct {
	file    string
	node    string // which node this host is, if the file says so
	manual  bool   // the daemon does not apply a change of the file by itself
	nodes   []node // two
	proxy   *supervisor.Proxy
	probes  []probes.Config
	probeAt []probePlace // of each probe
	// probeWeights are the probes' weights, while the file is read.
	probeWeights   []weight
	routers        []router
	keep           bool // when_all_unhealthy: keep
	ungated        bool // gate: off
	restart        time.Duration
	recorder       int64 // bytes; 0: off
	warnings       Errors
	hooks          supervisor.Hooks // of the whole pair
	hookAt         []hookPlace
	receivers      []receiver
	heartbeat      *heartbeat // nil: none
	arbitration    arbitration
	fence          *fence // nil: none
	virtualServers []virtualServer
	checkAt        []checkPlace // of their checks
	balance        balance
	metrics        metrics
	page           page
}

// Parse reads the text of a file; name is how messages call it. It touches nothing
// else: secrets that lie in files of their own are read by ReadSecrets.
func Parse(name string, data []byte) (*Document, error) {
	r := &reader{file: name}
	d := &Document{file: name}
	if root, ok := r.root(data); ok {
		d.read(root)
	}
	if len(r.errors) > 0 {
		return nil, r.errors.sort()
	}
	d.warnings = r.warnings.sort()
	return d, nil
}

func (d *Document) read(root value) {
	f, ok := root.fields("a mapping such as nodes: {…}", "node", "reload", "recorder", "gate", "restart_window", "nodes", "proxy", "probes", "virtual_routers", "when_all_unhealthy", "hooks", "notify", "heartbeat", "arbitration", "fence", "virtual_servers", "ipvs", "metrics", "page")
	if !ok {
		return
	}
	if v, ok := f.keys["reload"]; ok {
		word, _ := v.one("auto", "manual")
		d.manual = word == "manual"
	}
	d.readRecorder(f)
	d.readNodes(f)
	if v, ok := f.keys["proxy"]; ok {
		d.proxy = readProxy(v)
	}
	if v, ok := f.keys["virtual_routers"]; ok {
		d.readRouters(v)
	}
	if v, ok := f.keys["virtual_servers"]; ok {
		d.readVirtualServers(v)
	}
	if v, ok := f.keys["ipvs"]; ok {
		d.readBalance(v)
	}
	if v, ok := f.keys["probes"]; ok {
		d.readProbes(v)
	}
	d.readGate(f)
	d.readRestart(f)
	d.readPolicy(f)
	d.checkPolicy(f)
	d.checkWeights()
	d.forget()
	if v, ok := f.keys["hooks"]; ok {
		d.readHooks(v, &d.hooks)
	}
	d.giveHooks()
	d.readHeartbeat(f)
	d.readFence(f)
	if v, ok := f.keys["notify"]; ok {
		d.readReceivers(v)
	}
	if v, ok := f.keys["metrics"]; ok {
		d.readMetrics(v)
	}
	if v, ok := f.keys["page"]; ok {
		d.readPage(v)
	}
	switch routers, proxy := f.has("virtual_routers"), f.has("proxy"); {
	case !routers && !proxy && !f.has("virtual_servers"):
		f.errorf("needs proxy: or virtual_routers:, there is nothing to do")
	case !routers && proxy:
		f.warnf("has no virtual_routers: the proxy is watched and restarted, but no address moves")
	}
}

// Warnings is what is odd, though it may be meant.
func (d *Document) Warnings() []Error { return slices.Clone(d.warnings) }

// Nodes are the names of both nodes, in the file's order.
func (d *Document) Nodes() []string {
	var names []string
	for _, n := range d.nodes {
		names = append(names, n.name)
	}
	return names
}

// For is the configuration of one of the nodes. Its secrets have to be read by now.
func (d *Document) For(name string) (supervisor.Config, error) {
	i := slices.IndexFunc(d.nodes, func(n node) bool { return n.name == name })
	if i < 0 {
		return supervisor.Config{}, Errors{{File: d.file, Path: "nodes", Text: show(name) + " is not one of " + strings.Join(d.Nodes(), ", ")}}
	}
	c := supervisor.Config{Node: name, Peer: d.nodes[1-i].name, Probes: slices.Clone(d.probes), Hooks: d.hooks, RestartWindow: d.restart}
	if d.proxy != nil {
		c.Proxy = *d.proxy
	}
	var errs Errors
	for s := range d.secrets {
		if s.key == nil && !s.skipped {
			errs = append(errs, s.error(d.file, "has not been read"))
		}
	}
	for _, r := range d.routers {
		one := r.on(d.nodes[i], d.nodes[1-i])
		one.VRRP.LastResort = d.keep
		d.gate(&one)
		c.Routers = append(c.Routers, one)
	}
	for _, r := range d.receivers {
		c.Receivers = append(c.Receivers, r.withSecrets())
	}
	d.link(&c, d.nodes[i], d.nodes[1-i])
	d.fence.arm(&c, d.nodes[i], d.nodes[1-i])
	c.Balance = d.balanceFor()
	if len(errs) > 0 {
		return supervisor.Config{}, errs.sort()
	}
	return c, nil
}
