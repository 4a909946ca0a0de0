package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// router is a virtual router as both nodes share it.
type router struct {
	shared   supervisor.Router // all but what a node has for itself
	priority map[string]uint8  // by node
	unicast  *unicast          // nil: multicast
	tracks   []track
	hooks    supervisor.Hooks // its own; shared has those of the pair too
	secrets  []secret
	fields   fields // for messages, while the file is read
}

// on is the router as one node runs it.
func (r *router) on(n, peer node) supervisor.Router {
	c := r.shared
	c.VRRP.Priority, c.VRRP.PeerPriority = r.priority[n.name], r.priority[peer.name]
	if n.address.Is4() != r.v6() {
		c.Source = n.address
	}
	if r.has() && !r.v6() && peer.address.Is4() { // those of IPv6 come from a link-local one
		c.Peer = peer.address
	}
	if r.unicast != nil {
		c.Source, c.Peer = r.unicast.addresses[n.name], r.unicast.addresses[peer.name]
		c.Format.Peers = []vrrp.Peer{r.unicast.peer(peer)}
	}
	for _, t := range r.tracks {
		c.Track = append(c.Track, t.on(n))
	}
	for _, s := range r.secrets {
		if s.id != 0 {
			c.Format.Auth.Keys = append(c.Format.Auth.Keys, vrrp.HMACKey{ID: s.id, Secret: s.key})
		} else {
			c.Format.Auth.Key = s.key
		}
	}
	return c
}

func (r *router) holds(a netip.Addr) bool { return slices.Contains(r.shared.VRRP.Addresses, a) }

// has tells whether the router has an address, and so a family.
func (r *router) has() bool { return len(r.shared.VRRP.Addresses) > 0 }

// v6 tells whether the router is one of IPv6.
func (r *router) v6() bool { return r.has() && r.shared.VRRP.Addresses[0].Is6() }

// defaultRouter is a virtual router where the file does not say otherwise.
func defaultRouter() supervisor.Router {
	return supervisor.Router{
		VRRP: vrrp.Config{
			Version:       vrrp.V3,
			Preempt:       true,
			Pair:          true,
			DownAdverts:   3,
			AnnounceAgain: 5 * time.Second,
			AnnounceEvery: time.Second,
		},
		Format: vrrp.Format{Checksum: vrrp.ChecksumPseudo},
		Burst:  5,
	}
}

const (
	routerExample       = "- {interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}"
	defaultPreemptDelay = 30 * time.Second
)

func (d *Document) readRouters(v value) {
	items, ok := v.list("a list such as " + routerExample)
	if !ok {
		return
	}
	if len(items) == 0 {
		v.errorf("is empty: write a list such as %s, or remove the key", routerExample)
	}
	seen := &taken{vrids: map[string]value{}, names: map[string]value{}, addresses: map[netip.Addr]value{}}
	for _, item := range items {
		if f, ok := item.fields(routerExample, routerKeys...); ok {
			d.routers = append(d.routers, d.readRouter(f, seen))
		}
	}
	d.readVirtualMACs()
	d.joinGroups()
}

// forget lets go of the file's text, which is many times larger than what it says.
func (d *Document) forget() {
	d.probeWeights = nil
	for i := range d.routers {
		r := &d.routers[i]
		r.fields = fields{}
		for i := range r.tracks {
			r.tracks[i].at, r.tracks[i].weightAt = value{}, value{}
		}
	}
}

var routerKeys = []string{"name", "interface", "advert_interface", "vrid", "version", "advert_interval", "down_adverts", "priority",
	"preferred", "group", "addresses", "virtual_mac", "unicast", "preempt", "preempt_delay", "preempt_delay_max", "flap_window", "auth", "checksum", "track", "garp", "hooks"}

func (d *Document) readRouter(f fields, seen *taken) router {
	r := router{shared: defaultRouter(), fields: f}
	s := &r.shared
	readPlace(f, s)
	readVersion(f, s)
	d.readPriorities(f, &r)
	d.readAddresses(f, &r, seen)
	readName(f, &r, seen)
	readGroup(f, s)
	d.readUnicast(f, &r)
	readPreempt(f, s)
	readDamping(f, s)
	readAuth(f, &r)
	readChecksum(f, &r)
	d.readTracks(f, &r)
	readGARP(f, s)
	if v, ok := f.keys["hooks"]; ok {
		d.readHooks(v, &r.hooks)
	}
	return r
}

// readVersion reads the protocol's version and the advert interval that it allows.
func readVersion(f fields, s *supervisor.Router) {
	n := int(vrrp.V3)
	ok := !f.has("version") || f.integer("version", &n, 2, 3)
	s.VRRP.Version, s.Format.Version = vrrp.Version(n), vrrp.Version(n)
	s.VRRP.Interval = defaultInterval(s.VRRP.Version)
	if f.duration("advert_interval", &s.VRRP.Interval, 0, time.Hour) && ok {
		if wrong := wrongInterval(s.VRRP.Version, s.VRRP.Interval); wrong != "" {
			f.keys["advert_interval"].errorf("%s %s", printDuration(s.VRRP.Interval), wrong)
		}
	}
	if f.integer("down_adverts", &s.VRRP.DownAdverts, 1, 100) && s.VRRP.DownAdverts == 1 {
		f.keys["down_adverts"].warnf("1: a single lost advert makes the other node take the addresses")
	}
	// LifetimeFor reckons with three adverts.
	s.VRRP.Lifetime = vrrp.LifetimeFor(s.VRRP.Interval * time.Duration(s.VRRP.DownAdverts) / 3)
}

// wrongInterval says why an advert cannot carry an interval, or is empty
// (RFC 9568 5.2.7, RFC 3768 5.3.7).
func wrongInterval(v vrrp.Version, d time.Duration) string {
	unit, most, bounds := 10*time.Millisecond, 4095, "10ms..40.95s, the range of version 3"
	if v == vrrp.V2 {
		unit, most, bounds = time.Second, 255, "1s..255s, the range of version 2"
	}
	switch {
	case d < unit || d > time.Duration(most)*unit:
		return "is not in " + bounds
	case d%unit != 0:
		return fmt.Sprintf("is not a multiple of %s, adverts of version %d count in those", printDuration(unit), v)
	}
	return ""
}

func defaultInterval(v vrrp.Version) time.Duration {
	if v == vrrp.V2 {
		return time.Second
	}
	return 200 * time.Millisecond
}

func readPreempt(f fields, s *supervisor.Router) {
	v := &s.VRRP
	f.boolean("preempt", &v.Preempt)
	if v.Preempt {
		v.PreemptDelay = defaultPreemptDelay
	}
	if f.duration("preempt_delay", &v.PreemptDelay, 0, 24*time.Hour) && !v.Preempt && v.PreemptDelay > 0 {
		f.keys["preempt_delay"].warnf("has no effect: preempt is false")
		v.PreemptDelay = 0
	}
}

func readChecksum(f fields, r *router) {
	s := &r.shared
	v, ok := f.keys["checksum"]
	if !ok {
		return
	}
	word, ok := v.one("pseudo", "plain")
	switch {
	case !ok:
	case s.VRRP.Version == vrrp.V2:
		v.errorf("is for version 3: VRRPv2 has one rule only, remove it")
	case r.v6():
		v.errorf("is for IPv4: over IPv6 the checksum always includes the pseudo-header (RFC 9568 5.2.8), remove it")
	}
	if word == "plain" {
		s.Format.Checksum = vrrp.ChecksumPlain
	}
}

func readGARP(f fields, s *supervisor.Router) {
	v, ok := f.keys["garp"]
	if !ok {
		return
	}
	g, ok := v.fields("{burst: 5, again: 5s, refresh: 1s}", "burst", "again", "refresh", "reply")
	if !ok {
		return
	}
	g.integer("burst", &s.Burst, 1, 100)
	g.duration("again", &s.VRRP.AnnounceAgain, 0, time.Hour)
	g.duration("refresh", &s.VRRP.AnnounceEvery, 0, 24*time.Hour)
	g.boolean("reply", &s.Replies)
}
