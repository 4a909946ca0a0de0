package config

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// arbitration is what they decide by when they do not.
type arbitration struct {
	auto     bool // the gateway is the default route's next hop
	gateways []gateway
	keep     bool // isolated: keep
	foreign  supervisor.OnForeign
	peer     peerCheck
	loser    loser
	vote     vote
}

// gateway is what is asked whether this node has been cut off.
type gateway struct {
	name  string
	check probes.Check
	at    probePlace
}

var foreignWords = []string{supervisor.AlertForeign: "alert", supervisor.ContestForeign: "contest", supervisor.ReleaseForeign: "release"}

// readArbitration reads arbitration:.
func (d *Document) readArbitration(v value) {
	f, ok := v.fields("{gateway: auto}", append([]string{"gateway", "isolated", "on_foreign_vip", "peer_check", "on_conflict", "hold_off"}, voteKeys...)...)
	if !ok {
		return
	}
	a := &d.arbitration
	if g, ok := f.keys["gateway"]; ok {
		d.readGateway(g)
	}
	if i, ok := f.keys["isolated"]; ok {
		word, _ := i.one("release", "keep")
		a.keep = word == "keep"
	}
	if p, ok := f.keys["peer_check"]; ok {
		a.peer.readPeerCheck(p)
	}
	d.readLoser(f)
	if o, ok := f.keys["on_foreign_vip"]; ok {
		if word, ok := o.one(foreignWords...); ok {
			a.foreign = supervisor.OnForeign(slices.Index(foreignWords, word))
		}
	}
	d.readVote(f)
}

func (d *Document) readGateway(v value) {
	a := &d.arbitration
	if v.node.Kind == yaml.SequenceNode {
		a.auto = false
		for _, item := range v.items() {
			d.readTarget(item)
		}
		if len(v.items()) == 0 {
			v.errorf("is empty: write a list of addresses, auto or none")
		}
		return
	}
	word, _ := v.one("auto", "none")
	a.auto = word == "auto"
}

// readTarget reads an address, or a look such as a probe makes.
func (d *Document) readTarget(item value) {
	g := gateway{}
	if item.kind() == "a mapping" {
		p := probe{}
		f, ok := item.fields("{tcp: \"10.0.0.9:443\"}", "icmp", "tcp", "http")
		switch {
		case !ok:
			return
		case len(f.keys) != 1:
			f.errorf("needs one of icmp, tcp and http, such as tcp: \"10.0.0.9:443\"")
			return
		case f.has("icmp"):
			d.readICMP(f.keys["icmp"], &p)
		case f.has("tcp"):
			d.readTCP(f.keys["tcp"], &p)
		default:
			d.readHTTP(f.keys["http"], &p)
		}
		if p.Name == "" {
			return
		}
		if p.local {
			item.errorf("%s is this pair's own: it answers also where the node has been cut off", p.Name)
		}
		g = gateway{name: p.Name, check: p.Check}
	} else {
		at, ok := item.hostAddress()
		if !ok {
			return
		}
		g = gateway{name: at.String(), check: probes.Gateway{Host: at.String()}}
	}
	if slices.ContainsFunc(d.arbitration.gateways, func(o gateway) bool { return o.name == g.name }) {
		item.errorf("%s is there already", g.name)
		return
	}
	g.at = probePlace{item.at(), item.path}
	d.arbitration.gateways = append(d.arbitration.gateways, g)
}

// decide gives a node what the arbiter decides by, and has it ask the gateway.
func (a *arbitration) decide(c *supervisor.Config, self node) {
	c.Arbitration.KeepIsolated, c.Arbitration.OnForeign = a.keep, a.foreign
	c.Arbitration.HoldOff, c.Arbitration.UntilCleared, c.Arbitration.StopProxy = a.loser.holdOff, a.loser.cleared, a.loser.stop
	a.vote.decide(c, self)
	c.Probes = append(c.Probes, a.probes(self)...)
}

// probes are the looks at the gateway. Their names have a space, which no other's has.
func (a *arbitration) probes(self node) (list []probes.Config) {
	look := func(name string, g probes.Check) {
		list = append(list, probes.Config{
			Name: name, Check: g, Interval: 500 * time.Millisecond, Timeout: 300 * time.Millisecond, Rise: 2, Fall: 3,
			OnFail: probes.OnFail{Act: probes.Arbitrate},
		})
	}
	if a.auto {
		look("arbitration gateway", probes.Gateway{IPv6: self.address.Is6()})
	}
	for _, g := range a.gateways {
		look("arbitration gateway "+g.name, g.check)
	}
	return list
}

func (g gateway) tree() *yaml.Node {
	if _, address := g.check.(probes.Gateway); address {
		return text(g.name)
	}
	t := flow()
	setCheck(t, g.check)
	return t.Node
}

func (a *arbitration) tree() *yaml.Node {
	t := block()
	switch {
	case a.auto:
		t.set("gateway", text("auto"))
	case len(a.gateways) == 0:
		t.set("gateway", text("none"))
	default:
		all := flowList()
		for _, g := range a.gateways {
			all.Content = append(all.Content, g.tree())
		}
		t.set("gateway", all)
	}
	t.set("isolated", text(map[bool]string{false: "release", true: "keep"}[a.keep]))
	t.set("peer_check", a.peer.tree())
	t.set("on_foreign_vip", text(foreignWords[a.foreign]))
	a.loser.tree(t)
	a.vote.tree(t)
	return t.Node
}
