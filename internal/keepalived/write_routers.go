package keepalived

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (p *plan) writeRouters(w *writer) {
	if len(p.routers) == 0 {
		return
	}
	w.line("\nvirtual_routers:")
	for _, r := range p.routers {
		p.writeRouter(w, r)
	}
	p.writeIdeas(w, "virtual_routers")
}

func (p *plan) writeRouter(w *writer, r *router) {
	w.line("  - name: %s", quoted(r.name))
	todo := ""
	if i := r.first(); r.lead == nil && r.wire() != i.Interface {
		todo = "the interface, which was " + shown(i.Interface)
		if i.Interface == "" {
			todo = "the interface"
		}
		if r.adverts != "" {
			todo = ""
		}
	}
	w.todo(todo, "    interface: %s", quoted(r.iface))
	if r.adverts != "" && r.adverts != r.iface {
		w.line("    advert_interface: %s", quoted(r.adverts))
	}
	todo = ""
	if r.numbered {
		todo = "the virtual_router_id, the same on both nodes and no other pair's"
	}
	w.todo(todo, "    vrid: %d", r.vrid)
	w.line("    version: %d", r.version)
	w.line("    advert_interval: %s", duration(r.interval))
	if r.down != 0 && r.down != 3 {
		w.line("    down_adverts: %d", r.down)
	}
	if r.priority != p.routers[0].priority {
		todo := ""
		if r.derived {
			todo = "one of them was not in the original"
		}
		w.todo(todo, "    priority: {%s: %d, %s: %d}", quoted(p.nodes[0].name), r.priority[0], quoted(p.nodes[1].name), r.priority[1])
	}
	if p.groupSize(r.group) > 1 {
		w.line("    group: %s", quoted(r.group))
	}
	p.writeAddresses(w, r)
	p.writeWire(w, r)
	p.writeTracks(w, r)
	if len(r.hooks) > 0 {
		w.line("    hooks:")
		for _, h := range r.hooks {
			w.line("      %s", h.yaml())
		}
	}
}

func (p *plan) groupSize(group string) (n int) {
	for _, r := range p.routers {
		if r.group == group && group != "" {
			n++
		}
	}
	return n
}

func (p *plan) writeAddresses(w *writer, r *router) {
	if r.open {
		w.todo("the virtual address", "    addresses: [%s]", r.addrs[0].Prefix)
		return
	}
	plain := !slices.ContainsFunc(r.addrs, func(a Address) bool { return a.Label != "" || a.NoRoute })
	var texts []string
	for _, a := range r.addrs {
		texts = append(texts, quoted(a.Prefix.String()))
	}
	if plain && len(texts) <= 4 {
		w.line("    addresses: [%s]", strings.Join(texts, ", "))
		return
	}
	w.line("    addresses:")
	for i, a := range r.addrs {
		entry := texts[i]
		if a.Label != "" || a.NoRoute {
			entry = "{address: " + entry
			if a.Label != "" {
				entry += ", label: " + quoted(a.Label)
			}
			if a.NoRoute {
				entry += ", noprefixroute: true"
			}
			entry += "}"
		}
		w.line("      - %s", entry)
	}
}

// writeWire is how a router speaks, and when it moves.
func (p *plan) writeWire(w *writer, r *router) {
	if u := r.unicast; u != nil {
		todo := ""
		if u.open[0] || u.open[1] {
			todo = "the nodes' own addresses"
		}
		w.line("    unicast:")
		w.todo(todo, "      addresses: {%s: %s, %s: %s}", quoted(p.nodes[0].name), quoted(u.addresses[0].String()), quoted(p.nodes[1].name), quoted(u.addresses[1].String()))
		if u.minTTL > 0 {
			w.line("      min_ttl: %d", u.minTTL)
		}
		if u.maxTTL > 0 {
			w.line("      max_ttl: %d", u.maxTTL)
		}
	}
	switch {
	case !r.preempt:
		w.line("    preempt: false")
	case r.delay == 0:
		w.line("    preempt_delay: 0                     # keepalived's default; 30s here")
	default:
		w.line("    preempt_delay: %s", duration(r.delay))
	}
	if r.authType != "" {
		w.line("    auth: {type: %s, password: %s}", r.authType, always(r.password))
	}
	switch {
	case r.vmac && (r.macName != "" || r.macBase && r.unicast == nil):
		var parts []string
		if r.macName != "" {
			parts = append(parts, "name: "+quoted(r.macName))
		}
		if r.macBase {
			parts = append(parts, "adverts: base")
		}
		w.line("    virtual_mac: {%s}", strings.Join(parts, ", "))
	case r.vmac:
		w.line("    virtual_mac: true")
	}
	var garp []string
	if r.garp.Repeat > 0 {
		garp = append(garp, fmt.Sprintf("burst: %d", min(r.garp.Repeat, 100)))
	}
	if r.garp.Delay >= 0 {
		garp = append(garp, "again: "+duration(time.Duration(min(r.garp.Delay, 3600))*time.Second))
	}
	if r.garp.Refresh > 0 {
		garp = append(garp, "refresh: "+duration(time.Duration(min(r.garp.Refresh, 86400))*time.Second))
	}
	if len(garp) > 0 {
		w.line("    garp: {%s}", strings.Join(garp, ", "))
	}
}

// always is a text in quotes, whatever it is.
func always(s string) string {
	if q := quoted(s); strings.HasPrefix(q, `"`) {
		return q
	}
	return `"` + s + `"`
}

func (p *plan) writeTracks(w *writer, r *router) {
	var list []string
	for _, t := range r.tracks {
		switch {
		case t.Weight == 0 && !t.Reverse:
			list = append(list, quoted(t.Name))
		case t.Weight == 0:
			list = append(list, "{interface: "+quoted(t.Name)+", reverse: true}")
		case t.Reverse:
			list = append(list, fmt.Sprintf("{interface: %s, weight: %d, reverse: true}", quoted(t.Name), t.Weight))
		default:
			list = append(list, fmt.Sprintf("{interface: %s, weight: %d}", quoted(t.Name), t.Weight))
		}
	}
	if len(list) > 0 {
		w.line("    track: [%s]", strings.Join(list, ", "))
	}
}
