package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const (
	balanceExample  = "- {address: 10.0.0.3, ports: [80], forward: dr, check: {tcp: {}}, servers: [{address: 10.0.0.11}]}"
	balancePorts    = "[80, 443]"
	balanceMost     = 1000
	balanceRouter   = "a name of virtual_routers:, such as web"
	longPersistence = 31 * 24 * time.Hour
)

// virtualServer is an entry of virtual_servers: one service for each of its ports.
type virtualServer struct {
	name       string
	address    netip.Addr // invalid: mark counts
	mark       uint32
	ipv6       bool // the family of its clients
	ports      []uint16
	protocol   ipvs.Protocol
	options    ipvs.Options
	way        way
	servers    []realServer
	checks     []probes.Config // of servers that have none of their own
	sorry      *sorryServer
	quorum     int
	hysteresis int
	inhibit    bool
	alpha      bool
	omega      bool
	always     bool
	router     string
	hooks      supervisor.ServerHooks
}

// takenServices are the services and names that entries have by now, and where.
type takenServices struct {
	keys  map[ipvs.Key]value
	names map[string]value
}

var balanceKeys = []string{"name", "address", "fwmark", "family", "ports", "protocol", "scheduler", "flags", "one_packet", "persistence",
	"forward", "tunnel", "servers", "check", "sorry_server", "quorum", "hysteresis", "inhibit_on_failure", "alpha", "omega", "when", "router", "hooks"}

// readVirtualServers reads virtual_servers:, once the routers are known.
func (d *Document) readVirtualServers(v value) {
	items, ok := v.list("a list such as " + balanceExample)
	if !ok || !v.atMost(len(items), balanceMost) {
		return
	}
	if len(items) == 0 {
		v.errorf("is empty: write a list such as %s, or remove the key", balanceExample)
	}
	seen := &takenServices{keys: map[ipvs.Key]value{}, names: map[string]value{}}
	for _, item := range items {
		if f, ok := item.fields(balanceExample, balanceKeys...); ok {
			d.virtualServers = append(d.virtualServers, d.readVirtualServer(f, seen))
		}
	}
}

func (d *Document) readVirtualServer(f fields, seen *takenServices) virtualServer {
	s := virtualServer{protocol: ipvs.TCP, quorum: 1, options: ipvs.Options{Scheduler: "wlc"}}
	known := s.readKey(f)
	s.readOptions(f)
	s.way.read(f, true)
	s.readBalanceName(f, known, seen)
	f.boolean("inhibit_on_failure", &s.inhibit)
	f.boolean("alpha", &s.alpha)
	f.boolean("omega", &s.omega)
	if v, ok := f.keys["check"]; ok {
		s.checks = d.readChecks(v)
	}
	d.readServers(f, &s, known)
	if known {
		s.options.Bits = s.bits()
		s.readPersistence(f)
		d.readSorry(f, &s)
		s.claim(f, seen)
	}
	s.readQuorum(f)
	d.readWhen(f, &s)
	d.checkLoop(f, &s)
	if v, ok := f.keys["hooks"]; ok {
		d.readServerHooks(v, &s.hooks)
	}
	return s
}

// readKey reads what the service is known by; false: that is not known.
func (s *virtualServer) readKey(f fields) bool {
	mark := 0
	switch {
	case f.has("fwmark") && f.has("address"):
		f.errorf("has both address: and fwmark:, remove one")
		return false
	case f.has("fwmark"):
		for _, key := range []string{"ports", "protocol"} {
			if f.has(key) {
				f.keys[key].errorf("has no effect with fwmark:, the mark says which packets: remove it")
			}
		}
		ok := f.integer("fwmark", &mark, 1, 1<<32-1)
		s.mark, s.protocol = uint32(mark), ipvs.AnyProtocol
		return s.readFamily(f) && ok
	}
	if f.has("family") {
		f.keys["family"].errorf("has no effect with address:, which tells the family: remove it")
	}
	v, ok := f.need("address", "10.0.0.3")
	if ok {
		s.address, ok = v.hostAddress()
		s.ipv6 = s.address.Is6()
	}
	if p, has := f.keys["protocol"]; has {
		word, _ := p.one("tcp", "udp", "sctp")
		s.protocol = map[string]ipvs.Protocol{"": ipvs.TCP, "tcp": ipvs.TCP, "udp": ipvs.UDP, "sctp": ipvs.SCTP}[word]
	}
	return s.readPorts(f) && ok
}

func (s *virtualServer) readFamily(f fields) bool {
	v, ok := f.keys["family"]
	if !ok {
		return true
	}
	word, ok := v.one("ipv4", "ipv6")
	s.ipv6 = word == "ipv6"
	return ok
}

func (s *virtualServer) readPorts(f fields) bool {
	v, ok := f.need("ports", balancePorts)
	if !ok {
		return false
	}
	items, ok := v.list("a list such as " + balancePorts)
	if !ok {
		return false
	}
	if len(items) == 0 {
		v.errorf("is empty: write a list such as %s", balancePorts)
	}
	for _, item := range items {
		port, good := item.port()
		switch {
		case !good:
			ok = false
		case slices.Contains(s.ports, port):
			item.errorf("%d is given twice: remove one", port)
		default:
			s.ports = append(s.ports, port)
		}
	}
	return ok && len(s.ports) > 0
}

// port is a port; IPVS takes 0 for all ports, which is better said with fwmark.
func (v value) port() (uint16, bool) {
	if isPlainZero(v) {
		v.errorf("0 is not in 1..65535: for all ports of an address, mark its packets and write fwmark:")
		return 0, false
	}
	n, ok := v.integer(1, 65535)
	return uint16(n), ok
}

// bits is how long an address of the clients is.
func (s *virtualServer) bits() int {
	if s.ipv6 {
		return 128
	}
	return 32
}

// key is the service of a port.
func (s *virtualServer) key(port uint16) ipvs.Key {
	if s.mark != 0 {
		return ipvs.Key{Mark: s.mark, IPv6: s.ipv6}
	}
	return ipvs.Key{Protocol: s.protocol, Address: netip.AddrPortFrom(s.address, port)}
}

// keys are all its services.
func (s *virtualServer) keys() []ipvs.Key {
	if s.mark != 0 {
		return []ipvs.Key{s.key(0)}
	}
	keys := make([]ipvs.Key, len(s.ports))
	for i, port := range s.ports {
		keys[i] = s.key(port)
	}
	return keys
}

// claim reports services that another entry has.
func (s *virtualServer) claim(f fields, seen *takenServices) {
	for _, k := range s.keys() {
		if first, twice := seen.keys[k]; twice {
			f.errorf("%s is served already by %s: remove one", k, first.place())
			continue
		}
		seen.keys[k] = f.value
	}
}

func (s *virtualServer) readBalanceName(f fields, known bool, seen *takenServices) {
	if !known && !f.has("name") {
		return
	}
	s.name = s.usualName()
	if f.text("name", &s.name, "a name such as web") && !printable(s.name) {
		f.keys["name"].errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(s.name), maxName)
	}
	if first, twice := seen.names[s.name]; twice {
		f.errorf("is called %s as %s is: give it a name of its own", show(s.name), first.place())
	}
	seen.names[s.name] = f.value
}

// usualName is the name of an entry that gives none.
func (s *virtualServer) usualName() string {
	name := s.address.String()
	switch {
	case s.mark != 0:
		return "fwmark-" + strconv.Itoa(int(s.mark))
	case len(s.ports) == 1:
		name = netip.AddrPortFrom(s.address, s.ports[0]).String()
	case s.ipv6:
		name = "[" + name + "]"
	}
	if s.protocol != ipvs.TCP {
		name += "/" + s.protocol.String()
	}
	return name
}

// readOptions reads how clients are treated, but for persistence.
func (s *virtualServer) readOptions(f fields) {
	if v, ok := f.keys["scheduler"]; ok {
		if name, ok := v.text("a scheduler such as wrr"); ok {
			s.options.Scheduler = name
			if !slices.Contains(ipvs.Schedulers(), name) {
				v.errorf("%s is not a scheduler of Linux, which has %s%s", show(name), strings.Join(ipvs.Schedulers(), ", "), didYouMean(name, ipvs.Schedulers()))
			}
		}
	}
	if v, ok := f.keys["flags"]; ok {
		s.readFlags(v)
	}
	one := false
	f.boolean("one_packet", &one)
	if one {
		s.options.Flags |= ipvs.OnePacket
		if s.protocol != ipvs.UDP && s.mark == 0 {
			f.keys["one_packet"].errorf("is for udp, where packets know of no connection: remove it, or write protocol: udp")
		}
	}
}

func didYouMean(s string, words []string) string {
	if w := nearest(s, words); w != "" {
		return ": did you mean " + w + "?"
	}
	return ""
}

// readFlags reads the flags of a scheduler.
func (s *virtualServer) readFlags(v value) {
	items, ok := v.list("a list such as [sh-port]")
	if !ok {
		return
	}
	known := ipvs.FlagsOf(s.options.Scheduler)
	for _, item := range items {
		word, ok := item.text("a flag such as sh-port")
		if !ok {
			continue
		}
		i := slices.Index(known, word)
		switch {
		case i < 0 && len(known) == 0:
			item.errorf("%s has no effect: the scheduler %s has no flags, sh and mh have", show(word), show(s.options.Scheduler))
		case i < 0:
			item.errorf("%s is not a flag of the scheduler %s, which has %s", show(word), s.options.Scheduler, strings.Join(known, ", "))
		default:
			s.options.Flags |= ipvs.SchedulerFlag1 << i
		}
	}
}

const persistenceExample = "a time such as 5m, or {timeout: 5m, prefix: 24}"

// readPersistence reads a time or a mapping.
func (s *virtualServer) readPersistence(f fields) {
	v, ok := f.keys["persistence"]
	if !ok {
		return
	}
	o, at := &s.options, v
	if v.kind() != "a mapping" {
		o.Persistence, ok = v.duration(time.Second, longPersistence)
	} else {
		p, good := v.fields(persistenceExample, "timeout", "prefix", "engine")
		if !good {
			return
		}
		if at, ok = p.need("timeout", "5m"); ok {
			o.Persistence, ok = at.duration(time.Second, longPersistence)
		}
		p.integer("prefix", &o.Bits, 1, s.bits())
		if e, has := p.keys["engine"]; has {
			o.Engine, _ = e.text("sip")
			if o.Engine != "sip" {
				e.errorf("%s is not sip, the only one that Linux has", show(o.Engine))
			} else if s.protocol != ipvs.UDP {
				e.errorf("sip is for udp: remove it, or write protocol: udp")
			}
		}
	}
	if ok && o.Persistence%time.Second != 0 {
		at.errorf("%s is not a whole number of seconds, the kernel counts in those", printDuration(o.Persistence))
	}
}

// readQuorum reads how many servers are enough.
func (s *virtualServer) readQuorum(f fields) {
	const most = balanceMost * ipvs.MaxWeight
	f.integer("quorum", &s.quorum, 1, most)
	if f.integer("hysteresis", &s.hysteresis, 0, most) && s.hysteresis >= s.quorum {
		f.keys["hysteresis"].errorf("%d is not less than quorum: %d: the quorum could never be lost", s.hysteresis, s.quorum)
	}
	sum := 0
	for _, r := range s.servers {
		sum += r.weight
	}
	if sum > 0 && s.quorum+s.hysteresis > sum && (f.has("quorum") || f.has("hysteresis")) {
		f.warnf("can never gain its quorum: %d are needed, all weights together are %d", s.quorum+s.hysteresis, sum)
	}
}

// readWhen reads on which node the service is.
func (d *Document) readWhen(f fields, s *virtualServer) {
	if v, ok := f.keys["when"]; ok {
		word, _ := v.one("active", "always")
		s.always = word == "always"
	}
	if v, ok := f.keys["router"]; ok && s.always {
		v.errorf("has no effect with when: always: remove one")
		return
	}
	if s.always {
		return
	}
	if len(d.routers) == 0 {
		f.errorf("needs virtual_routers:, on the Active node of which it is: or write when: always")
		return
	}
	if v, ok := f.keys["router"]; ok {
		s.router = d.routerNamed(v)
		return
	}
	at := slices.IndexFunc(d.routers, func(r router) bool { return s.address.IsValid() && r.holds(s.address) })
	s.router = d.routers[max(at, 0)].shared.Name
	switch {
	case at >= 0:
	case s.mark != 0 && len(d.routers) > 1:
		f.errorf("needs router:, the name of the virtual router whose Active node serves the mark")
	case s.address.IsValid():
		f.keys["address"].warnf("%s is an address of no virtual router, and moves with none: it is served where %s is Active: add it to addresses:, or write router: or when: always", s.address, show(s.router))
	}
}

// routerNamed reads the name of a virtual router; empty: it is none.
func (d *Document) routerNamed(v value) string {
	name, ok := v.text(balanceRouter)
	if !ok {
		return ""
	}
	var names []string
	for i := range d.routers {
		names = append(names, d.routers[i].shared.Name)
	}
	if !slices.Contains(names, name) {
		v.errorf("%s is not a virtual router: there are %s%s", show(name), strings.Join(names, ", "), didYouMean(name, names))
		return ""
	}
	return name
}

var serverHookKeys = []struct {
	key string
	of  func(*supervisor.ServerHooks) *supervisor.Hook
}{
	{"up", func(h *supervisor.ServerHooks) *supervisor.Hook { return &h.Up }},
	{"down", func(h *supervisor.ServerHooks) *supervisor.Hook { return &h.Down }},
	{"quorum_up", func(h *supervisor.ServerHooks) *supervisor.Hook { return &h.QuorumUp }},
	{"quorum_down", func(h *supervisor.ServerHooks) *supervisor.Hook { return &h.QuorumDown }},
}

func (d *Document) readServerHooks(v value, into *supervisor.ServerHooks) {
	f, ok := v.fields("{down: "+hookExample+"}", "up", "down", "quorum_up", "quorum_down")
	if !ok {
		return
	}
	for _, k := range serverHookKeys {
		one, ok := f.keys[k.key]
		if !ok {
			continue
		}
		h := usualHook
		one.readHook(&h, "")
		*k.of(into) = h
		if h.Set() {
			d.hookAt = append(d.hookAt, hookPlace{h, one.at(), one.path})
		}
	}
}

// services are the services of an entry.
func (s *virtualServer) services() []supervisor.VirtualServer {
	var list []supervisor.VirtualServer
	for _, k := range s.keys() {
		one := supervisor.VirtualServer{Name: s.name, Router: s.router, Hooks: s.hooks, Pool: ipvs.Config{
			Name: s.name, Key: k, Options: s.options, Quorum: s.quorum, Hysteresis: s.hysteresis, Alpha: s.alpha, Omega: s.omega,
		}}
		if len(s.ports) > 1 {
			one.Pool.Name += ":" + strconv.Itoa(int(k.Address.Port()))
		}
		for i := range s.servers {
			r := &s.servers[i]
			checks := r.checksOf(s)
			one.Pool.Servers = append(one.Pool.Servers, ipvs.Real{Server: r.server(k), Checks: len(checks), Inhibit: r.inhibit})
			one.Checks = append(one.Checks, checks)
		}
		if s.sorry != nil {
			one.Pool.Sorry = s.sorry.server(s)
		}
		list = append(list, one)
	}
	return list
}

func virtualServerTree(s *virtualServer) *yaml.Node {
	t := block()
	t.set("name", text(s.name))
	if s.mark != 0 {
		t.set("fwmark", number(int(s.mark)))
		t.set("family", text(map[bool]string{false: "ipv4", true: "ipv6"}[s.ipv6]))
	} else {
		t.set("address", text(s.address.String()))
		ports := flowList()
		for _, p := range s.ports {
			ports.Content = append(ports.Content, number(int(p)))
		}
		t.set("ports", ports)
		t.set("protocol", text(s.protocol.String()))
	}
	t.set("scheduler", text(s.options.Scheduler))
	if flags := ipvs.SchedulerFlags(s.options.Scheduler, s.options.Flags); len(flags) > 0 {
		t.set("flags", words(flags))
	}
	if s.protocol != ipvs.TCP && s.protocol != ipvs.SCTP {
		t.set("one_packet", boolean(s.options.Flags&ipvs.OnePacket != 0))
	}
	if o := s.options; o.Persistence > 0 {
		p := flow()
		p.set("timeout", duration(o.Persistence))
		p.set("prefix", number(o.Bits))
		if o.Engine != "" {
			p.set("engine", text(o.Engine))
		}
		t.set("persistence", p.Node)
	}
	s.way.set(t)
	if s.always {
		t.set("when", text("always"))
	} else {
		t.set("when", text("active"))
		t.set("router", text(s.router))
	}
	if len(s.checks) > 0 {
		t.set("check", checksTree(s.checks))
	}
	t.set("inhibit_on_failure", boolean(s.inhibit))
	t.set("alpha", boolean(s.alpha))
	t.set("omega", boolean(s.omega))
	t.set("quorum", number(s.quorum))
	t.set("hysteresis", number(s.hysteresis))
	servers := list()
	for i := range s.servers {
		servers.Content = append(servers.Content, s.servers[i].tree(s))
	}
	t.set("servers", servers)
	if s.sorry != nil {
		t.set("sorry_server", s.sorry.tree())
	}
	h := block()
	for _, k := range serverHookKeys {
		if one := k.of(&s.hooks); one.Set() {
			h.set(k.key, hookTree(one).Node)
		}
	}
	if len(h.Content) > 0 {
		t.set("hooks", h.Node)
	}
	return t.Node
}
