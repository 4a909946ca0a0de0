package keepalived

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// check is a check of a server in YAML; HTTP_GET with several URLs is several.
func (p *plan) check(s *server, r *Real, c *Check, at int) []string {
	port := c.Port
	if port == 0 && s.service.Mark != 0 && r.Port == 0 && c.Kind != "PING_CHECK" && c.Kind != "MISC_CHECK" {
		p.left(c.Pos, "%s: a firewall mark has no port to check: write port: into the check", c.Kind)
		return nil
	}
	if c.IP.IsValid() && c.IP != r.Address {
		p.left(c.Pos, "%s: connect_ip %s: a check asks the server's own address", c.Kind, c.IP)
		return nil
	}
	if c.interval() < c.Interval {
		p.changed(s.Pos, "%s: a look every %s, failed after %s; keepalived looks every %s, and repeats a bad look after %s", c.Kind, duration(c.interval()), count(min(c.Retry+1, 1000), "bad one"), duration(c.Interval.Round(time.Millisecond)), duration(c.RetryDelay.Round(time.Millisecond)))
	}
	if len(c.Unread) > 0 {
		p.left(c.Pos, "of %s: %s", c.Kind, words(c.Unread))
	}
	switch c.Kind {
	case "TCP_CHECK":
		return []string{c.yaml("tcp: " + c.with(r, nil))}
	case "PING_CHECK":
		return []string{c.yaml("icmp: {}")}
	case "MISC_CHECK":
		return p.miscCheck(c, at)
	case "SMTP_CHECK":
		var parts []string
		if serverName.MatchString(c.Name) {
			parts = append(parts, "helo: "+quoted(c.Name))
		}
		return []string{c.yaml("smtp: " + c.with(r, parts))}
	case "DNS_CHECK":
		return p.dnsCheck(r, c)
	case "UDP_CHECK":
		return []string{c.yaml("udp: " + c.with(r, p.datagram(c)))}
	case "HTTP_GET", "SSL_GET":
		var list []string
		for _, u := range c.URLs {
			if text := p.webCheck(r, c, u); text != "" {
				list = append(list, text)
			}
		}
		return list
	}
	p.left(c.Pos, "%s: in its place: %s", c.Kind, instead[c.Kind])
	return nil
}

// yaml is a check with its times. keepalived repeats a failed look every delay_before_retry;
// here all looks have one interval, the shorter of the two.
func (c *Check) yaml(what string) string {
	text := fmt.Sprintf("{%s, interval: %s, timeout: %s, rise: 1, fall: %d", what, duration(c.interval()), duration(within(c.Timeout, time.Millisecond, time.Hour)), min(c.Retry+1, 1000))
	if c.WarmUp > 0 {
		text += ", warm_up: " + duration(within(c.WarmUp, 0, time.Hour))
	}
	return text + "}"
}

// interval is the time between two looks.
func (c *Check) interval() time.Duration {
	d := c.Interval
	if c.Retry > 0 {
		d = min(d, c.RetryDelay)
	}
	return within(d, 10*time.Millisecond, time.Hour)
}

// with is a mapping with the port, where the check has one of its own, and more.
func (c *Check) with(r *Real, parts []string) string {
	if c.Port != 0 && c.Port != r.Port {
		parts = append([]string{fmt.Sprintf("port: %d", c.Port)}, parts...)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// dnsCheck asks for what keepalived asks for: the SOA of the root, if nothing else is said.
func (p *plan) dnsCheck(r *Real, c *Check) []string {
	name, query := c.Name, strings.ToUpper(c.Query)
	if name == "" {
		name = "."
	}
	if query == "" {
		query = "SOA"
	}
	if !slices.Contains(recordTypes, query) || !domainName.MatchString(name) || len(name) > 253 {
		p.left(c.Pos, "DNS_CHECK for %s %s: dns: knows the types %s", shown(c.Query), shown(name), strings.Join(recordTypes, ", "))
		return nil
	}
	return []string{c.yaml("dns: " + c.with(r, []string{"name: " + quoted(name), "type: " + query}))}
}

// datagram is what UDP_CHECK sends and wants to get back.
func (p *plan) datagram(c *Check) (parts []string) {
	if c.Payload != "" && (!hexDigits.MatchString(c.Payload) || len(c.Payload) > 2000) {
		p.left(c.Pos, "the payload %s of UDP_CHECK: it is no list of bytes in hexadecimal digits", shown(c.Payload))
	} else if c.Payload != "" {
		parts = append(parts, "send: {hex: "+always(c.Payload)+"}")
	}
	switch {
	case hexPattern.MatchString(c.Answer) && len(c.Answer) <= 2000:
		parts = append(parts, "expect: {hex: "+always(c.Answer)+"}")
	case c.Reply || c.Payload != "":
		parts = append(parts, fmt.Sprintf("answer: %t", c.Reply))
	}
	return parts
}

func (p *plan) miscCheck(c *Check, at int) []string {
	command, user := p.absolute(c.Command.Words), p.user(c.Command.User, at)
	err := p.usable(command, user)
	switch {
	case err != nil:
		p.wrong(c.Pos, "script-dropped", "MISC_CHECK: %s: on a host where that is so keepalived drops the check silently, and the server counts as good", err)
		return nil
	case c.Dynamic:
		p.left(c.Pos, "misc_dynamic: the exit status is not a weight here: 0 is good, everything else failed")
	}
	return []string{c.yaml("exec: " + execYAML(command, user))}
}

func (p *plan) webCheck(r *Real, c *Check, u URL) string {
	key := map[string]string{"HTTP_GET": "http", "SSL_GET": "https"}[c.Kind]
	if parsed, err := url.Parse(u.Path); err != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || parsed.Host != "" || len(u.Path) > 200 || strings.ContainsFunc(u.Path, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		p.left(u.Pos, "the path %s of %s", shown(u.Path), c.Kind)
		return ""
	}
	parts := []string{"path: " + quoted(u.Path)}
	if c.Port != 0 && c.Port != r.Port {
		parts = append(parts, fmt.Sprintf("port: %d", c.Port))
	}
	host := u.Host
	if host == "" {
		host = c.Host
	}
	switch {
	case host == "":
	case hostHeader.MatchString(host):
		parts = append(parts, "host: "+quoted(host))
		if name, _, _ := strings.Cut(host, ":"); c.SNI && key == "https" && serverName.MatchString(name) {
			parts = append(parts, "sni: "+quoted(name))
		}
	default:
		p.left(u.Pos, "virtualhost %s is not a host name", shown(host))
	}
	if len(u.Status) == 0 {
		u.Status = []string{"200-299"}
	}
	parts = append(parts, "status: ["+strings.Join(u.Status, ", ")+"]")
	if body := p.body(c, u); body != "" {
		parts = append(parts, body)
	}
	if key == "https" {
		parts = append(parts, "insecure: true")
		p.changed(u.Pos, "SSL_GET: insecure: true, as keepalived looks at no certificate; ca_file and min_days do")
	}
	return c.yaml(key + ": {" + strings.Join(parts, ", ") + "}")
}

var digest = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// body is what an answer must have: a digest, or a text.
func (p *plan) body(c *Check, u URL) string {
	switch {
	case u.Digest != "" && !digest.MatchString(u.Digest):
		p.left(u.Pos, "digest %s of %s is no MD5 as genhash prints it", shown(u.Digest), c.Kind)
	case u.Digest != "":
		return "digest: " + always(u.Digest)
	}
	if u.Regex == "" {
		return ""
	}
	re := strings.ToValidUTF8(u.Regex, "")
	if _, err := regexp.Compile(re); err != nil || u.Not || len(re) > 500 || strings.ContainsRune(re, 0) {
		p.left(u.Pos, "regex %s: body: {regexp: …} takes Go's regular expressions (RE2); for regex_no_match write a check of its own with reverse: true", shown(u.Regex))
		return ""
	}
	return "body: {regexp: " + quoted(re) + "}"
}
