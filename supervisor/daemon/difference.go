package daemon

import (
	"reflect"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// difference says in words what changes between two configurations: what is new or gone
// as a whole, else each value. Of a secret only that it changed is said.
func difference(old, src Source) []string {
	a, b := &old.Config, &src.Config
	if old.Manual == src.Manual && old.Recorder == src.Recorder && reflect.DeepEqual(a, b) {
		return []string{}
	}
	d := &diff{said: []string{}}
	d.compare(old.settings(), src.settings())
	d.part("proxy", "proxy", a.Proxy, b.Proxy)
	d.part("heartbeat", "heartbeat", a.Heartbeat.Keys, b.Heartbeat.Keys)
	d.part("notify", "notify", a.Receivers, b.Receivers)
	d.members("probe ", "probes", probesOf(a), probesOf(b))
	d.members("virtual router ", "virtual_routers", routersOf(a), routersOf(b))
	d.members("virtual server ", "virtual_servers", virtualServersOf(a), virtualServersOf(b))
	for _, v := range d.values {
		if !d.over(v.key) {
			d.say(v.key + ": " + v.text)
		}
	}
	return d.said
}

// diff is a difference that is being said.
type diff struct {
	said   []string
	values []changedValue
	whole  []string // the beginnings of the keys of what is new or gone as a whole
	shown  bool     // the values are known
}

type changedValue struct{ key, text string }

// compare finds the values that differ.
func (d *diff) compare(old, cfg []Setting) {
	d.shown = len(cfg) > 0
	before := make(map[string]string, len(old))
	for _, s := range old {
		before[s.Key] = s.Value
	}
	for _, s := range cfg {
		switch was, known := before[s.Key]; {
		case !known:
			d.values = append(d.values, changedValue{s.Key, s.Value + " is new"})
		case was != s.Value:
			d.values = append(d.values, changedValue{s.Key, was + " -> " + s.Value})
		}
		delete(before, s.Key)
	}
	for _, s := range old {
		if _, gone := before[s.Key]; gone {
			d.values = append(d.values, changedValue{s.Key, s.Value + " is gone"})
		}
	}
}

// member is an element of a list.
type member struct {
	name string
	cfg  any
}

// routersOf are the routers without what other parts of the file give them.
func routersOf(c *supervisor.Config) (list []member) {
	for _, r := range c.Routers {
		r.Hooks = supervisor.Hooks{}
		r.VRRP.Grouped, r.VRRP.Patient, r.VRRP.LastResort = false, false, false
		list = append(list, member{r.Name, &r})
	}
	return list
}

// virtualServersOf are the virtual servers, each with all its services.
func virtualServersOf(c *supervisor.Config) (list []member) {
	services := c.Balance.Services
	for i := 0; i < len(services); {
		n := i + 1
		for n < len(services) && services[n].Name == services[i].Name {
			n++
		}
		list = append(list, member{services[i].Name, services[i:n]})
		i = n
	}
	return list
}

func probesOf(c *supervisor.Config) (list []member) {
	for i := range c.Probes {
		if !c.Probes[i].OnFail.Act.Evidence() {
			list = append(list, member{c.Probes[i].Name, &c.Probes[i]})
		}
	}
	return list
}

func byName(list []member) map[string]any {
	named := make(map[string]any, len(list))
	for _, m := range list {
		named[m.name] = m.cfg
	}
	return named
}

// members compares two lists by the names of their elements.
func (d *diff) members(what, key string, old, cfg []member) {
	before, after := byName(old), byName(cfg)
	for _, m := range cfg {
		place := key + "[" + m.name + "]"
		if was := before[m.name]; was != nil {
			d.part(what+m.name, place, was, m.cfg)
			continue
		}
		d.say(what + m.name + " is new")
		d.whole = append(d.whole, place+".")
	}
	for _, m := range old {
		if after[m.name] == nil {
			d.say(what + m.name + " is gone")
			d.whole = append(d.whole, key+"["+m.name+"].")
		}
	}
}

// part says that a part changed of which no value that may be shown did.
func (d *diff) part(what, key string, old, cfg any) {
	inside := func(v changedValue) bool { return strings.HasPrefix(v.key, key+".") }
	if reflect.DeepEqual(old, cfg) || slices.ContainsFunc(d.values, inside) {
		return
	}
	if d.shown {
		what += ": a password or key"
	}
	d.say(what + " changed")
}

func (d *diff) say(text string) { d.said = append(d.said, text) }

// over tells that a key belongs to what is new or gone as a whole.
func (d *diff) over(key string) bool {
	return slices.ContainsFunc(d.whole, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}
