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

// yaml is a hook with its key.
func (h hook) yaml() string { return h.key + ": " + execYAML(h.words, h.user) }

func (m *mail) lines() []string {
	lines := []string{"notify:", "  - mail:", "      server: " + always(m.server), "      tls: none", "      from: " + quoted(m.from), "      to: " + wordsYAML(m.to)}
	if m.timeout > 0 {
		lines = append(lines, "    timeout: "+duration(m.timeout))
	}
	return lines
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
	w.comment("Before the second node gets pairkeeper: how they know a silent node from a dead one. Make the key with",
		"pairkeeper keygen /etc/pairkeeper/pair.key, and copy it to the other node.",
		"heartbeat:",
		"  key_file: /etc/pairkeeper/pair.key",
		"  links:",
		fmt.Sprintf("    - {%s: %s, %s: %s}   # better, or besides: a cable of its own", quoted(a.name), quoted(a.address.String()), quoted(b.name), quoted(b.address.String())),
		"arbitration:",
		"  gateway: "+gateway)
}
