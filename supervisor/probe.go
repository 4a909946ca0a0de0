package supervisor

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// probe is one probe and what it last said.
type probe struct {
	cfg     probes.Config
	counter *probes.Counter
	value   int
	deaf    bool // the last look got no answer at all
	refused bool // the last look was answered, by whatever: the way there is open
	detail  string
	since   time.Time
	worked  bool // it has been good
	// unanswered: of the gateway, it has not answered since it was doubted.
	unanswered bool
}

// newProbes are the probes of a configuration; what did not change is as it was.
func newProbes(cfgs []probes.Config, old []probe) []probe {
	list := make([]probe, len(cfgs))
	for i, c := range cfgs {
		list[i] = probe{cfg: c, counter: probes.NewCounter(c)}
		if was := slices.IndexFunc(old, func(p probe) bool { return reflect.DeepEqual(p.cfg, c) }); was >= 0 {
			list[i] = old[was]
		}
	}
	return list
}

// guarding tells whether there are probes that have the proxy restarted.
func guarding(cfgs []probes.Config) bool {
	return slices.ContainsFunc(cfgs, func(c probes.Config) bool { return c.OnFail.Act == probes.Guard })
}

// opinion is what the probes that have the proxy restarted say together; none are good.
// Deaf tells that one which is not good got no answer at all.
func (n *Node) opinion() (all probes.State, deaf bool) {
	all = probes.Good
	for i := range n.probes {
		p := &n.probes[i]
		state := p.counter.State()
		if p.cfg.OnFail.Act != probes.Guard || state == probes.Good {
			continue
		}
		deaf = deaf || p.deaf
		if all != probes.Failed {
			all = state
		}
	}
	return all, deaf
}

func (s *step) looked(ev Looked) {
	i := slices.IndexFunc(s.probes, func(p probe) bool { return p.cfg.Name == ev.Probe })
	if i < 0 {
		return // a look that began before the configuration changed
	}
	p := &s.probes[i]
	p.detail, p.deaf, p.refused = ev.Detail, !ev.OK && !ev.Answered, ev.Answered || ev.Refused
	changed := p.counter.Add(s.now, ev.OK)
	p.worked = p.worked || ev.OK
	if changed {
		p.since = s.now
	}
	if ev.OK && ev.Value != p.value {
		p.value, changed = ev.Value, true
	}
	if p.cfg.OnFail.Act == probes.Arbitrate {
		changed = s.gatewayLooked(p, ev.OK) || changed
	}
	switch {
	case p.cfg.OnFail.Act == probes.Guard:
		s.guardStep(ev)
	case changed:
		s.touchAll()
	}
}

// gatewayLooked keeps when the gateway answered, and tells whether one that was doubted does.
func (s *step) gatewayLooked(p *probe, ok bool) (changed bool) {
	was := p.unanswered
	p.unanswered = !ok && (was || s.doubtedAt.After(s.gatewayAt))
	if ok {
		s.gatewayAt = s.now
		s.touchWilling()
	}
	return p.unanswered != was
}

// out tells that a probe takes the node out, and why.
func (p *probe) out() (bool, string) {
	state, on := p.counter.State(), p.cfg.OnFail
	switch {
	case state == probes.Unknown:
		return false, ""
	case p.cfg.HasValue() && state == probes.Good:
		_, out := on.OffsetOf(p.value)
		return out, fmt.Sprintf("probe %s has the value %d", p.cfg.Name, p.value)
	case on.Out(state == probes.Good) && on.Reverse:
		return true, "probe " + p.cfg.Name + " is good, and must not be: " + p.detail
	}
	return on.Out(state == probes.Good), "probe " + p.cfg.Name + ": " + p.detail
}

// offset is what a probe does to the priority, and why.
func (p *probe) offset() (int, string) {
	state := p.counter.State()
	good := state == probes.Good
	switch {
	case p.cfg.OnFail.Act != probes.Weigh || state == probes.Unknown:
		return 0, ""
	case p.cfg.HasValue() && good:
		o, _ := p.cfg.OnFail.OffsetOf(p.value)
		return o, fmt.Sprintf("probe %s has the value %d", p.cfg.Name, p.value)
	case p.cfg.HasValue():
		return 0, "" // keepalived's: no value is 0
	case good:
		return p.cfg.OnFail.Offset(good), "probe " + p.cfg.Name + " is good"
	}
	return p.cfg.OnFail.Offset(good), "probe " + p.cfg.Name + ": " + p.detail
}

// probeFault is why a probe keeps the router out. One of which nothing is known yet
// keeps it from beginning, but does not end it.
func (n *Node) probeFault(r *router) (vrrp.Reason, string) {
	for i := range n.probes {
		p := &n.probes[i]
		if p.cfg.OnFail.Act == probes.Fatal && p.counter.State() == probes.Unknown && r.machine.State().Out() {
			return ReasonStarting, "waiting for probe " + p.cfg.Name
		}
		if out, why := p.out(); out && !r.sparesProbe(p) {
			return ReasonProbe, why
		}
	}
	return "", ""
}
