package config

import (
	"net/netip"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// arbitration is what they decide by when they do not.
type arbitration struct {
	auto     bool // the gateway is the default route's next hop
	gateways []netip.Addr
	keep     bool // isolated: keep
	foreign  supervisor.OnForeign
	peer     peerCheck
	loser    loser
	vote     vote
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
		a.readGateway(g)
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

func (a *arbitration) readGateway(v value) {
	if v.node.Kind == yaml.SequenceNode {
		a.auto = false
		for _, item := range v.items() {
			if g, ok := item.hostAddress(); ok {
				a.gateways = append(a.gateways, g)
			}
		}
		if len(v.items()) == 0 {
			v.errorf("is empty: write a list of addresses, auto or none")
		}
		return
	}
	word, _ := v.one("auto", "none")
	a.auto = word == "auto"
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
	look := func(name string, g probes.Gateway) {
		list = append(list, probes.Config{
			Name: name, Check: g, Interval: 500 * time.Millisecond, Timeout: 300 * time.Millisecond, Rise: 2, Fall: 3,
			OnFail: probes.OnFail{Act: probes.Arbitrate},
		})
	}
	if a.auto {
		look("arbitration gateway", probes.Gateway{IPv6: self.address.Is6()})
	}
	for _, g := range a.gateways {
		look("arbitration gateway "+g.String(), probes.Gateway{Host: g.String()})
	}
	return list
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
			all.Content = append(all.Content, text(g.String()))
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
