package keepalived

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// proxy is what pairkeeper guards.
type proxy struct {
	Pos
	unit string
	test []string
	from string // what it was found in
}

// probe is a look at something.
type probe struct {
	Pos
	name              string
	key, value        string // of what is looked at, in YAML
	interval, timeout time.Duration
	rise, fall        int
	weight            int
	reverse           bool
	local             bool // it looks at the proxy
	valued            bool // the file holds a number
}

// use is a script, process or file with the weight that the instances give it.
type use struct {
	Track
	at      int // the node
	by      []string
	grouped bool // always in a vrrp_sync_group that ignores weights
	twice   bool // on both nodes
}

// uses are what all instances track of one kind, each once.
func (p *plan) uses(of func(*Instance) []Track) []*use {
	var list []*use
	for k, c := range p.configs {
		for _, i := range c.Instances {
			for _, t := range of(i) {
				at := slices.IndexFunc(list, func(u *use) bool { return u.Name == t.Name })
				if at < 0 {
					list = append(list, &use{Track: t, at: k, grouped: true})
					at = len(list) - 1
				}
				u := list[at]
				if u.HasWeight != t.HasWeight || u.Weight != t.Weight {
					p.changed(t.Pos, "%s has one weight for all instances: that of line %d", shown(t.Name), u.Line)
				}
				if k == u.at {
					u.by = append(u.by, i.Name)
				} else {
					u.twice = true
				}
				if g := c.groupOf(i.Name); g == nil || g.Weigh {
					u.grouped = false
				}
			}
		}
	}
	return list
}

func (c *Config) groupOf(name string) *SyncGroup {
	for _, g := range c.Groups {
		if slices.Contains(g.Members, name) {
			return g
		}
	}
	return nil
}

func (p *plan) makeProbes() {
	for _, u := range p.uses(func(i *Instance) []Track { return i.Scripts }) {
		p.script(u)
	}
	for _, u := range p.uses(func(i *Instance) []Track { return i.Processes }) {
		p.process(u)
	}
	for _, u := range p.uses(func(i *Instance) []Track { return i.Files }) {
		p.trackFile(u)
	}
	p.unused()
	for i := range p.probes {
		b := &p.probes[i]
		if b.local && p.proxy != nil && b.weight != 0 {
			p.changed(b.Pos, "probe %s has no weight %d: what it looks at is restarted when it fails, and the node leaves if that does not help", b.name, b.weight)
			b.weight, b.reverse = 0, false
		}
	}
}

// unused tells of scripts that no instance tracks.
func (p *plan) unused() {
	for _, c := range p.configs {
		for _, s := range c.Scripts {
			used := func(i *Instance) bool {
				return slices.ContainsFunc(i.Scripts, func(t Track) bool { return t.Name == s.Name })
			}
			if !slices.ContainsFunc(c.Instances, used) {
				p.wrong(s.Pos, "not-tracked", "no instance has %s in its track_script: keepalived never runs it; it is not taken over", shown(s.Name))
			}
		}
	}
}

// script makes of a vrrp_script what it looks at, or a probe that runs it.
func (p *plan) script(u *use) {
	s := find(p.configs[u.at].Scripts, u.Name, func(s *Script) string { return s.Name })
	if s == nil {
		p.wrong(u.Pos, "no-script", "there is no vrrp_script %s: keepalived goes on without it", shown(u.Name))
		return
	}
	if !u.HasWeight {
		u.Weight, u.Reverse = s.Weight, s.Reverse
	}
	words := p.absolute(s.Command.Words)
	user := p.user(s.Command.User, u.at)
	unusable := p.usable(words, user)
	if unusable != nil && !strings.HasPrefix(strings.Join(words, " "), "</dev/tcp/") { // which keepalived does by itself
		p.wrong(s.Command.Pos, "script-dropped", "%s: %s: on a host where that is so keepalived drops the script silently, and holds the addresses whatever is broken", s.Name, unusable)
	}
	seen, guessed := p.see(s.Command, s.Name)
	base := probe{Pos: s.Pos, name: tidy(s.Name, "script"), interval: within(s.Interval, 10*time.Millisecond, time.Hour), rise: min(s.Rise, 1000), fall: min(s.Fall, 1000), weight: u.Weight, reverse: u.Reverse}
	base.timeout = base.interval
	if s.Timeout > 0 {
		base.timeout = within(s.Timeout, time.Millisecond, time.Hour)
	}
	if u.grouped && base.weight != 0 {
		p.left(u.Pos, "%s weight %d: keepalived ignores weights in a vrrp_sync_group without sync_group_tracking_weight", base.name, base.weight)
		return
	}
	if !seen.guards() {
		p.reach(u)
	}
	switch {
	case seen.nothing() && unusable == nil:
		base.key, base.value = "exec", execYAML(words, user)
		p.add(base)
		p.taken(s.Pos, "vrrp_script %s: probe %s runs %s", shown(s.Name), base.name, shown(strings.Join(words, " ")))
	case seen.nothing():
		base.key, base.value = "exec", execYAML(words, user)
		p.idea("probes", base.lines()...)
		p.left(s.Pos, "vrrp_script %s: %s cannot be used here; it stands in the file as a comment", shown(s.Name), shown(strings.Join(words, " ")))
	default:
		p.replace(s, seen, base, guessed)
	}
}

// replace puts what a script looks at in the place of the script.
func (p *plan) replace(s *Script, seen sight, base probe, guessed bool) {
	what := s.Name + " (" + strings.Join(s.Command.Words, " ")
	if guessed {
		what += ", known by its name alone"
	}
	what += ")"
	var to []string
	if seen.guards() {
		to = append(to, "arbitration: before a node takes the addresses from a silent one it asks who answers for them, and who loses a conflict gives way (on_conflict, hold_off): it needs heartbeat, which stands in the file as a comment")
	}
	if seen.proxy != "" {
		to = append(to, p.guard(s.Pos, seen.proxy, s.Name, base))
	}
	if seen.url != "" {
		to = append(to, p.addNetwork(base, "http", seen.url, seen.proxy != "" || webPort(seen.url))...)
	} else if seen.remote != "" && !seen.guards() {
		to = append(to, p.addNetwork(base, "http", seen.remote, false)...)
	}
	if seen.tcp != "" {
		here := strings.HasPrefix(seen.tcp, "127.") || strings.HasPrefix(seen.tcp, "[::1]")
		to = append(to, p.addNetwork(base, "tcp", seen.tcp, here && (seen.proxy != "" || webPort("http://"+seen.tcp)))...)
	}
	if seen.socket != "" {
		b := base
		b.key, b.value, b.local = "haproxy", quoted(seen.socket), p.proxy == nil || p.proxy.unit == "haproxy.service"
		to = append(to, p.add(b))
	}
	for _, unit := range seen.units {
		b := base
		b.key, b.value = "unit", quoted(unit+".service")
		to = append(to, p.add(b))
	}
	for _, name := range seen.programs {
		b := base
		b.key, b.value = "process", quoted(name)
		to = append(to, p.add(b))
	}
	if !seen.guards() {
		for _, host := range seen.pings {
			to = append(to, p.addPing(base, host)...)
		}
	}
	if len(to) == 0 {
		p.left(s.Pos, "vrrp_script %s: there is nothing here that it would be needed for", printable(what))
		return
	}
	if seen.restarts || seen.stops {
		to = append(to, "the ladder, which tests, restarts with a budget, and leaves at once when nothing helps (see proxy: in docs/configuration.md), in place of what the script starts and stops by itself")
	}
	p.changed(s.Pos, "vrrp_script %s is replaced by %s", printable(what), strings.Join(to, "; "))
}

// guard makes a proxy the one that is guarded; a second one only has to be active.
func (p *plan) guard(at Pos, name, from string, base probe) string {
	unit := name + ".service"
	switch {
	case p.proxy == nil:
		p.proxy = &proxy{Pos: at, unit: unit, test: proxies[name], from: from}
	case p.proxy.unit != unit:
		base.key, base.value = "unit", unit
		return p.add(base)
	}
	return "proxy: " + unit + ", watched by systemd's own events"
}

// addNetwork adds a probe that asks over the network, unless it would ask a virtual
// address, which the other node answers for too.
func (p *plan) addNetwork(base probe, key, target string, local bool) []string {
	base.key, base.value, base.local = key, quoted(target), local
	host := hostOf(key, target)
	if a, err := netip.ParseAddr(host); err == nil && p.virtual(a) {
		p.wrong(base.Pos, "asks-address", "%s asks the virtual address %s: whichever node holds it answers, so that a broken one is not found; a probe asks 127.0.0.1", base.name, a)
		return nil
	}
	return []string{p.add(base)}
}

// webPort tells whether a URL has a port that proxies have: what fails there is the proxy's.
func webPort(link string) bool {
	u, err := url.Parse(link)
	return err == nil && slices.Contains([]string{"", "80", "443", "8080", "8443"}, u.Port())
}

func hostOf(key, target string) string {
	if key == "http" {
		u, err := url.Parse(target)
		if err != nil {
			return ""
		}
		return u.Hostname()
	}
	at, err := netip.ParseAddrPort(target)
	if err != nil {
		return ""
	}
	return at.Addr().String()
}

// addPing makes a probe of a ping, and a gateway for the arbitration.
func (p *plan) addPing(base probe, host string) []string {
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil || p.virtual(a):
		return nil
	case a == p.nodes[0].address || a == p.nodes[1].address:
		p.left(base.Pos, "%s pings the other node: that is what heartbeat: is for", base.name)
		return nil
	}
	if !slices.Contains(p.gateways, a) && len(p.gateways) < 8 {
		p.gateways = append(p.gateways, a)
	}
	base.key, base.value = "icmp", quoted(a.String())
	return []string{p.add(base) + " (better: arbitration.gateway, by which a node that has been cut off gives the addresses up, and takes none)"}
}

// add adds a probe under a name of its own.
func (p *plan) add(b probe) string {
	taken := func(s string) bool {
		return slices.ContainsFunc(p.probes, func(o probe) bool { return o.name == s })
	}
	name := b.name
	for n := 2; taken(b.name); n++ {
		b.name = fmt.Sprintf("%s-%d", name, n)
	}
	if len(p.probes) < 1000 {
		p.probes = append(p.probes, b)
	}
	return "probe " + b.name + " (" + b.key + ")"
}

// reach tells that a probe is of the node, where only some of the routers had it.
func (p *plan) reach(u *use) {
	if p.both() && !u.twice {
		p.changed(u.Pos, "%s is looked at on both nodes, not only on %s", shown(u.Name), p.nodes[u.at].name)
	}
	if all := len(p.configs[u.at].Instances); len(u.by) < all {
		p.changed(u.Pos, "%s is looked at for the node, and so counts for all %d routers, not only for %s", shown(u.Name), all, strings.Join(u.by, ", "))
	}
}

func (p *plan) process(u *use) {
	s := find(p.configs[u.at].Processes, u.Name, func(s *Process) string { return s.Name })
	if s == nil || s.Process == "" {
		p.wrong(u.Pos, "no-process", "there is no vrrp_track_process %s with a process", shown(u.Name))
		return
	}
	if !u.HasWeight {
		u.Weight, u.Reverse = s.Weight, s.Reverse
	}
	if u.grouped && u.Weight != 0 {
		p.left(u.Pos, "%s weight %d: keepalived ignores weights in a vrrp_sync_group without sync_group_tracking_weight", shown(u.Name), u.Weight)
		return
	}
	name := path.Base(s.Process)
	b := probe{Pos: s.Pos, name: tidy(s.Name, "process"), key: "process", value: quoted(name), interval: time.Second, timeout: time.Second, rise: 1, fall: 2, weight: clampWeight(u.Weight), reverse: u.Reverse}
	p.reach(u)
	if _, ok := proxies[name]; ok && name != "keepalived" && s.Min <= 1 && s.Max == 0 && !u.Reverse {
		p.changed(s.Pos, "vrrp_track_process %s is replaced by %s", shown(s.Name), p.guard(s.Pos, name, s.Name, b))
		return
	}
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }) {
		p.left(s.Pos, "vrrp_track_process %s: %s is not the name of a program", shown(s.Name), shown(s.Process))
		return
	}
	var more []string
	if len(s.Args) > 0 {
		more = append(more, "args: "+quoted(strings.Join(escaped(s.Args), " ")))
	}
	if s.Min != 1 {
		more = append(more, "min: "+strconv.Itoa(s.Min))
	}
	if s.Max > 0 {
		more = append(more, "max: "+strconv.Itoa(max(s.Max, s.Min)))
	}
	if len(more) > 0 {
		b.value = "{name: " + b.value + ", " + strings.Join(more, ", ") + "}"
	}
	p.add(b)
	p.taken(s.Pos, "vrrp_track_process %s: probe %s", shown(s.Name), b.name)
}

func escaped(words []string) []string {
	var list []string
	for _, w := range words {
		list = append(list, regexp.QuoteMeta(strings.ToValidUTF8(w, "")))
	}
	return list
}

func (p *plan) trackFile(u *use) {
	s := find(p.configs[u.at].Files, u.Name, func(s *TrackFile) string { return s.Name })
	if s == nil || !path.IsAbs(s.Path) || strings.ContainsRune(s.Path, 0) {
		p.wrong(u.Pos, "no-file", "there is no vrrp_track_file %s with a file", shown(u.Name))
		return
	}
	if !u.HasWeight {
		u.Weight, u.Reverse = s.Weight, s.Reverse
	}
	if u.grouped && u.Weight != 0 {
		p.left(u.Pos, "%s weight %d: keepalived ignores weights in a vrrp_sync_group without sync_group_tracking_weight", shown(u.Name), u.Weight)
		return
	}
	b := probe{Pos: s.Pos, name: tidy(s.Name, "file"), key: "file", interval: time.Second, timeout: time.Second, rise: 1, fall: 1, weight: clampWeight(u.Weight), reverse: u.Reverse}
	p.reach(u)
	if b.weight == 0 {
		b.value = "{path: " + quoted(s.Path) + `, content: {regexp: "^\\s*[-+]?0*\\s*$"}}`
		p.changed(s.Pos, "vrrp_track_file %s: probe %s: good as long as the file holds 0; a file that is missing is a failure, keepalived takes it for 0", shown(s.Name), b.name)
	} else {
		b.value, b.valued = "{path: "+quoted(s.Path)+", value: true}", true
		p.changed(s.Pos, "vrrp_track_file %s: probe %s: a file that is missing or holds no number is told of as a failure, and adds nothing", shown(s.Name), b.name)
	}
	p.add(b)
}

// clampWeight is a weight as ours go; keepalived allows one more for processes and files.
func clampWeight(n int) int { return max(-253, min(n, 253)) }

func within(d, least, most time.Duration) time.Duration {
	return max(least, min(d, most)).Round(time.Millisecond)
}

// user is whom a program runs as; empty: root, which is the daemon's.
func (p *plan) user(user string, at int) string {
	if user == "" {
		user = p.configs[at].Global.ScriptUser
	}
	if user == "root" || user != "" && strings.ContainsFunc(user, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return user
}

// idea adds lines that stand in the file as a comment.
func (p *plan) idea(under string, lines ...string) {
	p.ideas = append(p.ideas, idea{under, lines})
}
