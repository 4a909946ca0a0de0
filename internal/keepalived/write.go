package keepalived

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writer writes YAML line by line.
type writer struct {
	strings.Builder
	open int // lines marked TODO
}

// line writes a line that is made of YAML.
func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}

// todo writes a line with what is to be looked after.
func (w *writer) todo(todo, format string, args ...any) {
	if todo != "" {
		w.open++
		format += "   # TODO: " + strings.ReplaceAll(todo, "%", "%%")
	}
	w.line(format, args...)
}

// comment writes lines that mean nothing.
func (w *writer) comment(lines ...string) {
	for _, l := range lines {
		l = oneLine(l)
		fmt.Fprintln(w, strings.TrimRight("# "+l, " "))
	}
}

var plainText = regexp.MustCompile(`^(?:-{0,2}[A-Za-z_/][A-Za-z0-9_./@-]*|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|https?://[A-Za-z0-9./_-]+(?::[0-9]+)?(?:/[A-Za-z0-9./_-]*)?)$`)

// quoted is a text in YAML, in quotes where it could mean something else.
func quoted(s string) string {
	reserved := []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
	if plainText.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	b, _ := json.Marshal(strings.ToValidUTF8(s, "?")) // of a string, it never fails
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", "\x7f", `\x7f`, "\u0085", `\N`, "\ufeff", `\ufeff`, "\ufffe", `?`, "\uffff", `?`).Replace(string(b))
}

// wordsYAML is a list of words.
func wordsYAML(words []string) string {
	var list []string
	for _, w := range words {
		list = append(list, quoted(w))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// execYAML is a program, with its user.
func execYAML(words []string, user string) string {
	if user == "" {
		return wordsYAML(words)
	}
	return "{command: " + wordsYAML(words) + ", user: " + quoted(user) + "}"
}

// duration is a time as the configuration has it.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d%time.Second == 0:
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return strconv.Itoa(int(d/time.Millisecond)) + "ms"
}

// write writes the whole file.
func (p *plan) write() (text []byte, open int) {
	w := &writer{}
	p.writeHead(w)
	p.writeNodes(w)
	p.writeProxy(w)
	p.writeProbes(w)
	p.writeRouters(w)
	p.writeServers(w)
	if p.mail != nil {
		w.line("\nnotify:")
		for _, l := range p.mail.lines()[1:] {
			w.line("%s", l)
		}
	}
	p.writeIdeas(w, "")
	p.writeHeartbeat(w)
	return []byte(w.String()), w.open
}

func (p *plan) writeHead(w *writer) {
	var files []string
	for _, c := range p.configs {
		if name := path.Base(c.Source.Path); c.Source.Path != "" && !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	if p.options.TableName != "" {
		files = append(files, path.Base(p.options.TableName))
	}
	w.comment("Made by pairkeeper import from "+strings.Join(files, " and ")+". The same file on both nodes; each finds itself by",
		"its host name, or by its address. TODO marks what was not in the original.")
}

func (p *plan) writeNodes(w *writer) {
	w.line("nodes:")
	for k, n := range p.nodes {
		todo := ""
		if n.open {
			todo = "the address of " + n.name + " itself"
		}
		priority := []int{150, 100}[k]
		if len(p.routers) > 0 {
			priority = p.routers[0].priority[k]
		}
		if k >= len(p.configs) && len(p.routers) > 0 && p.routers[0].derived {
			if todo != "" {
				todo += ", and "
			}
			todo += "its priority"
		}
		w.todo(todo, "  %s: {address: %s, priority: %d}", quoted(n.name), quoted(n.address.String()), priority)
	}
}

func (p *plan) writeProxy(w *writer) {
	switch {
	case p.proxy != nil:
		w.line("\nproxy:")
		w.line("  unit: %s", quoted(p.proxy.unit))
		if p.proxy.test != nil {
			w.line("  test: %s", wordsYAML(p.proxy.test))
		}
	case len(p.servers) == 0 && len(p.probes) == 0:
		w.line("")
		w.comment("proxy:                                   # the original looks at no proxy", "  unit: nginx.service", "  test: [nginx, -t, -q]")
	}
}

func (p *plan) writeProbes(w *writer) {
	ideas := p.hasIdeas("probes")
	asked := slices.ContainsFunc(p.probes, func(b probe) bool { return b.local })
	suggest := p.proxy != nil && !asked
	if len(p.probes) == 0 {
		if ideas || suggest {
			w.line("")
			w.comment("probes:")
		}
	} else {
		w.line("\nprobes:")
	}
	for _, b := range p.probes {
		for _, l := range b.lines() {
			w.line("%s", l)
		}
	}
	if suggest {
		w.comment("  - http: http://127.0.0.1/healthz       # finds a proxy that runs and answers nobody: choose a path that it answers")
	}
	p.writeIdeas(w, "probes")
}

func (p *plan) hasIdeas(under string) bool {
	return slices.ContainsFunc(p.ideas, func(i idea) bool { return i.under == under })
}

func (p *plan) writeIdeas(w *writer, under string) {
	for _, i := range p.ideas {
		if i.under == under {
			if under == "" {
				w.line("")
			}
			w.comment(i.lines...)
		}
	}
}

// lines is a probe as an entry of the list.
func (b *probe) lines() []string {
	lines := []string{"  - " + b.key + ": " + b.value, "    name: " + quoted(b.name)}
	lines = append(lines, fmt.Sprintf("    interval: %s\n    timeout: %s", duration(b.interval), duration(b.timeout)))
	lines = append(lines, fmt.Sprintf("    rise: %d\n    fall: %d", b.rise, b.fall))
	switch {
	case b.weight != 0:
		lines = append(lines, fmt.Sprintf("    weight: %d", b.weight))
	case !b.local:
		lines = append(lines, "    on_fail: leave")
	}
	if b.reverse && (b.weight != 0 || !b.local) {
		lines = append(lines, "    reverse: true")
	}
	return strings.Split(strings.Join(lines, "\n"), "\n")
}

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

// yaml is a hook with its key.
func (h hook) yaml() string { return h.key + ": " + execYAML(h.words, h.user) }

func (m *mail) lines() []string {
	lines := []string{"notify:", "  - mail:", "      server: " + always(m.server), "      tls: none", "      from: " + quoted(m.from), "      to: " + wordsYAML(m.to)}
	if m.timeout > 0 {
		lines = append(lines, "    timeout: "+duration(m.timeout))
	}
	return lines
}

func (p *plan) writeServers(w *writer) {
	if len(p.servers) > 0 {
		w.line("\nvirtual_servers:")
	}
	for _, s := range p.servers {
		writeServer(w, s)
	}
	if p.sync == nil && p.tcp+p.fin+p.udp == "" || len(p.servers) == 0 {
		return
	}
	w.line("\nipvs:")
	if d := p.sync; d != nil {
		text := "interface: " + quoted(d.Interface)
		if d.ID >= 1 && d.ID <= 255 {
			text += ", id: " + strconv.Itoa(d.ID)
		}
		for _, r := range p.routers {
			if r.isOf(d.Instance) {
				if d.ID == 0 {
					text += ", id: " + strconv.Itoa(r.vrid)
				}
				text += ", router: " + quoted(r.name)
				break
			}
		}
		w.line("  sync: {%s}", text)
	}
	var list []string
	for _, one := range [][2]string{{"tcp", p.tcp}, {"tcp_fin", p.fin}, {"udp", p.udp}} {
		if one[1] != "" {
			list = append(list, one[0]+": "+one[1])
		}
	}
	if len(list) > 0 {
		w.line("  timeouts: {%s}", strings.Join(list, ", "))
	}
}

func writeServer(w *writer, s *server) {
	w.line("  - name: %s", quoted(s.name))
	if s.service.Mark != 0 {
		w.line("    fwmark: %d", s.service.Mark)
		if s.service.IPv6 {
			w.line("    family: ipv6")
		}
	} else {
		w.line("    address: %s", quoted(s.service.Address.String()))
		w.line("    ports: [%d]", s.service.Port)
		if s.protocol != "tcp" {
			w.line("    protocol: %s", s.protocol)
		}
	}
	w.line("    scheduler: %s", s.scheduler)
	if len(s.flags) > 0 {
		w.line("    flags: %s", wordsYAML(s.flags))
	}
	if s.onePacket {
		w.line("    one_packet: true")
	}
	writePersistence(w, s)
	w.line("    forward: %s", s.forward)
	if s.tunnel != "" {
		w.line("    tunnel: %s", s.tunnel)
	}
	switch {
	case s.always:
		w.line("    when: always")
	case s.router != "":
		w.line("    router: %s", quoted(s.router))
	}
	if s.quorum != 1 {
		w.line("    quorum: %d", s.quorum)
	}
	if s.hysteresis > 0 {
		w.line("    hysteresis: %d", s.hysteresis)
	}
	if s.alpha {
		w.line("    alpha: true")
	}
	if s.omega {
		w.line("    omega: true")
	}
	if s.sorry != "" {
		w.line("    sorry_server: %s", s.sorry)
	}
	if len(s.hooks) > 0 {
		w.line("    hooks:")
		for _, h := range s.hooks {
			w.line("      %s", h.yaml())
		}
	}
	writeReals(w, s)
}

func writePersistence(w *writer, s *server) {
	switch {
	case s.persistence == 0:
	case s.prefix == 0 && s.engine == "":
		w.line("    persistence: %s", duration(s.persistence))
	default:
		text := "timeout: " + duration(s.persistence)
		if s.prefix > 0 {
			text += ", prefix: " + strconv.Itoa(s.prefix)
		}
		if s.engine != "" {
			text += ", engine: " + s.engine
		}
		w.line("    persistence: {%s}", text)
	}
}

// writeReals writes the servers; a check that all have stands above them.
func writeReals(w *writer, s *server) {
	common := s.reals[0].checks
	for _, r := range s.reals {
		if !slices.Equal(r.checks, common) {
			common = nil
		}
	}
	writeChecks(w, "    ", common)
	w.line("    servers:")
	for _, r := range s.reals {
		text := "address: " + quoted(r.address.String())
		if r.port != 0 {
			text += fmt.Sprintf(", port: %d", r.port)
		}
		text += fmt.Sprintf(", weight: %d", r.weight)
		if r.forward != "" {
			text += ", forward: " + r.forward
		}
		if r.tunnel != "" {
			text += ", tunnel: " + r.tunnel
		}
		if r.upper > 0 {
			text += fmt.Sprintf(", upper: %d, lower: %d", r.upper, r.lower)
		}
		if r.inhibit {
			text += ", inhibit_on_failure: true"
		}
		if common == nil && len(r.checks) > 0 {
			text += ", check: " + checkYAML(r.checks)
		}
		w.line("      - {%s}", text)
	}
}

func writeChecks(w *writer, indent string, checks []string) {
	switch len(checks) {
	case 0:
	case 1:
		w.line("%scheck: %s", indent, checks[0])
	default:
		w.line("%scheck:", indent)
		for _, c := range checks {
			w.line("%s  - %s", indent, c)
		}
	}
}

func checkYAML(checks []string) string {
	if len(checks) == 1 {
		return checks[0]
	}
	return "[" + strings.Join(checks, ", ") + "]"
}

// writeHeartbeat is what keepalived has not, and what answers for check_vip.sh.
func (p *plan) writeHeartbeat(w *writer) {
	if len(p.routers) == 0 {
		return
	}
	gateway := "auto"
	if len(p.gateways) > 0 {
		var list []string
		for _, a := range p.gateways {
			list = append(list, quoted(a.String()))
		}
		gateway = "[" + strings.Join(list, ", ") + "]"
	}
	a, b := p.nodes[0], p.nodes[1]
	w.line("")
	w.comment("When both nodes have pairkeeper: how they know a silent node from a dead one. Make the key with",
		"pairkeeper keygen /etc/pairkeeper/pair.key, and copy it to the other node.",
		"heartbeat:",
		"  key_file: /etc/pairkeeper/pair.key",
		"  links:",
		fmt.Sprintf("    - {%s: %s, %s: %s}   # better, or besides: a cable of its own", quoted(a.name), quoted(a.address.String()), quoted(b.name), quoted(b.address.String())),
		"arbitration:",
		"  gateway: "+gateway)
}
