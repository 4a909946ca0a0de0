package config

import (
	"net/netip"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/probes"
)

const (
	serverExample  = "{address: 10.0.0.11, weight: 1}"
	serversExample = "[" + serverExample + "]"
	forwardExample = "nat, dr or tunnel"
	tunnelExample  = "ipip, gre, or {type: gue, port: 6080}"
	sorryExample   = "an address with its port, such as 127.0.0.1:8080"
	connections    = 1<<31 - 1 // the most that a threshold can be
)

// way is how packets reach a server.
type way struct {
	forward ipvs.Forward
	tunnel  ipvs.Encapsulation
}

var (
	forwardWords  = map[string]ipvs.Forward{"nat": ipvs.NAT, "dr": ipvs.DR, "tunnel": ipvs.Tunnel}
	wrapWords     = []string{ipvs.IPIP: "ipip", ipvs.GUE: "gue", ipvs.GRE: "gre"}
	checksumWords = []string{ipvs.NoChecksum: "none", ipvs.OuterChecksum: "outer", ipvs.RemoteChecksum: "remote"}
)

// read reads forward: and tunnel:; what is not there stays as it is.
func (w *way) read(f fields, needed bool) {
	v, ok := f.keys["forward"]
	if needed {
		v, ok = f.need("forward", "dr")
	}
	if ok {
		word, good := v.one("nat", "dr", "tunnel")
		if good {
			w.forward = forwardWords[word]
		}
		if w.forward != ipvs.Tunnel {
			w.tunnel = ipvs.Encapsulation{}
		}
	}
	t, has := f.keys["tunnel"]
	switch {
	case !has:
	case w.forward != ipvs.Tunnel:
		t.errorf("has no effect without forward: tunnel: remove one")
	default:
		w.readTunnel(t)
	}
}

// readTunnel reads a word or a mapping.
func (w *way) readTunnel(v value) {
	w.tunnel = ipvs.Encapsulation{}
	if v.kind() != "a mapping" {
		if word, ok := v.one("ipip", "gre"); ok {
			w.tunnel.Wrap = ipvs.Wrap(slices.Index(wrapWords, word))
		}
		return
	}
	f, ok := v.fields(tunnelExample, "type", "port", "checksum")
	if !ok {
		return
	}
	if t, ok := f.need("type", "gue"); ok {
		if word, ok := t.one(wrapWords...); ok {
			w.tunnel.Wrap = ipvs.Wrap(slices.Index(wrapWords, word))
		}
	}
	gue := w.tunnel.Wrap == ipvs.GUE
	switch p, has := f.keys["port"]; {
	case has && !gue:
		p.errorf("is for type: gue: remove it")
	case has:
		n, _ := p.integer(1, 65535)
		w.tunnel.Port = uint16(n)
	case gue:
		f.need("port", "6080")
	}
	if c, has := f.keys["checksum"]; has {
		word, _ := c.one(checksumWords...)
		w.tunnel.Checksum = ipvs.Checksum(max(0, slices.Index(checksumWords, word)))
		if w.tunnel.Wrap == ipvs.IPIP || w.tunnel.Checksum == ipvs.RemoteChecksum && !gue {
			c.errorf("%s is not for type: %s: remove it", show(word), wrapWords[w.tunnel.Wrap])
		}
	}
}

func (w way) set(t tree) {
	for word, f := range forwardWords {
		if f == w.forward {
			t.set("forward", text(word))
		}
	}
	if w.forward != ipvs.Tunnel {
		return
	}
	one := flow()
	one.set("type", text(wrapWords[w.tunnel.Wrap]))
	if w.tunnel.Wrap == ipvs.GUE {
		one.set("port", number(int(w.tunnel.Port)))
	}
	if w.tunnel.Wrap != ipvs.IPIP {
		one.set("checksum", text(checksumWords[w.tunnel.Checksum]))
	}
	t.set("tunnel", one.Node)
}

// realServer is an entry of servers:.
type realServer struct {
	address      netip.Addr
	port         uint16 // 0: the service's
	way          way
	weight       int
	upper, lower int
	inhibit      bool
	own          bool // it has checks of its own
	checks       []probes.Config
}

// server is it as one of a service.
func (r *realServer) server(k ipvs.Key) ipvs.Server {
	port := r.port
	if port == 0 {
		port = k.Address.Port()
	}
	return ipvs.Server{
		Address: netip.AddrPortFrom(r.address, port), Forward: r.way.forward, Tunnel: r.way.tunnel,
		Weight: r.weight, Upper: uint32(r.upper), Lower: uint32(r.lower),
	}
}

func (r *realServer) checksOf(s *virtualServer) []probes.Config {
	if r.own {
		return r.checks
	}
	return s.checks
}

// readServers reads servers:; known tells that the service is.
func (d *Document) readServers(f fields, s *virtualServer, known bool) {
	v, ok := f.need("servers", serversExample)
	if !ok {
		return
	}
	items, ok := v.list("a list such as " + serversExample)
	if !ok || !v.atMost(len(items), balanceMost) {
		return
	}
	if len(items) == 0 {
		v.errorf("is empty: write a list such as %s", serversExample)
	}
	seen, unchecked := map[netip.AddrPort]value{}, 0
	for _, item := range items {
		r, ok := d.readServer(item, s)
		if !ok {
			continue
		}
		at := netip.AddrPortFrom(r.address, r.port)
		if first, twice := seen[at]; twice {
			item.errorf("%s is given already as %s: remove one, and give the other one more weight", r.address, first.place())
			continue
		}
		seen[at] = item
		if known {
			s.checkServer(item, &r.way, r.address)
			s.checkCheckable(item, &r)
		}
		if len(r.checksOf(s)) == 0 {
			unchecked++
		}
		s.servers = append(s.servers, r)
	}
	if unchecked > 0 && unchecked == len(s.servers) && !f.has("check") {
		f.warnf("has no check: a server that is dead would get its connections all the same: add check: {tcp: {}}")
	}
}

func (d *Document) readServer(v value, s *virtualServer) (realServer, bool) {
	r := realServer{weight: 1, way: s.way, inhibit: s.inhibit}
	f, ok := v.fields(serverExample, "address", "port", "weight", "forward", "tunnel", "upper", "lower", "inhibit_on_failure", "check")
	if !ok {
		return r, false
	}
	a, ok := f.need("address", "10.0.0.11")
	if ok {
		r.address, ok = a.hostAddress()
	}
	f.integer("weight", &r.weight, 0, ipvs.MaxWeight)
	r.way.read(f, false)
	r.readPort(f, s)
	f.integer("upper", &r.upper, 0, connections)
	if f.integer("lower", &r.lower, 0, connections) && r.lower > r.upper {
		f.keys["lower"].errorf("%d is more than upper: %d: a server that has too many connections gets new ones below lower", r.lower, r.upper)
	}
	f.boolean("inhibit_on_failure", &r.inhibit)
	if c, has := f.keys["check"]; has {
		r.own, r.checks = true, d.readChecks(c)
	}
	return r, ok
}

// readPort reads the port of a server, which only nat can make differ.
func (r *realServer) readPort(f fields, s *virtualServer) {
	v, ok := f.keys["port"]
	if !ok {
		return
	}
	n, ok := v.integer(1, 65535)
	port := uint16(n)
	switch {
	case !ok:
	case len(s.ports) > 1:
		v.errorf("would be that of all %d ports: make one virtual server for each", len(s.ports))
	case !r.way.forward.Rewrites() && s.mark == 0 && len(s.ports) == 1 && port != s.ports[0]:
		v.errorf("%d differs from the service's port %d, and %s leaves packets as they are: remove it, or write forward: nat", port, s.ports[0], r.way.forward)
	default:
		r.port = port
		if len(s.ports) == 1 && port == s.ports[0] {
			r.port = 0
		}
	}
}

// checkServer reports a server that the kernel would refuse, or that would be sent its own
// packets.
func (s *virtualServer) checkServer(v value, w *way, a netip.Addr) {
	switch {
	case a == s.address:
		v.errorf("%s is the address of the service itself: write the server's own", a)
	case a.Is6() != s.ipv6 && w.forward != ipvs.Tunnel:
		v.errorf("%s is %s, and the clients use %s, which only a tunnel can bridge: write an address of %s, or forward: tunnel", a, family(a), s.family(), s.family())
	}
}

func (s *virtualServer) family() string {
	if s.ipv6 {
		return "IPv6"
	}
	return "IPv4"
}

// checkCheckable reports checks without a port.
func (s *virtualServer) checkCheckable(v value, r *realServer) {
	if s.mark == 0 || r.port != 0 {
		return
	}
	for _, c := range r.checksOf(s) {
		if needsPort(c.Check) {
			v.errorf("has no port to check, since a mark has none: add port: to the check, as in check: {tcp: {port: 80}}")
			return
		}
	}
}

func (r *realServer) tree(s *virtualServer) *yaml.Node {
	t := flow()
	t.set("address", text(r.address.String()))
	if r.port != 0 {
		t.set("port", number(int(r.port)))
	}
	t.set("weight", number(r.weight))
	if r.way != s.way {
		r.way.set(t)
	}
	if r.upper > 0 {
		t.set("upper", number(r.upper))
		t.set("lower", number(r.lower))
	}
	if r.inhibit != s.inhibit {
		t.set("inhibit_on_failure", boolean(r.inhibit))
	}
	if r.own {
		t.set("check", checksTree(r.checks))
	}
	return t.Node
}

// sorryServer serves while no other does.
type sorryServer struct {
	at  netip.AddrPort
	way way
}

// readSorry reads sorry_server:, an address with its port.
func (d *Document) readSorry(f fields, s *virtualServer) {
	v, ok := f.keys["sorry_server"]
	if !ok {
		return
	}
	sorry := &sorryServer{way: s.way}
	at := v
	if v.kind() == "a mapping" {
		m, ok := v.fields("{address: \"10.0.0.9:8080\", forward: nat}", "address", "forward", "tunnel")
		if !ok {
			return
		}
		if at, ok = m.need("address", "\"10.0.0.9:8080\""); !ok {
			return
		}
		sorry.way.read(m, false)
	}
	if sorry.at, ok = at.addressAndPort(); !ok {
		return
	}
	s.checkSorry(at, sorry)
}

// addressAndPort is a socket of some host.
func (v value) addressAndPort() (netip.AddrPort, bool) {
	s, ok := v.text(sorryExample)
	if !ok {
		return netip.AddrPort{}, false
	}
	at, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		v.errorf("%s is not %s", show(s), sorryExample)
	case at.Port() == 0:
		v.errorf("0 is not a port in 1..65535")
	case !v.plain(at.Addr(), s):
	case !at.Addr().IsLoopback() && !v.usable(at.Addr(), s):
	default:
		return at, true
	}
	return at, false
}

// checkSorry accepts a sorry server. One on this host is reached at the service's own
// address: the kernel does not send to a loopback address what came from elsewhere.
func (s *virtualServer) checkSorry(v value, sorry *sorryServer) {
	a := sorry.at.Addr()
	switch {
	case a.IsLoopback() && s.mark != 0:
		v.errorf("%s is on this host, where a mark has no address: write the address that the sorry server listens on", sorry.at)
		return
	case a.IsLoopback():
		sorry.way = way{forward: ipvs.NAT}
	case slices.ContainsFunc(s.servers, func(r realServer) bool {
		return r.address == a && r.server(s.keys()[0]).Address.Port() == sorry.at.Port()
	}):
		v.errorf("%s is one of the servers: write another one", sorry.at)
		return
	case !sorry.way.forward.Rewrites() && s.mark == 0 && (len(s.ports) > 1 || sorry.at.Port() != s.ports[0]):
		v.errorf("%d differs from the service's port, and %s leaves packets as they are: write {address: %q, forward: nat}", sorry.at.Port(), sorry.way.forward, sorry.at.String())
		return
	default:
		s.checkServer(v, &sorry.way, a)
	}
	s.sorry = sorry
}

// server is the sorry server as the kernel is to have it.
func (y *sorryServer) server(s *virtualServer) ipvs.Server {
	at := y.at
	if at.Addr().IsLoopback() {
		at = netip.AddrPortFrom(s.address, at.Port())
	}
	return ipvs.Server{Address: at, Forward: y.way.forward, Tunnel: y.way.tunnel, Weight: 1}
}

func (y *sorryServer) tree() *yaml.Node {
	t := flow()
	t.set("address", quote(y.at.String()))
	if !y.at.Addr().IsLoopback() {
		y.way.set(t)
	}
	return t.Node
}
