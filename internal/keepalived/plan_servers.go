package keepalived

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// The bounds of virtual_servers:.
const (
	mostServers = 1000
	mostChecks  = 16
	mostQuorum  = mostServers * 65535
	mostSticky  = 31 * 24 * time.Hour
)

// server is a virtual server of the new file: one service.
type server struct {
	Pos
	name        string
	service     Service
	protocol    string // tcp, udp or sctp; empty: of a mark
	scheduler   string
	flags       []string
	onePacket   bool
	persistence time.Duration
	prefix      int
	engine      string
	forward     string
	tunnel      string // in YAML
	reals       []real
	sorry       string // in YAML
	quorum      int
	hysteresis  int
	alpha       bool
	omega       bool
	always      bool
	router      string
	hooks       hooks
}

// real is one of its servers.
type real struct {
	address      netip.Addr
	port         int // 0: the service's
	weight       int
	forward      string // empty: the service's
	tunnel       string
	upper, lower int
	inhibit      bool
	checks       []string // in YAML
}

func (p *plan) makeServers() {
	seen := map[*VirtualServer]bool{}
	for k, c := range p.configs {
		for _, v := range c.Servers {
			if k == 1 && slices.ContainsFunc(p.configs[0].Servers, func(o *VirtualServer) bool { return o.Title == v.Title && o.Protocol == v.Protocol }) {
				continue // compared by the lint
			}
			if seen[v] {
				continue
			}
			seen[v] = true
			for _, s := range v.Services {
				p.makeServer(v, s, k)
			}
		}
	}
}

// makeServer makes a virtual server of one service.
func (p *plan) makeServer(v *VirtualServer, service Service, at int) {
	s := &server{Pos: v.Pos, service: service, quorum: min(v.Quorum, mostQuorum), alpha: v.Alpha, omega: v.Omega}
	if why := unservable(service); why != "" {
		p.left(service.Pos, "virtual_server %s: %s", shown(v.Title), why)
		return
	}
	s.hysteresis = min(v.Hysteresis, s.quorum-1)
	if v.Hysteresis >= v.Quorum && v.Hysteresis > 0 {
		p.wrong(v.Pos, "quorum", "virtual_server %s: hysteresis %d is not less than quorum %d: %d is written", shown(v.Title), v.Hysteresis, v.Quorum, s.hysteresis)
	}
	if !p.protocol(s, v) || !p.isNew(s) {
		return
	}
	p.schedule(s, v)
	p.stick(s, v)
	s.forward, s.tunnel = p.way(v.Pos, v.Method)
	for _, r := range v.Reals {
		p.real(s, v, r, at)
	}
	if len(s.reals) == 0 {
		p.left(v.Pos, "virtual_server %s: it has no real_server that could be taken over", shown(v.Title))
		return
	}
	p.sorryServer(s, v)
	p.serverHooks(s, v, at)
	p.where(s)
	s.name = p.serverName(s)
	p.servers = append(p.servers, s)
	p.taken(v.Pos, "virtual_server %s: virtual_servers.%s, with %s", shown(v.Title), s.name, count(len(s.reals), "server"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// unservable tells why a service cannot be one here.
func unservable(s Service) string {
	switch {
	case s.Mark != 0:
		return ""
	case s.Address.IsLoopback():
		return "it is at a loopback address, which no client but this host itself can reach"
	case !hostCanHave(s.Address):
		return s.Address.String() + " is no address that a host can have"
	case s.Port == 0:
		return "it is for all ports: have nftables mark its packets, and write fwmark:"
	}
	return ""
}

func (p *plan) protocol(s *server, v *VirtualServer) bool {
	if s.service.Mark != 0 {
		return true
	}
	switch v.Protocol {
	case "":
		s.protocol = "udp"
		p.wrong(v.Pos, "no-protocol", "virtual_server %s has no protocol: keepalived takes UDP", shown(v.Title))
	case "TCP", "UDP", "SCTP":
		s.protocol = strings.ToLower(v.Protocol)
	default:
		p.wrong(v.Pos, "bad-word", "virtual_server %s: protocol %s is not TCP, UDP or SCTP", shown(v.Title), shown(v.Protocol))
		return false
	}
	return true
}

// isNew tells whether the service is a new one.
func (p *plan) isNew(s *server) bool {
	twice := slices.ContainsFunc(p.servers, func(o *server) bool {
		if s.service.Mark != 0 {
			return o.service.Mark == s.service.Mark && o.service.IPv6 == s.service.IPv6
		}
		return o.service.Address == s.service.Address && o.service.Port == s.service.Port && o.protocol == s.protocol
	})
	if twice {
		p.wrong(s.Pos, "twice", "virtual_server %s port %d is there already", s.service.Text, s.service.Port)
	}
	return !twice && len(p.servers) < mostServers
}

func (p *plan) schedule(s *server, v *VirtualServer) {
	s.scheduler = v.Scheduler
	if s.scheduler == "" {
		s.scheduler = "wlc"
	}
	if !slices.Contains(ipvs.Schedulers(), s.scheduler) {
		p.wrong(v.Pos, "scheduler", "virtual_server %s: %s is not a scheduler of Linux: wlc is written", shown(v.Title), shown(s.scheduler))
		s.scheduler = "wlc"
	}
	known := ipvs.FlagsOf(s.scheduler)
	for _, f := range v.Flags {
		if n, ok := strings.CutPrefix(f, "flag-"); ok {
			if i, _ := strconv.Atoi(n); i >= 1 && i <= len(known) {
				f = known[i-1]
			}
		}
		if slices.Contains(known, f) && !slices.Contains(s.flags, f) {
			s.flags = append(s.flags, f)
		} else if !slices.Contains(known, f) {
			p.left(v.Pos, "virtual_server %s: the scheduler %s has no flag %s", shown(v.Title), s.scheduler, f)
		}
	}
	s.onePacket = v.OnePacket && (s.protocol == "udp" || s.service.Mark != 0)
	if v.OnePacket && !s.onePacket {
		p.left(v.Pos, "virtual_server %s: ops is for UDP", shown(v.Title))
	}
}

func (s *server) v6() bool {
	if s.service.Mark != 0 {
		return s.service.IPv6
	}
	return s.service.Address.Is6()
}

func (p *plan) stick(s *server, v *VirtualServer) {
	s.persistence = min(v.Persistence, mostSticky)
	bits := 32
	if s.v6() {
		bits = 128
	}
	if v.Granularity > 0 && v.Granularity <= bits && s.persistence > 0 {
		s.prefix = v.Granularity
	}
	switch {
	case v.Engine == "" || s.persistence == 0:
	case v.Engine == "sip" && s.protocol == "udp":
		s.engine = v.Engine
	default:
		p.left(v.Pos, "virtual_server %s: persistence_engine %s: Linux has sip for UDP alone", shown(v.Title), shown(v.Engine))
	}
}

// way is forward: and tunnel: of a method.
func (p *plan) way(at Pos, m Method) (forward, tunnel string) {
	switch m.Word {
	case "DR":
		return "dr", ""
	case "TUN":
		return "tunnel", p.tunnel(at, m)
	}
	return "nat", ""
}

func (p *plan) tunnel(at Pos, m Method) string {
	sum := map[string]string{"nocsum": "none", "csum": "outer", "remcsum": "remote"}[m.Checksum]
	more := ""
	if sum != "" && (sum != "remote" || m.Type == "gue") {
		more = ", checksum: " + sum
	}
	switch {
	case m.Type == "gue" && m.Port >= 1 && m.Port <= 65535:
		return fmt.Sprintf("{type: gue, port: %d%s}", m.Port, more)
	case m.Type == "gre":
		return "{type: gre" + more + "}"
	case m.Type != "" && m.Type != "ipip":
		p.left(at, "a tunnel of type %s without what it needs: ipip is written", shown(m.Type))
	}
	return ""
}

func (p *plan) real(s *server, v *VirtualServer, r *Real, at int) {
	out := real{address: r.Address, weight: min(r.Weight, 65535), inhibit: r.Inhibit}
	method := v.Method
	if r.Method != nil {
		method = *r.Method
	}
	forward, tunnel := p.way(r.Pos, method)
	if r.Method != nil && (forward != s.forward || tunnel != s.tunnel) {
		out.forward, out.tunnel = forward, tunnel
	}
	if why := s.unreachable(r.Address, forward); why != "" {
		p.left(r.Pos, "real_server %s: %s", shown(r.Text), why)
		return
	}
	if out.port = r.Port; out.port == s.service.Port {
		out.port = 0
	}
	if out.port != 0 && forward != "nat" && s.service.Mark == 0 {
		p.wrong(r.Pos, "port", "real_server %s: with %s packets keep the port %d of the service, whatever is written here", shown(r.Text), method.Word, s.service.Port)
		out.port = 0
	}
	if slices.ContainsFunc(s.reals, func(o real) bool { return o.address == out.address && o.port == out.port }) {
		p.wrong(r.Pos, "twice", "real_server %s is there already", shown(r.Text))
		return
	}
	if out.upper = r.Upper; out.upper > 0 {
		out.lower = min(r.Lower, r.Upper)
	}
	for _, c := range r.Checks {
		for _, text := range p.check(s, r, c, at) {
			if len(out.checks) < mostChecks {
				out.checks = append(out.checks, text)
			}
		}
	}
	if len(s.reals) < mostServers {
		s.reals = append(s.reals, out)
	}
}

// unreachable tells why a server cannot be one of a service.
func (s *server) unreachable(a netip.Addr, forward string) string {
	switch {
	case a.IsLoopback():
		return "it is this host itself, which the kernel sends nothing from outside to: sorry_server can be, a proxy on this host needs no virtual server"
	case !hostCanHave(a):
		return "no host can have this address"
	case a == s.service.Address:
		return "it has the address of the service itself: write the server's own"
	case a.Is6() != s.v6() && forward != "tunnel":
		return "it is of another family than the clients, which only a tunnel can bridge"
	}
	return ""
}

var (
	hostHeader = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?$`)
	serverName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)
)

var (
	recordTypes = strings.Fields("A AAAA CNAME MX NS PTR SOA SRV TXT")
	domainName  = regexp.MustCompile(`^(\.|([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?)$`)
	hexDigits   = regexp.MustCompile(`^([0-9A-Fa-f]{2})+$`)
	hexPattern  = regexp.MustCompile(`^([0-9A-Fa-fXx]{2})+$`)
)

func (p *plan) sorryServer(s *server, v *VirtualServer) {
	if v.Sorry == nil {
		return
	}
	y := v.Sorry
	forward, tunnel := s.forward, s.tunnel
	if y.Method != nil {
		forward, tunnel = p.way(y.Pos, *y.Method)
	}
	port := y.Port
	if port == 0 {
		port = s.service.Port
	}
	local := y.Address.IsLoopback()
	why := s.unreachable(y.Address, forward)
	isServer := slices.ContainsFunc(s.reals, func(r real) bool {
		return r.address == y.Address && (r.port == port || r.port == 0 && port == s.service.Port)
	})
	switch {
	case local && s.service.Mark != 0:
		why = "a firewall mark has no address at which a sorry server on this host could be reached"
	case local:
		why = ""
		p.changed(y.Pos, "sorry_server %s port %d: it is on this host, and has to listen at %s: keepalived's never answers, since the kernel sends nothing from outside to loopback", y.Address, port, s.service.Address)
	case port == 0:
		why = "it has no port"
	case isServer:
		why = "it is one of the servers"
	}
	if why != "" {
		p.left(y.Pos, "sorry_server %s: %s", y.Address, why)
		return
	}
	if !local && forward != "nat" && s.service.Mark == 0 && port != s.service.Port {
		p.changed(y.Pos, "sorry_server %s port %d: forward: nat, since %s leaves the port as it is", y.Address, port, forward)
		forward, tunnel = "nat", ""
		if y.Address.Is6() != s.v6() {
			p.left(y.Pos, "sorry_server %s: it is of another family than the clients", y.Address)
			return
		}
	}
	at := quoted(netip.AddrPortFrom(y.Address, uint16(port)).String())
	if s.sorry = at; !local && (forward != s.forward || tunnel != s.tunnel) {
		s.sorry = "{address: " + at + ", forward: " + forward
		if tunnel != "" {
			s.sorry += ", tunnel: " + tunnel
		}
		s.sorry += "}"
	}
}

// serverHooks takes the programs over; those of the servers, if all have the same.
func (p *plan) serverHooks(s *server, v *VirtualServer, at int) {
	for _, one := range []struct {
		key, theirs string
		command     *Command
	}{{"quorum_up", "quorum_up", v.QuorumUp}, {"quorum_down", "quorum_down", v.QuorumDown},
		{"up", "notify_up", p.common(v, func(r *Real) *Command { return r.Up })},
		{"down", "notify_down", p.common(v, func(r *Real) *Command { return r.Down })}} {
		if !one.command.set() {
			continue
		}
		words, user := p.absolute(one.command.Words), p.user(one.command.User, at)
		if err := p.usable(words, user); err != nil {
			p.wrong(one.command.Pos, "notify-dropped", "%s: %s: %s: on a host where that is so keepalived goes on without it", one.theirs, shown(strings.Join(words, " ")), err)
			continue
		}
		s.hooks = append(s.hooks, hook{one.key, words, user})
	}
}

// common is the program that all servers have.
func (p *plan) common(v *VirtualServer, of func(*Real) *Command) *Command {
	var one *Command
	for i, r := range v.Reals {
		c := of(r)
		if i > 0 && (c.set() != one.set() || c.set() && !slices.Equal(c.Words, one.Words)) {
			at := v.Pos
			if c.set() {
				at = c.Pos
			}
			p.left(at, "notify_up and notify_down of single servers: hooks.up and hooks.down are for all servers of a virtual server, and are told which one (PAIRKEEPER_SERVER)")
			return nil
		}
		one = c
	}
	return one
}

// where tells on which node a service is: that of the router with its address, else both,
// as with keepalived.
func (p *plan) where(s *server) {
	switch {
	case s.service.Mark == 0 && p.virtual(s.service.Address):
	case s.service.Mark != 0 && len(p.routers) == 1:
		s.router = p.routers[0].name
	default:
		s.always = true
		return
	}
	if p.moving {
		return
	}
	p.moving = true
	p.changed(s.Pos, "virtual servers whose address moves are in the kernel of the Active node alone (when: active); keepalived has them on both")
}

func (p *plan) serverName(s *server) string {
	name := fmt.Sprintf("fwmark-%d", s.service.Mark)
	if s.service.Mark == 0 {
		name = netip.AddrPortFrom(s.service.Address, uint16(s.service.Port)).String()
		if s.protocol != "tcp" {
			name += "/" + s.protocol
		}
	} else if s.service.IPv6 {
		name += "v6"
	}
	return name
}

// makeBalance is what concerns all virtual servers.
func (p *plan) makeBalance() {
	g := p.configs[0].Global
	d := g.SyncDaemon
	for _, i := range p.configs[0].Instances {
		if d == nil && i.SyncInterface != "" {
			d = &SyncDaemon{Pos: i.SyncAt, Interface: i.SyncInterface, Instance: i.Name}
		}
	}
	for _, one := range []struct {
		d    time.Duration
		into *string
	}{{g.TCP, &p.tcp}, {g.Fin, &p.fin}, {g.UDP, &p.udp}} {
		if one.d > 0 {
			*one.into = duration(min(one.d, mostSticky))
		}
	}
	if d == nil {
		return
	}
	if err := p.syncable(d); err != nil {
		p.left(d.Pos, "lvs_sync_daemon: %s", err)
		return
	}
	p.sync = d
	p.taken(d.Pos, "lvs_sync_daemon: ipvs.sync on %s", d.Interface)
}

func (p *plan) syncable(d *SyncDaemon) error {
	switch {
	case len(p.servers) == 0:
		return errors.New("there is no virtual server whose connections it would tell of")
	case len(p.routers) == 0:
		return errors.New("it needs a virtual router, whose Active node tells the other one")
	case !goodInterface(d.Interface):
		return fmt.Errorf("%s cannot be the name of an interface", shown(d.Interface))
	}
	for _, s := range p.servers {
		if slices.ContainsFunc(s.reals, func(r real) bool { return r.address.Is6() != s.v6() }) {
			return fmt.Errorf("%s has servers of another family than its clients, which the kernel's protocol has no room for", s.name)
		}
	}
	return nil
}
