package keepalived

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// serverGroup is virtual_server_group.
type serverGroup struct {
	name     string
	services []Service
}

const mostServices = 1000 // of a range, and of a group

func (r *reader) serverGroup(s *Statement) {
	g := serverGroup{name: s.arg(1)}
	for _, k := range s.Body {
		if k.Word() == "fwmark" {
			if one, ok := r.mark(k, k.arg(1)); ok {
				one.IPv6 = k.arg(2) == "inet6"
				g.services = append(g.services, one)
			}
			continue
		}
		port, ok := r.port(k, k.arg(1))
		if !ok {
			continue
		}
		for _, a := range r.span(k) {
			if len(g.services) < mostServices {
				g.services = append(g.services, Service{Pos: k.Pos, Address: a, Port: port, Text: a.String()})
			}
		}
	}
	for i := range r.groups {
		if r.groups[i].name == g.name {
			r.wrong(s.Pos, "twice", "virtual_server_group %s is there already", shown(g.name))
			return
		}
	}
	r.groups = append(r.groups, g)
}

// span reads an address, 10.0.0.1-10, 10.0.0.1-10.0.0.9 or 10.0.0.8/29.
func (r *reader) span(k *Statement) []netip.Addr {
	s := k.Word()
	if p, err := netip.ParsePrefix(s); err == nil {
		var list []netip.Addr
		for a := p.Masked().Addr(); p.Contains(a) && len(list) < mostServices; a = a.Next() {
			list = append(list, a)
		}
		return list
	}
	from, to, isSpan := strings.Cut(s, "-")
	a := r.host(k.Pos, "the address", from)
	if !a.IsValid() || !isSpan {
		if !a.IsValid() {
			return nil
		}
		return []netip.Addr{a}
	}
	last, err := netip.ParseAddr(to)
	if err != nil {
		base := from[:strings.LastIndexAny(from, ".:")+1]
		last, err = netip.ParseAddr(base + to)
	}
	if err != nil || last.Less(a) {
		r.wrong(k.Pos, "bad-address", "%s is not a range of addresses", shown(s))
		return nil
	}
	var list []netip.Addr
	for ; a.IsValid() && !last.Less(a) && len(list) < mostServices; a = a.Next() {
		list = append(list, a)
	}
	return list
}

func (r *reader) mark(k *Statement, s string) (Service, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		r.wrong(k.Pos, "bad-number", "fwmark %s is not a number in 1..4294967295", shown(s))
		return Service{}, false
	}
	return Service{Pos: k.Pos, Mark: uint32(n), Text: "fwmark " + s}, true
}

// port reads a port; none is 0.
func (r *reader) port(k *Statement, s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		r.wrong(k.Pos, "bad-number", "the port %s is not a number in 1..65535", shown(s))
	}
	return int(n), err == nil
}

func (r *reader) virtualServer(s *Statement) {
	v := &VirtualServer{Pos: s.Pos, Title: strings.Join(s.Words[1:], " "), Scheduler: "", Protocol: "", Quorum: 1,
		Delay: time.Minute, Method: Method{Word: "NAT"}, defaults: times{retry: -1}}
	switch first := s.arg(1); first {
	case "group":
		g := find(r.groups, s.arg(2), func(g *serverGroup) string { return g.name })
		if g == nil {
			r.wrong(s.Pos, "no-group", "there is no virtual_server_group %s", shown(s.arg(2)))
			return
		}
		v.Services = g.services
	case "fwmark":
		one, ok := r.mark(s, s.arg(2))
		if !ok {
			return
		}
		v.Services = []Service{one}
	default:
		a := r.host(s.Pos, "virtual_server", first)
		port, ok := r.port(s, s.arg(2))
		if !a.IsValid() || !ok {
			return
		}
		v.Services = []Service{{Pos: s.Pos, Address: a, Port: port, Text: a.String()}}
	}
	var reals []*Statement
	for _, k := range s.Body {
		if k.Word() == "real_server" {
			reals = append(reals, k)
		} else {
			r.serverKey(v, k)
		}
	}
	for _, k := range reals {
		r.real(v, k)
	}
	r.config.Servers = append(r.config.Servers, v)
}

func (r *reader) serverKey(v *VirtualServer, k *Statement) {
	if v.defaults.read(r, k) {
		v.Host, v.Alpha = v.defaults.host, v.defaults.alpha
		if v.defaults.delay > 0 {
			v.Delay = v.defaults.delay
		}
		return
	}
	switch k.Word() {
	case "lvs_sched", "lb_algo":
		v.Scheduler = k.arg(1)
	case "lvs_method", "lb_kind":
		v.Method = r.method(k)
	case "protocol":
		v.Protocol = strings.ToUpper(k.arg(1))
	case "persistence_timeout":
		v.Persistence = 6 * time.Minute
		if k.arg(1) != "" {
			v.Persistence = time.Duration(r.integer(k, 0, int(longest/time.Second), 360)) * time.Second
		}
	case "persistence_granularity":
		n, ok := maskBits(k.arg(1))
		if !ok {
			r.wrong(k.Pos, "bad-number", "persistence_granularity %s is not a netmask", shown(k.arg(1)))
		}
		v.Granularity = n
	case "persistence_engine":
		v.Engine = k.arg(1)
	case "ops":
		v.OnePacket = true
	case "flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback":
		v.Flags = append(v.Flags, k.Word())
	case "quorum":
		v.Quorum = r.integer(k, 1, math.MaxInt32, 1)
	case "hysteresis":
		v.Hysteresis = r.integer(k, 0, math.MaxInt32, 0)
	case "omega":
		v.Omega = true
	case "inhibit_on_failure":
		v.Inhibit = true
	case "quorum_up":
		c := r.command(k, true)
		v.QuorumUp = &c
	case "quorum_down":
		c := r.command(k, true)
		v.QuorumDown = &c
	case "sorry_server":
		a := r.host(k.Pos, "sorry_server", k.arg(1))
		if port, ok := r.port(k, k.arg(2)); ok && a.IsValid() {
			v.Sorry = &Sorry{Pos: k.Pos, Address: a, Port: port}
		}
	case "sorry_server_lvs_method":
		if v.Sorry != nil {
			m := r.method(k)
			v.Sorry.Method = &m
		}
	case "ip_family":
		for i := range v.Services {
			v.Services[i].IPv6 = k.arg(1) == "inet6"
		}
	case "ha_suspend", "smtp_alert", "snmp_name":
	default:
		r.unknown(k, virtualServer)
		v.Unread = append(v.Unread, k)
	}
}

// method reads NAT, DR, or TUN with its type.
func (r *reader) method(k *Statement) Method {
	m := Method{Word: strings.ToUpper(k.arg(1))}
	switch m.Word {
	case "NAT", "DR", "TUN":
	default:
		r.wrong(k.Pos, "bad-word", "%s %s is not NAT, DR or TUN: keepalived takes NAT", k.Word(), shown(k.arg(1)))
		m.Word = "NAT"
	}
	for i := 2; i < len(k.Words); i++ {
		switch w := k.Words[i]; w {
		case "type":
			m.Type = k.arg(i + 1)
			i++
		case "port":
			m.Port, _ = strconv.Atoi(k.arg(i + 1))
			i++
		case "nocsum", "csum", "remcsum":
			m.Checksum = w
		}
	}
	return m
}

// read reads what checks inherit; false: it is something else.
func (t *times) read(r *reader, k *Statement) bool {
	switch k.Word() {
	case "delay_loop":
		t.delay = r.timer(k)
	case "delay_before_retry":
		t.retryDelay = r.timer(k)
	case "connect_timeout":
		t.timeout = r.timer(k)
	case "warmup":
		t.warmUp = r.timer(k)
	case "retry", "nb_get_retry":
		t.retry = r.integer(k, 0, 1000, -1)
	case "virtualhost":
		t.host = k.arg(1)
	case "alpha":
		t.alpha = true
	case "log_all_failures":
	default:
		return false
	}
	return true
}

func (r *reader) real(v *VirtualServer, s *Statement) {
	one := &Real{Pos: s.Pos, Address: r.host(s.Pos, "real_server", s.arg(1)), Weight: 1, Inhibit: v.Inhibit, Text: strings.Join(s.Words[1:], " ")}
	port, ok := r.port(s, s.arg(2))
	if !one.Address.IsValid() || !ok {
		return
	}
	one.Port = port
	inherited := v.defaults
	var checks []*Statement
	for _, k := range s.Body {
		if inherited.read(r, k) {
			continue
		}
		switch k.Word() {
		case "weight":
			one.Weight = r.integer(k, 0, 65535, 1)
		case "lvs_method", "lb_kind":
			m := r.method(k)
			one.Method = &m
		case "inhibit_on_failure":
			one.Inhibit = true
		case "uthreshold":
			one.Upper = r.integer(k, 0, math.MaxInt32, 0)
		case "lthreshold":
			one.Lower = r.integer(k, 0, math.MaxInt32, 0)
		case "notify_up":
			c := r.command(k, true)
			one.Up = &c
		case "notify_down":
			c := r.command(k, true)
			one.Down = &c
		case "HTTP_GET", "SSL_GET", "TCP_CHECK", "SMTP_CHECK", "DNS_CHECK", "MISC_CHECK", "PING_CHECK", "UDP_CHECK", "BFD_CHECK", "FILE_CHECK":
			checks = append(checks, k)
		case "smtp_alert", "snmp_name":
		default:
			r.unknown(k, realServer)
			one.Unread = append(one.Unread, k)
		}
	}
	for _, k := range checks {
		one.Checks = append(one.Checks, r.check(k, inherited))
	}
	v.Reals = append(v.Reals, one)
}

func (r *reader) check(s *Statement, t times) *Check {
	c := &Check{Pos: s.Pos, Kind: s.Word()}
	known := check
	if c.Kind == "HTTP_GET" || c.Kind == "SSL_GET" {
		known = webCheck
	}
	var body []*Statement
	for _, k := range s.Body {
		body = append(body, k)
		if k.Word() == "host" {
			body = append(body, k.Body...)
		}
	}
	for _, k := range body {
		if t.read(r, k) {
			continue
		}
		switch k.Word() {
		case "connect_ip":
			c.IP = r.host(k.Pos, "connect_ip", k.arg(1))
		case "connect_port":
			c.Port, _ = r.port(k, k.arg(1))
		case "enable_sni":
			c.SNI = true
		case "url":
			c.URLs = append(c.URLs, r.url(k))
		case "misc_path":
			c.Command = r.command(k, false)
		case "misc_timeout":
			t.timeout = r.timer(k)
		case "misc_dynamic":
			c.Dynamic = true
		case "user":
			c.Command.User = k.arg(1)
		case "type":
			c.Query = k.arg(1)
		case "name", "helo_name":
			c.Name = k.arg(1)
		case "payload":
			c.Payload = strings.Join(k.Words[1:], "")
		case "require_reply":
			c.Reply, c.Answer = true, strings.Join(k.Words[1:], "")
		case "host":
		default:
			r.unknown(k, known)
			c.Unread = append(c.Unread, k)
		}
	}
	c.settle(t)
	return c
}

// settle fills in what keepalived takes where nothing is said.
func (c *Check) settle(t times) {
	c.Host = t.host
	c.Interval, c.Timeout, c.Retry, c.RetryDelay, c.WarmUp = t.delay, t.timeout, t.retry, t.retryDelay, t.warmUp
	if c.Interval == 0 {
		c.Interval = time.Minute
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
		if c.Kind == "MISC_CHECK" {
			c.Timeout = c.Interval
		}
	}
	web := c.Kind == "HTTP_GET" || c.Kind == "SSL_GET"
	if c.Retry < 0 {
		switch c.Retry = 1; c.Kind {
		case "DNS_CHECK":
			c.Retry = 3
		case "MISC_CHECK":
			c.Retry = 0
		}
	}
	if c.RetryDelay == 0 {
		switch c.RetryDelay = time.Second; {
		case web:
			c.RetryDelay = 3 * time.Second
		case c.Kind == "DNS_CHECK":
			c.RetryDelay = c.Interval
		}
	}
}

func (r *reader) url(s *Statement) URL {
	u := URL{Pos: s.Pos, Path: "/"}
	for _, k := range s.Body {
		switch k.Word() {
		case "path":
			u.Path = k.arg(1)
		case "virtualhost":
			u.Host = k.arg(1)
		case "digest":
			u.Digest = k.arg(1)
		case "regex":
			u.Regex = k.arg(1)
		case "regex_no_match":
			u.Not = true
		case "status_code":
			u.Status = append(u.Status, statusCodes(k.Words[1:])...)
		default:
			r.unknown(k, webCheck.words["url"])
		}
	}
	return u
}

// statusCodes are codes and ranges that an answer may have.
func statusCodes(words []string) []string {
	var list []string
	for _, w := range words {
		from, to, isRange := strings.Cut(w, "-")
		a, err := strconv.Atoi(from)
		if err != nil || a < 100 || a > 599 {
			continue
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(to); err != nil || b < a || b > 599 {
				continue
			}
		}
		if a == b {
			list = append(list, strconv.Itoa(a))
		} else {
			list = append(list, fmt.Sprintf("%d-%d", a, b))
		}
	}
	return list
}
