package keepalived

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// lint tells what was wrong in the original: in each file, and between the two.
func (p *plan) lint() {
	for _, c := range p.configs {
		for _, i := range c.Instances {
			p.lintInstance(c, i)
		}
		p.lintScripts(c)
		p.lintVRIDs(c)
	}
	for _, pair := range p.pairs() {
		if pair[0] != nil && pair[1] != nil {
			p.lintPair(pair[0], pair[1])
		} else if p.both() {
			i, at := pair[0], 1
			if i == nil {
				i, at = pair[1], 0
			}
			p.wrong(i.Pos, "one-sided", "vrrp_instance %s is not in the file of %s: its addresses have no second node", shown(i.Name), p.nodes[at].name)
		}
	}
	if p.both() {
		p.lintServers()
	}
}

func (p *plan) lintInstance(c *Config, i *Instance) {
	name := shown(i.Name)
	if i.State == "MASTER" && i.NoPreempt {
		p.wrong(i.PreemptAt, "nopreempt-master", "%s: nopreempt with state MASTER: keepalived clears it, and the node takes the addresses back", name)
	}
	if i.State == "MASTER" && i.PreemptDelay > 0 {
		p.wrong(i.PreemptAt, "preempt-delay-master", "%s: preempt_delay with state MASTER: keepalived clears it", name)
	}
	if i.Priority == 255 && i.State == "MASTER" && !i.HasPriority {
		p.wrong(i.Pos, "owner", "%s: state MASTER without a priority makes keepalived the owner, with priority 255", name)
	}
	if i.Priority == 255 && len(i.Scripts)+len(i.Processes)+len(i.Files)+len(i.Interfaces) > 0 {
		p.wrong(i.Pos, "owner-check", "%s: with priority 255 no weight changes anything: a broken node keeps the addresses", name)
	}
	p.lintWire(i)
	if i.NoAccept || i.Strict {
		at := i.NoAcceptAt
		if at.Line == 0 {
			at = i.Pos
		}
		p.wrong(at, "no-accept", "%s: no_accept or vrrp_strict: keepalived has the kernel drop all packets to the addresses, even ping: no proxy answers there", name)
	}
	if c.Global.Namespace != "" && len(i.Processes) > 0 {
		p.wrong(i.Pos, "process-namespace", "%s: track_process in a network namespace: keepalived gets no events there and stays in FAULT", name)
	}
	if g := c.groupOf(i.Name); g != nil && !g.Weigh {
		for _, t := range slices.Concat(i.Interfaces, i.Scripts, i.Processes, i.Files) {
			if t.HasWeight && t.Weight != 0 {
				p.wrong(t.Pos, "weight-in-group", "%s: %s has a weight, which keepalived ignores in a vrrp_sync_group without sync_group_tracking_weight", name, shown(t.Name))
			}
		}
	}
}

// trivial are passwords that tutorials have.
var trivial = []string{"1111", "1234", "12345", "123456", "12345678", "password", "secret", "pass", "mypass", "verysecret", "admin", "test"}

func (p *plan) lintWire(i *Instance) {
	name := shown(i.Name)
	switch v3 := i.version() == 3; {
	case i.AuthPass == "":
	case v3:
		p.wrong(i.AuthAt, "auth-v3", "%s: a password with version 3, which has none: keepalived ignores it", name)
	case len(i.AuthPass) > 8:
		p.wrong(i.AuthAt, "auth-cut", "%s: auth_pass has %d bytes, of which keepalived reads the first 8: the rest protects nothing, and is not taken over", name, len(i.AuthPass))
	case slices.Contains(trivial, i.AuthPass):
		p.wrong(i.AuthAt, "auth-trivial", "%s: the password is one that tutorials have", name)
	}
	switch {
	case i.Interval == 0:
	case i.version() == 2 && i.Interval%time.Second != 0:
		p.wrong(i.IntervalAt, "advert-fraction", "%s: version 2 has whole seconds: keepalived takes %s", name, duration(i.interval()))
	case i.version() == 3 && i.Interval > 40950*time.Millisecond:
		p.wrong(i.IntervalAt, "advert-long", "%s: version 3 has 40.95 s at the most", name)
	}
	switch {
	case i.UnicastSource && len(i.Peers) == 0:
		p.wrong(i.SourceAt, "unicast-no-peer", "%s: unicast_src_ip without a unicast_peer: keepalived goes on with multicast", name)
	case len(i.Peers) > 0 && !i.CheckSource && !i.Peers[0].limited():
		p.wrong(i.PeersAt, "unicast-unchecked", "%s: unicast without check_unicast_src: adverts of anybody count", name)
	}
	if i.VRID == 51 {
		p.wrong(i.Pos, "vrid-51", "%s: virtual_router_id 51 is what most examples have: another pair on this network may have it, too", name)
	}
	if i.GARP.Refresh == 0 {
		p.wrong(i.Pos, "garp-refresh", "%s: garp_master_refresh 0: neighbours that missed an announcement keep the wrong MAC address", name)
	}
}

func (p Peer) limited() bool { return p.MinTTL > 0 || p.MaxTTL > 0 }

func (p *plan) lintScripts(c *Config) {
	for _, s := range c.Scripts {
		if !s.HasTimeout && s.Interval > time.Second {
			if worst := time.Duration(min(s.Fall, 1000)) * s.Interval; worst > 10*time.Second {
				p.wrong(s.Pos, "slow", "%s: interval %s and fall %d: a failure is noticed after %s", shown(s.Name), duration(s.Interval), s.Fall, duration(worst))
			}
		}
		seen, _ := p.see(s.Command, s.Name)
		if seen.restarts || seen.stops {
			p.wrong(s.Command.Pos, "script-restarts", "%s starts the proxy or stops keepalived from within the check: keepalived waits for it, and both nodes may do so at once", shown(s.Name))
		}
	}
}

// lintVRIDs looks for instances that disturb each other.
func (p *plan) lintVRIDs(c *Config) {
	for n, i := range c.Instances {
		for _, o := range c.Instances[:n] {
			if i.VRID == o.VRID && i.VRID != 0 && i.Interface == o.Interface && i.v6() == o.v6() {
				p.wrong(i.Pos, "vrid-twice", "%s: virtual_router_id %d on %s is that of %s: keepalived does not start", shown(i.Name), i.VRID, shown(i.Interface), shown(o.Name))
			}
		}
	}
}

// lintPair compares the two sides of a router.
func (p *plan) lintPair(a, b *Instance) {
	name := shown(a.Name)
	differ := func(rule, what string, x, y any, then string) {
		if x != y {
			p.wrong(b.Pos, rule, "%s: %s differs: %v in %s, %v here: %s; that of the first file is taken", name, what, x, a.short(), y, then)
		}
	}
	const both = "each drops the other's adverts, and both hold the addresses"
	differ("vrid-differs", "virtual_router_id", a.VRID, b.VRID, both)
	differ("version-differs", "version", a.version(), b.version(), both)
	differ("interface-differs", "interface", shown(a.Interface), shown(b.Interface), "here it has one name on both nodes")
	if a.version() == 2 && b.version() == 2 {
		differ("interval-differs", "advert_int", duration(a.interval()), duration(b.interval()), both)
		if a.password() != b.password() {
			at := b.AuthAt
			if at.Line == 0 {
				at = b.Pos
			}
			p.wrong(at, "auth-differs", "%s: authentication is not that of %s: %s", name, a.short(), both)
		}
	}
	differ("unicast-differs", "unicast_peer", len(a.Peers) > 0, len(b.Peers) > 0, both)
	differ("addresses-differ", "virtual_ipaddress", a.list(), b.list(), "keepalived before 2.3.3 drops such adverts, so that both hold the addresses")
	p.lintPeers(a, b)
	p.lintOrder(a, b)
	p.lintWeights(a, b)
	p.lintWeights(b, a)
}

// password is what counts of it.
func (i *Instance) password() string {
	return i.AuthType + " " + i.AuthPass[:min(8, len(i.AuthPass))]
}

// list is the addresses that adverts tell of, in some order.
func (i *Instance) list() string {
	var all []string
	for _, a := range i.Addresses {
		if a.Prefix.IsValid() {
			all = append(all, a.Prefix.Addr().String())
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// lintPeers looks whether both mean each other.
func (p *plan) lintPeers(a, b *Instance) {
	for _, one := range [][2]*Instance{{a, b}, {b, a}} {
		from, to := one[0], one[1]
		if len(from.Peers) == 0 || !to.Source.IsValid() {
			continue
		}
		if !slices.ContainsFunc(from.Peers, func(x Peer) bool { return x.Address == to.Source }) {
			p.wrong(from.PeersAt, "peer-mismatch", "%s: %s, from which the other node sends, is not among the unicast_peer: it is not heard", shown(from.Name), to.Source)
		}
	}
}

func (p *plan) lintOrder(a, b *Instance) {
	name := shown(a.Name)
	switch {
	case a.Priority == b.Priority && a.State == "MASTER" && b.State == "MASTER":
		p.wrong(b.Pos, "both-master", "%s: both nodes have state MASTER and priority %d: at every start both hold the addresses, until the higher IP wins", name, a.Priority)
	case a.Priority == b.Priority:
		p.wrong(b.Pos, "priority-equal", "%s: both nodes have priority %d: who starts first holds, and of two the higher IP", name, a.Priority)
	case a.State == "MASTER" && b.State == "MASTER":
		p.wrong(b.Pos, "both-master", "%s: both nodes have state MASTER: at every start the lower one takes the addresses for a moment", name)
	case a.State == "MASTER" && a.Priority < b.Priority || b.State == "MASTER" && b.Priority < a.Priority:
		p.wrong(b.Pos, "master-lower", "%s: the node with state MASTER has the lower priority: the other one takes over, the state says nothing", name)
	}
}

// lintWeights looks whether a failure on the holder moves the addresses: its priority has to
// fall below the other node's, and that one has to be allowed to take over.
func (p *plan) lintWeights(holder, other *Instance) {
	if holder.Priority < other.Priority {
		return
	}
	up := func(i *Instance, c *Config) (sum int) {
		for _, w := range p.weights(i, c) {
			if w.weight > 0 != w.reverse {
				sum += abs(w.weight)
			}
		}
		return sum
	}
	hc, oc := p.configOf(holder), p.configOf(other)
	have, against := effective(holder.Priority, up(holder, hc)), effective(other.Priority, up(other, oc))
	all := 0
	list := p.weights(holder, hc)
	var weak []string
	for _, w := range list {
		if w.weight == 0 {
			continue
		}
		all += abs(w.weight)
		left := effective(holder.Priority, up(holder, hc)-abs(w.weight))
		if left >= against {
			weak = append(weak, w.name)
			p.wrong(w.Pos, "weight-never-moves", "%s: when %s fails, %s falls from %d to %d, which is not below the %d of %s: the addresses never move", shown(holder.Name), shown(w.name), p.nodeOf(holder), have, left, against, p.nodeOf(other))
		}
	}
	if len(weak) > 1 && effective(holder.Priority, up(holder, hc)-all) < against {
		p.wrong(holder.Pos, "weight-only-together", "%s: only when %s fail together the addresses move", shown(holder.Name), strings.Join(weak, " and "))
	}
	if all > 0 && other.NoPreempt && other.State != "MASTER" {
		p.wrong(other.PreemptAt, "weight-nopreempt", "%s: the other node has weights and this one nopreempt: it takes no address from a node that still sends adverts, however low its priority", shown(other.Name))
	}
}

// weighing is what a failure takes from a priority, or a success adds.
type weighing struct {
	Pos
	name    string
	weight  int
	reverse bool
}

func (p *plan) weights(i *Instance, c *Config) []weighing {
	var list []weighing
	add := func(t Track, weight int, reverse bool) {
		if t.HasWeight {
			weight, reverse = t.Weight, t.Reverse
		}
		list = append(list, weighing{t.Pos, t.Name, weight, reverse})
	}
	for _, t := range i.Scripts {
		if s := find(c.Scripts, t.Name, func(s *Script) string { return s.Name }); s != nil {
			add(t, s.Weight, s.Reverse)
		}
	}
	for _, t := range i.Processes {
		if s := find(c.Processes, t.Name, func(s *Process) string { return s.Name }); s != nil {
			add(t, s.Weight, s.Reverse)
		}
	}
	for _, t := range i.Interfaces {
		add(t, 0, false)
	}
	return list
}

func (p *plan) configOf(i *Instance) *Config {
	for _, c := range p.configs {
		if slices.Contains(c.Instances, i) {
			return c
		}
	}
	return p.configs[0]
}

func (p *plan) nodeOf(i *Instance) string {
	for k, c := range p.configs {
		if slices.Contains(c.Instances, i) {
			return p.nodes[k].name
		}
	}
	return "the other node"
}

// effective is a priority with all weights; the owner's never changes.
func effective(base, sum int) int {
	if base == 255 {
		return base
	}
	return max(1, min(base+sum, 254))
}

func abs(n int) int { return max(n, -n) }

// lintServers compares the virtual servers of both files.
func (p *plan) lintServers() {
	has := func(c *Config, v *VirtualServer) *VirtualServer {
		for _, o := range c.Servers {
			if o.Title == v.Title && o.Protocol == v.Protocol {
				return o
			}
		}
		return nil
	}
	for k, c := range p.configs {
		for _, v := range c.Servers {
			o := has(p.configs[1-k], v)
			switch {
			case o == nil:
				p.wrong(v.Pos, "one-sided", "virtual_server %s is not in the file of %s", shown(v.Title), p.nodes[1-k].name)
			case k == 1 && v.members() != o.members():
				p.wrong(v.Pos, "servers-differ", "virtual_server %s: its real servers are not those of %s; those of the first file are taken", shown(v.Title), o.short())
			}
		}
	}
}

func (v *VirtualServer) members() string {
	var list []string
	for _, r := range v.Reals {
		list = append(list, fmt.Sprintf("%s:%d weight %d", r.Address, r.Port, r.Weight))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
