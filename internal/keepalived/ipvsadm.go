package keepalived

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// ports are the names that ipvsadm-save writes without -n.
type ports map[string]int

// wellKnown are the services that are balanced most (services(5)).
var wellKnown = ports{"http": 80, "https": 443, "domain": 53, "smtp": 25, "smtps": 465, "submission": 587, "imap": 143, "imap2": 143, "imaps": 993, "pop3": 110, "pop3s": 995,
	"ftp": 21, "ftp-data": 20, "ssh": 22, "telnet": 23, "ldap": 389, "ldaps": 636, "mysql": 3306, "postgresql": 5432, "ntp": 123, "radius": 1812, "radius-acct": 1813,
	"sip": 5060, "sip-tls": 5061, "syslog": 514, "http-alt": 8080, "webcache": 8080, "rsync": 873, "redis": 6379, "ms-sql-s": 1433, "tftp": 69, "snmp": 161, "nfs": 2049, "amqp": 5672, "rdp": 3389, "ms-wbt-server": 3389}

// makeTable takes over what ipvsadm-save wrote.
func (p *plan) makeTable() {
	if p.options.TableName == "" {
		return
	}
	var list []*VirtualServer
	for n, text := range strings.Split(p.options.Table, "\n") {
		at := Pos{p.options.TableName, n + 1}
		words := strings.Fields(text)
		if len(words) > 0 && strings.HasSuffix(words[0], "ipvsadm") {
			words = words[1:]
		}
		if len(words) == 0 || strings.HasPrefix(words[0], "#") || n >= mostLines {
			continue
		}
		t := tableLine{notes: p.notes, at: at, words: words}
		t.read()
		list = t.apply(list)
	}
	for _, v := range list {
		for _, s := range v.Services {
			p.makeServer(v, s, 0)
		}
	}
}

// tableLine is one line: options of ipvsadm(8).
type tableLine struct {
	*notes
	at     Pos
	words  []string
	action byte // A, E, a, e; 0: something else
	key    string
	vs     VirtualServer
	real   Real
	bad    bool
}

func (t *tableLine) read() {
	t.vs = VirtualServer{Pos: t.at, Quorum: 1, Scheduler: "wlc", Method: Method{Word: "NAT"}}
	t.real = Real{Pos: t.at, Weight: 1}
	method := Method{Word: "DR"} // ipvsadm's default
	for i := 0; i < len(t.words); i++ {
		next := func() string {
			if i++; i < len(t.words) {
				return t.words[i]
			}
			return ""
		}
		switch w := t.words[i]; w {
		case "-A", "--add-service", "-E", "--edit-service":
			t.action = 'A'
		case "-a", "--add-server", "-e", "--edit-server":
			t.action = 'a'
		case "-t", "--tcp-service":
			t.service("TCP", next())
		case "-u", "--udp-service":
			t.service("UDP", next())
		case "--sctp-service":
			t.service("SCTP", next())
		case "-f", "--fwmark-service":
			t.mark(next())
		case "-6", "--ipv6":
			for k := range t.vs.Services {
				t.vs.Services[k].IPv6 = true
			}
		case "-s", "--scheduler":
			t.vs.Scheduler = next()
		case "-p", "--persistent":
			t.vs.Persistence = 6 * time.Minute
			if i+1 < len(t.words) && !strings.HasPrefix(t.words[i+1], "-") {
				t.vs.Persistence = time.Duration(t.integer(w, next(), 1, int(mostSticky/time.Second), 360)) * time.Second
			}
		case "-M", "--netmask":
			n, ok := maskBits(next())
			if !ok {
				t.wrong(t.at, "bad-number", "%s is not a netmask", shown(t.words[min(i, len(t.words)-1)]))
			}
			t.vs.Granularity = n
		case "--pe":
			t.vs.Engine = next()
		case "-b", "--sched-flags":
			t.vs.Flags = append(t.vs.Flags, strings.Split(next(), ",")...)
		case "-o", "--ops":
			t.vs.OnePacket = true
		case "-r", "--real-server":
			t.real.Text = next()
			t.real.Address, t.real.Port = t.addressPort(t.real.Text)
		case "-g", "--gatewaying":
			method = Method{Word: "DR"}
		case "-m", "--masquerading":
			method = Method{Word: "NAT"}
		case "-i", "--ipip":
			method.Word = "TUN"
		case "--tun-type":
			method.Type = next()
		case "--tun-port":
			method.Port, _ = strconv.Atoi(next())
		case "--tun-nocsum", "--tun-csum", "--tun-remcsum":
			method.Checksum = strings.TrimPrefix(w, "--tun-")
		case "-w", "--weight":
			t.real.Weight = t.integer(w, next(), 0, 65535, 1)
		case "-x", "--u-threshold":
			t.real.Upper = t.integer(w, next(), 0, math.MaxInt32, 0)
		case "-y", "--l-threshold":
			t.real.Lower = t.integer(w, next(), 0, math.MaxInt32, 0)
		case "-n", "--numeric":
		default:
			t.left(t.at, "%s is not understood", shown(w))
		}
	}
	t.real.Method = &method
}

func (t *tableLine) integer(option, s string, least, most, other int) int {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < int64(least) || n > int64(most) {
		t.wrong(t.at, "bad-number", "%s %s is not a number in %d..%d", option, shown(s), least, most)
		return other
	}
	return int(n)
}

func (t *tableLine) service(protocol, s string) {
	a, port := t.addressPort(s)
	t.key, t.vs.Protocol, t.vs.Title = protocol+" "+s, protocol, s
	t.vs.Services = []Service{{Pos: t.at, Address: a, Port: port, Text: a.String()}}
}

func (t *tableLine) mark(s string) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		t.wrong(t.at, "bad-number", "fwmark %s is not a number in 1..4294967295", shown(s))
		t.bad = true
	}
	t.key, t.vs.Title = "mark "+s, "fwmark "+s
	t.vs.Services = []Service{{Pos: t.at, Mark: uint32(n), Text: "fwmark " + s}}
}

// addressPort reads 10.0.0.3:80, [fd00::3]:80, 10.0.0.3:http or an address alone.
func (t *tableLine) addressPort(s string) (netip.Addr, int) {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1) && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		t.wrong(t.at, "bad-address", "%s is not an address: write the table with ipvsadm-save -n", shown(host))
		t.bad = true
		return netip.Addr{}, 0
	}
	n, known := wellKnown[port]
	if v, err := strconv.ParseUint(port, 10, 16); err == nil {
		n, known = int(v), true
	}
	if port != "" && !known {
		t.wrong(t.at, "bad-number", "%s is not a port that is known here: write the table with ipvsadm-save -n", shown(port))
		t.bad = true
	}
	return a.Unmap().WithZone(""), n
}

// apply makes the change that the line is.
func (t *tableLine) apply(list []*VirtualServer) []*VirtualServer {
	if t.bad || t.key == "" || t.action == 0 {
		if !t.bad {
			t.left(t.at, "%s: neither a service nor a server is added", shown(strings.Join(t.words, " ")))
		}
		return list
	}
	at := -1
	for i, v := range list {
		if v.key() == t.vs.key() {
			at = i
		}
	}
	switch {
	case t.action == 'A' && at >= 0:
		t.vs.Reals, t.vs.Method = list[at].Reals, list[at].Method
		list[at] = &t.vs
	case t.action == 'A':
		list = append(list, &t.vs)
	case at < 0 || !t.real.Address.IsValid():
		t.wrong(t.at, "no-service", "%s: there is no such service before it", shown(t.vs.Title))
	default:
		v := list[at]
		if len(v.Reals) == 0 {
			v.Method = *t.real.Method
		}
		for i, r := range v.Reals {
			if r.Address == t.real.Address && r.Port == t.real.Port {
				v.Reals[i] = &t.real
				return list
			}
		}
		v.Reals = append(v.Reals, &t.real)
	}
	return list
}

// key is what a service is known by in the table.
func (v *VirtualServer) key() Service {
	s := v.Services[0]
	s.Pos, s.Text = Pos{File: v.Protocol}, ""
	return s
}
