package keepalived

import (
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// sight is what can be seen of a script: what it looks at, and what it does by itself.
type sight struct {
	proxy    string   // a program that is a proxy, such as nginx
	programs []string // others that have to run
	units    []string // of systemd that have to be active
	url      string   // of this host
	remote   string   // a URL of another host
	tcp      string   // a port of this host, or of another one
	pings    []string
	socket   string // of HAProxy
	restarts bool   // it starts the proxy
	stops    bool   // it stops keepalived
	asksVIP  bool   // it looks whether the virtual address is here
	arps     bool   // it asks by ARP
}

// nothing tells whether the script is not understood.
func (s *sight) nothing() bool {
	return s.proxy == "" && len(s.programs)+len(s.units)+len(s.pings) == 0 && s.url+s.remote == "" && s.tcp == "" && s.socket == "" && !s.guards()
}

// guards tells whether a script is one that ends keepalived where both hold the address.
func (s *sight) guards() bool { return s.asksVIP && (s.stops || s.remote != "") || s.arps && s.stops }

// proxies are programs that pairkeeper guards, and how each tests its configuration.
var proxies = map[string][]string{
	"nginx":      {"nginx", "-t", "-q"},
	"openresty":  {"openresty", "-t", "-q"},
	"haproxy":    {"haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"},
	"apache2":    {"apache2ctl", "-t"},
	"httpd":      {"httpd", "-t"},
	"caddy":      nil,
	"traefik":    nil,
	"envoy":      nil,
	"squid":      nil,
	"varnish":    nil,
	"lighttpd":   nil,
	"tengine":    nil,
	"keepalived": nil, // never: see add
}

var (
	runs     = regexp.MustCompile(`(?:\bkillall\s+-(?:0|s\s*0)|\bpkill\s+-0|\bpidof(?:\s+-[a-z]+)*|\bpgrep(?:\s+-[a-z]+)*|\bps\s+-(?:C|fC))\s+["']?([\w.@+-]+)`)
	greps    = regexp.MustCompile(`\b(?:ps|netstat|ss|lsof)\b[^|\n]*\|\s*(?:grep|egrep|fgrep)\s+(?:-\w+\s+)*["']?(?:\[(\w)\])?([\w.@-]+)`)
	active   = regexp.MustCompile(`\bsystemctl\s+(?:-\S+\s+)*(?:is-active|status)\s+(?:-\S+\s+)*["']?([\w.@-]+)`)
	service  = regexp.MustCompile(`(?:\bservice|\brc-service|/etc/init\.d/)\s*([\w.@-]+)\s+status`)
	starts   = regexp.MustCompile(`\b(?:systemctl|service)\s+(?:-\S+\s+)*(?:(?:re)?start\s+([\w.@-]+)|([\w.@-]+)\s+(?:re)?start)\b`)
	bins     = regexp.MustCompile(`/s?bin/(nginx|haproxy|openresty)\b`)
	stopping = regexp.MustCompile(`\b(?:systemctl\s+(?:-\S+\s+)*(?:stop|kill)\s+keepalived|service\s+keepalived\s+stop|/etc/init\.d/keepalived\s+stop|p?killall?\s+(?:-\S+\s+)*keepalived|pkill\s+(?:-\S+\s+)*keepalived|kill\s+[^\n]*keepalived)`)
	links    = regexp.MustCompile(`https?://[^\s"'` + "`" + `;|)<>\\]+`)
	bare     = regexp.MustCompile(`\bcurl\s+(?:-\S+\s+)*((?:localhost|127\.0\.0\.1)(?::\d+)?(?:/[^\s"';|)<>]*)?)`)
	dials    = regexp.MustCompile(`(?:\bnc\s+(?:-\w+\s+(?:\d+\s+)?)*|\btelnet\s+)([\w.:-]+)\s+(\d{1,5})\b|/dev/tcp/([\w.:-]+)/(\d{1,5})`)
	pings    = regexp.MustCompile(`\bping6?\s+(?:-[A-Za-z]\s*[\d.]*\s+)*([\w.:-]+)`)
	sockets  = regexp.MustCompile(`(/[\w./-]*haproxy[\w./-]*\.sock\w*|/[\w./-]+\.sock)`)
	here     = regexp.MustCompile(`\bip\s+(?:-\S+\s+)*a(?:ddr(?:ess)?)?\b[^\n]*grep|\bifconfig\b[^\n]*grep`)
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
	assign   = regexp.MustCompile(`(?m)^\s*([A-Za-z_]\w*)=["']?([^\s"'$` + "`" + `;]+)["']?\s*$`)
)

// look sees what a command or the text of a script does.
func look(text string) sight {
	text = substitute(comment.ReplaceAllString(text, ""))
	var s sight
	for _, m := range runs.FindAllStringSubmatch(text, -1) {
		s.add(m[1])
	}
	for _, m := range greps.FindAllStringSubmatch(text, -1) {
		if name := m[1] + m[2]; proxies[name] != nil {
			s.add(name)
		}
	}
	for _, list := range [][][]string{active.FindAllStringSubmatch(text, -1), service.FindAllStringSubmatch(text, -1)} {
		for _, m := range list {
			s.addUnit(m[1])
		}
	}
	for _, m := range starts.FindAllStringSubmatch(text, -1) {
		name := strings.TrimSuffix(m[1]+m[2], ".service")
		if _, ok := proxies[name]; ok && name != "keepalived" {
			s.restarts = true
			s.add(name)
		}
	}
	if m := bins.FindStringSubmatch(text); m != nil {
		s.add(m[1])
	}
	s.stops = stopping.MatchString(text)
	s.lookAtNetwork(text)
	s.arps = strings.Contains(text, "arping")
	s.asksVIP = here.MatchString(text)
	return s
}

// substitute puts the plain variables of a script in.
func substitute(text string) string {
	for _, m := range assign.FindAllStringSubmatch(text, 20) {
		text = strings.ReplaceAll(text, "${"+m[1]+"}", m[2])
		text = regexp.MustCompile(`\$`+m[1]+`\b`).ReplaceAllLiteralString(text, m[2])
	}
	return text
}

func (s *sight) lookAtNetwork(text string) {
	for _, link := range links.FindAllString(text, -1) {
		s.addURL(link)
	}
	for _, m := range bare.FindAllStringSubmatch(text, -1) {
		s.addURL("http://" + m[1])
	}
	if m := dials.FindStringSubmatch(text); m != nil && s.url == "" {
		host, port := m[1]+m[3], m[2]+m[4]
		if host == "localhost" {
			host = "127.0.0.1"
		}
		if a, err := netip.ParseAddr(host); err == nil {
			if at, err := netip.ParseAddrPort(joined(a, port)); err == nil && at.Port() > 0 {
				s.tcp = at.String()
			}
		}
	}
	for _, m := range pings.FindAllStringSubmatch(text, -1) {
		if a, err := netip.ParseAddr(m[1]); err == nil && hostCanHave(a) && !slices.Contains(s.pings, m[1]) {
			s.pings = append(s.pings, m[1])
		}
	}
	if strings.Contains(text, "socat") || strings.Contains(text, "show info") || strings.Contains(text, "show stat") {
		if m := sockets.FindString(text); m != "" {
			s.socket = m
		}
	}
}

func joined(a netip.Addr, port string) string {
	if a.Is6() {
		return "[" + a.String() + "]:" + port
	}
	return a.String() + ":" + port
}

func (s *sight) add(name string) {
	name = strings.TrimSuffix(name, ".service")
	if _, ok := proxies[name]; ok && name != "keepalived" {
		if s.proxy == "" || s.proxy == name {
			s.proxy = name
			return
		}
	}
	if name != "keepalived" && name != "grep" && !strings.HasPrefix(name, "-") && !slices.Contains(s.programs, name) && len(name) < 64 {
		s.programs = append(s.programs, name)
	}
}

func (s *sight) addUnit(name string) {
	name = strings.TrimSuffix(name, ".service")
	if _, ok := proxies[name]; ok {
		s.add(name)
		return
	}
	if !slices.Contains(s.units, name) && name != "keepalived" && !strings.HasSuffix(name, "@") && strings.Count(name, "@") < 2 {
		s.units = append(s.units, name)
	}
}

// addURL keeps the first URL of this host, and of another one.
func (s *sight) addURL(link string) {
	u, err := url.Parse(link)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(link, "$#{") || u.Port() != "" && len(u.Port()) > 5 {
		return
	}
	a, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && a.IsLoopback()
	switch {
	case local && s.url == "":
		s.url = link
	case !local && s.remote == "":
		s.remote = link
	}
}

// see looks at a command, and at the script that it names where that can be read; else
// its name may tell something.
func (p *plan) see(c Command, name string) (s sight, guessed bool) {
	s = look(strings.Join(c.Words, " "))
	read := false
	for _, w := range c.Words[:min(2, len(c.Words))] { // sh check.sh
		text, ok := p.scriptText(w)
		if !ok {
			continue
		}
		read = true
		if inner := look(text); !inner.nothing() || s.nothing() {
			s = inner
		}
	}
	if s.nothing() && !read && len(c.Words) > 0 {
		s.guess(path.Base(c.Words[0]) + " " + name)
		guessed = !s.nothing()
	}
	return s, guessed
}

// guess reads the name of a script that is not there.
func (s *sight) guess(name string) {
	name = strings.ToLower(name)
	for _, proxy := range []string{"nginx", "haproxy"} {
		if strings.Contains(name, proxy) || proxy == "nginx" && strings.Contains(name, "ngx") {
			s.proxy = proxy
			return
		}
	}
	if strings.Contains(name, "check_vip") || strings.Contains(name, "chk_vip") {
		s.asksVIP, s.stops = true, true
	}
}

// scriptText is the text of a script, if it can be read and is one.
func (p *plan) scriptText(name string) (string, bool) {
	if !path.IsAbs(name) {
		return "", false
	}
	data, err := fs.ReadFile(p.options.Programs, inside(name))
	if err != nil || len(data) > 1<<20 || !strings.HasPrefix(string(data), "#!") && !strings.HasSuffix(name, ".sh") || strings.ContainsRune(string(data), 0) {
		return "", false
	}
	return string(data), true
}

// absolute is a command with the path of its program, which keepalived looks for itself.
func (p *plan) absolute(words []string) []string {
	if len(words) == 0 || strings.Contains(words[0], "/") {
		return words
	}
	for _, dir := range []string{"usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin", "usr/local/sbin"} {
		if info, err := fs.Stat(p.options.Programs, dir+"/"+inside(words[0])); err == nil && !info.IsDir() {
			return append([]string{"/" + dir + "/" + words[0]}, words[1:]...)
		}
	}
	return words
}
