package keepalived

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// router is a virtual router of the new file.
type router struct {
	Pos
	name     string
	from     [2]*Instance // of each node; nil: not known
	iface    string
	adverts  string // another interface for the adverts
	vrid     int
	version  int
	interval time.Duration
	down     int
	priority [2]int
	group    string
	addrs    []Address
	open     bool // the address is a place-holder
	numbered bool // so is the vrid
	vmac     bool
	macName  string
	macBase  bool
	unicast  *unicast
	preempt  bool
	delay    time.Duration
	authType string
	password string
	tracks   []Track
	garp     GARP
	hooks    hooks
	derived  bool    // a priority was made up
	lead     *router // beside which it was made, of the same instance; nil: it is the instance's own
}

// unicast is whom adverts are sent to.
type unicast struct {
	addresses      [2]netip.Addr
	open           [2]bool
	minTTL, maxTTL int
}

func (r *router) holds(a netip.Addr) bool {
	return slices.ContainsFunc(r.addrs, func(b Address) bool { return b.Prefix.Addr() == a })
}

func (r *router) v6() bool { return len(r.addrs) > 0 && r.addrs[0].Prefix.Addr().Is6() }

// first is the instance that is known, that of the first node before that of the second.
func (r *router) first() *Instance {
	if r.from[0] != nil {
		return r.from[0]
	}
	return r.from[1]
}

// pairs finds the instances of both nodes that belong together: of the same name, else of
// the same vrid and family.
func (p *plan) pairs() [][2]*Instance {
	var list [][2]*Instance
	used := map[*Instance]bool{}
	for _, a := range p.configs[0].Instances {
		one := [2]*Instance{a, nil}
		if p.both() {
			same := func(b *Instance) bool { return b.VRID == a.VRID && b.v6() == a.v6() && b.VRID != 0 }
			b := p.configs[1].instance(a.Name)
			if b == nil || used[b] || b.VRID != a.VRID && slices.ContainsFunc(p.configs[1].Instances, same) {
				if i := slices.IndexFunc(p.configs[1].Instances, func(b *Instance) bool { return same(b) && !used[b] }); i >= 0 {
					b = p.configs[1].Instances[i]
				}
			}
			if b != nil && !used[b] {
				one[1], used[b] = b, true
			}
		}
		list = append(list, one)
	}
	if p.both() {
		for _, b := range p.configs[1].Instances {
			if !used[b] {
				list = append(list, [2]*Instance{nil, b})
			}
		}
	}
	return list
}

func (p *plan) makeRouters() {
	for _, pair := range p.pairs() {
		p.makeRouter(pair)
	}
	p.group()
}

func (p *plan) makeRouter(pair [2]*Instance) {
	r := &router{from: pair, garp: noGARP}
	i := r.first()
	r.Pos = i.Pos
	r.name = p.freeName(tidy(i.Name, "router"))
	if r.vrid = i.VRID; r.vrid == 0 {
		r.vrid, r.numbered = p.freeVRID(), true
		p.wrong(i.Pos, "no-vrid", "vrrp_instance %s has no virtual_router_id that can be used: keepalived does not start; %d stands in its place, to be replaced", shown(i.Name), r.vrid)
	}
	r.version, r.interval, r.down = i.version(), i.interval(), i.DownAdverts
	r.iface = p.interfaceOf(i)
	p.rank(r)
	p.preemption(r)
	p.place(r, i)
	p.credentials(r, i)
	r.garp = i.GARP
}

// interfaceOf is where an instance is; without one keepalived does not start.
func (p *plan) interfaceOf(i *Instance) string {
	name := i.Interface
	switch {
	case name == "":
		p.wrong(i.Pos, "no-interface", "vrrp_instance %s has no interface: keepalived does not start", shown(i.Name))
		return "eth0"
	case !goodInterface(name):
		p.wrong(i.Pos, "bad-interface", "%s cannot be the name of an interface: eth0 stands in its place, to be replaced", shown(name))
		return "eth0"
	}
	return name
}

func goodInterface(name string) bool {
	return name != "" && len(name) <= 15 && name != "." && name != ".." && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' || r == ':' || r == '$' })
}

// tidy is a name that can stand in logs and metrics.
func tidy(s, other string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
	if s = s[:min(len(s), 100)]; strings.Trim(s, "-") == "" {
		return other
	}
	return s
}

func (p *plan) freeName(name string) string {
	taken := func(s string) bool {
		return slices.ContainsFunc(p.routers, func(r *router) bool { return r.name == s })
	}
	free := name
	for n := 2; taken(free); n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	return free
}

// rank gives both nodes their priorities. What keepalived takes for the owner's, 255, is
// the highest of all others here: the address belongs to neither host.
func (p *plan) rank(r *router) {
	for k, i := range r.from {
		if i == nil {
			continue
		}
		r.priority[k] = i.Priority
		if i.Priority == 255 {
			r.priority[k] = 254
			p.changed(i.Pos, "%s: priority 254 in place of 255, which is for the host whose own address it is: keepalived ignores every weight there, and takes the address at every start", r.name)
		}
	}
	for k, i := range r.from {
		if i == nil {
			r.priority[k], r.derived = derive(r.from[1-k], r.priority[1-k]), true
		}
	}
}

// derive is a priority for a node whose file is not there.
func derive(known *Instance, priority int) int {
	switch {
	case known.State == "MASTER" && priority > 50:
		return priority - 50
	case known.State == "MASTER" && priority > 1:
		return priority - 1
	case known.State == "MASTER":
		return 2
	case known.NoPreempt && priority > 50:
		return priority - 50
	case priority <= 204:
		return priority + 50
	case priority < 254:
		return 254
	}
	return 253
}

// preemption: keepalived clears nopreempt and preempt_delay of a node that begins as MASTER.
func (p *plan) preemption(r *router) {
	r.preempt = true
	higher := 0
	if r.priority[1] > r.priority[0] {
		higher = 1
	}
	i := r.from[higher]
	if i == nil {
		i = r.first()
	}
	if i.State == "MASTER" || i.Priority == 255 {
		return
	}
	r.preempt = !i.NoPreempt
	if r.preempt {
		r.delay = min(i.PreemptDelay, 24*time.Hour).Round(time.Millisecond)
	} else {
		p.changed(i.PreemptAt, "%s: preempt: false: as nopreempt, but a node whose priority falls below the other's leaves all the same, and so does one that has failed", r.name)
	}
}

// wire is the interface of the adverts.
func (r *router) wire() string {
	if r.adverts != "" {
		return r.adverts
	}
	return r.iface
}

// credentials takes the password of version 2 over, as far as keepalived reads it.
func (p *plan) credentials(r *router, i *Instance) {
	switch {
	case i.AuthType == "" && i.AuthPass == "":
		return
	case i.version() == 3:
		p.left(i.AuthAt, "%s: auth_pass: version 3 has none, and keepalived ignores it: auth: {type: hmac, …} is what protects", r.name)
		return
	case i.AuthPass == "" || i.AuthType == "":
		p.wrong(i.AuthAt, "auth-half", "%s: authentication needs auth_type and auth_pass: keepalived takes none", r.name)
		return
	}
	password := i.AuthPass[:min(8, len(i.AuthPass))]
	if strings.ContainsFunc(password, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0xfffd }) {
		p.left(i.AuthAt, "%s: a password with bytes that are no text: write it into a file, and auth: {type: pass, password_file: …}", r.name)
		return
	}
	r.authType, r.password = strings.ToLower(i.AuthType), password
}

// finishRouters does what needs the nodes' addresses and the groups.
func (p *plan) finishRouters() {
	for _, r := range p.routers {
		p.peers(r)
		p.virtualMAC(r)
		p.tracksOf(r)
		p.tell(r)
	}
	p.settleGroups()
}

// peers makes unicast adverts of unicast_peer.
func (p *plan) peers(r *router) {
	if r.lead != nil {
		if r.lead.v6() == r.v6() {
			r.unicast = r.lead.unicast
		}
		return
	}
	if !slices.ContainsFunc(r.from[:], func(i *Instance) bool { return i != nil && len(i.Peers) > 0 }) {
		return
	}
	u := &unicast{}
	for k, i := range r.from {
		if i != nil {
			p.offer(r, u, k, i.Source)
		}
	}
	for k, i := range r.from {
		if i == nil {
			continue
		}
		if len(i.Peers) > 1 {
			p.left(i.PeersAt, "%s has %d peers: a pair has two nodes; the first that is neither node's own is taken", r.name, len(i.Peers))
		}
		for _, peer := range i.Peers {
			p.offer(r, u, 1-k, peer.Address)
			if peer.MinTTL > 0 {
				u.minTTL = peer.MinTTL
			}
			if peer.MaxTTL > 0 && peer.MaxTTL >= u.minTTL {
				u.maxTTL = peer.MaxTTL
			}
		}
	}
	for k := range u.addresses {
		if n := p.nodes[k]; !u.addresses[k].IsValid() {
			u.addresses[k], u.open[k] = n.address, n.open
			if n.address.Is6() != r.v6() || u.addresses[1-k] == n.address {
				u.addresses[k], u.open[k] = p.placeholder(k, r.v6()), true
				if u.addresses[k] == u.addresses[1-k] {
					u.addresses[k] = u.addresses[k].Next().Next()
				}
			}
		}
	}
	if u.maxTTL > 0 && u.minTTL == 0 {
		u.minTTL = min(u.maxTTL, 255)
	}
	r.unicast = u
}

// offer gives a node an address for unicast, if it fits.
func (p *plan) offer(r *router, u *unicast, k int, a netip.Addr) {
	if u.addresses[k].IsValid() || !hostCanHave(a) || a.Is6() != r.v6() || p.virtual(a) || a == u.addresses[1-k] {
		return
	}
	u.addresses[k] = a
}

// virtualMAC takes use_vmac over where an address can lie on an interface of its own.
func (p *plan) virtualMAC(r *router) {
	i := r.first()
	if !i.VMAC || r.lead != nil {
		return
	}
	switch {
	case r.adverts != "":
		p.left(i.VMACAt, "%s: use_vmac, since its addresses are on %s and its adverts on %s: put both on one interface, then write virtual_mac: true", r.name, r.iface, r.adverts)
		return
	case slices.ContainsFunc(r.addrs, func(a Address) bool { return a.Label != "" }):
		p.changed(i.VMACAt, "%s: virtual_mac without the labels: an address of a virtual MAC has none", r.name)
		for k := range r.addrs {
			r.addrs[k].Label = ""
		}
	}
	r.vmac, r.macBase = true, i.VMACBase
	if name := i.VMACName; name != "" {
		if goodInterface(name) && !p.usesInterface(name) {
			r.macName = name
		} else {
			p.left(i.VMACAt, "%s: the name %s of the virtual MAC's interface", r.name, shown(name))
		}
	}
	p.changed(i.VMACAt, "%s: virtual_mac: its interface is up only while the node is Active, and sends nothing", r.name)
}

// usesInterface tells whether a name is that of an interface that is needed, or made.
func (p *plan) usesInterface(name string) bool {
	for _, r := range p.routers {
		if r.iface == name || r.adverts == name || r.macName == name || slices.ContainsFunc(r.tracks, func(t Track) bool { return t.Name == name }) {
			return true
		}
	}
	for _, c := range p.configs {
		for _, i := range c.Instances {
			if slices.ContainsFunc(i.Interfaces, func(t Track) bool { return t.Name == name }) {
				return true
			}
		}
	}
	return false
}

// tracksOf takes track_interface over.
func (p *plan) tracksOf(r *router) {
	grouped := p.grouped(r)
	for _, i := range r.from {
		if i == nil || r.lead != nil {
			continue
		}
		for _, t := range i.Interfaces {
			switch {
			case t.Name == i.Interface || t.Name == r.iface:
				p.taken(t.Pos, "track_interface %s: the router's own interface is always tracked", shown(t.Name))
			case !goodInterface(t.Name):
				p.left(t.Pos, "track_interface %s cannot be the name of an interface", shown(t.Name))
			case slices.ContainsFunc(r.tracks, func(o Track) bool { return o.Name == t.Name }) || len(r.tracks) >= 64:
			case t.Weight != 0 && grouped != nil && !grouped.Weigh:
				p.left(t.Pos, "track_interface %s weight %d: keepalived ignores weights in a vrrp_sync_group without sync_group_tracking_weight", t.Name, t.Weight)
			default:
				r.tracks = append(r.tracks, t)
				p.taken(t.Pos, "track_interface %s: virtual_routers.%s.track", t.Name, r.name)
			}
		}
	}
}

// tell says what became of an instance.
func (p *plan) tell(r *router) {
	i := r.first()
	if r.lead != nil {
		return
	}
	var addrs []string
	for _, a := range r.addrs {
		addrs = append(addrs, a.Prefix.String())
	}
	if r.open {
		addrs = []string{"no address yet"}
	}
	p.taken(i.Pos, "vrrp_instance %s: virtual router %s, vrid %d on %s, priority %d for %s and %d for %s, %s", shown(i.Name), r.name, r.vrid, r.wire(),
		r.priority[0], p.nodes[0].name, r.priority[1], p.nodes[1].name, strings.Join(addrs, ", "))
}
