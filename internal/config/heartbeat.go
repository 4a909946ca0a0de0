package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const (
	heartbeatExample = "{key_file: /etc/pairkeeper/pair.key, links: [{lb01: 192.168.9.1, lb02: 192.168.9.2}]}"
	linksExample     = "[{lb01: 192.168.9.1, lb02: 192.168.9.2}]"

	heartbeatPort  = 6940
	heartbeatMost  = 250 * time.Millisecond // the interval, where adverts come less often
	heartbeatLinks = 8
	keyID          = 1 // of a key that stands alone
)

// heartbeat is how the nodes hear each other besides VRRP, as both share it.
type heartbeat struct {
	interval, silentAfter time.Duration
	port                  int
	links                 []map[string]netip.Addr // by node
	secrets               []secret
}

// readHeartbeat reads heartbeat: and arbitration:, once the routers are known.
func (d *Document) readHeartbeat(f fields) {
	v, ok := f.keys["heartbeat"]
	if !ok {
		if a, ok := f.keys["arbitration"]; ok {
			a.errorf("needs heartbeat:, such as heartbeat: %s", heartbeatExample)
		}
		return
	}
	h := &heartbeat{port: heartbeatPort, interval: heartbeatMost}
	for i := range d.routers {
		if every := d.routers[i].shared.VRRP.Interval; every > 0 {
			h.interval = min(h.interval, every)
		}
	}
	d.heartbeat, d.arbitration = h, arbitration{auto: true}
	d.arbitration.vote.fenced = f.has("fence")
	k, ok := v.fields(heartbeatExample, "key_file", "key_credential", "keys", "links", "port", "interval", "silent_after")
	if !ok {
		return
	}
	h.readKeys(k)
	d.readLinks(k)
	k.integer("port", &h.port, 1, 65535)
	k.duration("interval", &h.interval, 10*time.Millisecond, 10*time.Second)
	h.silentAfter = 3*h.interval + max(h.interval/8, 5*time.Millisecond)
	if k.duration("silent_after", &h.silentAfter, 20*time.Millisecond, time.Minute) && h.silentAfter < 2*h.interval {
		k.keys["silent_after"].errorf("%s is less than two intervals of %s: one lost packet would count as silence", printDuration(h.silentAfter), printDuration(h.interval))
	}
	if len(d.routers) == 0 {
		v.warnf("has no effect without virtual_routers:")
	}
	if a, ok := f.keys["arbitration"]; ok {
		d.readArbitration(a)
	}
}

// readKeys reads one key, or several with their ids, of which the first one signs.
func (h *heartbeat) readKeys(f fields) {
	list, ok := f.keys["keys"]
	if !ok {
		if s, ok := readSecret(f, "", "key_file", "key_credential", "or keys: (make one with: pairkeeper keygen /etc/pairkeeper/pair.key)"); ok {
			s.id = keyID
			h.secrets = append(h.secrets, s)
		}
		return
	}
	for _, one := range []string{"key_file", "key_credential"} {
		if f.has(one) {
			f.keys[one].errorf("stands beside keys:, remove one of the two")
		}
	}
	items, ok := list.list("a list such as [" + keyExample + "]")
	if !ok {
		return
	}
	if len(items) == 0 {
		list.errorf("is empty: write a list such as [%s]", keyExample)
	}
	ids := map[int]value{}
	for _, item := range items {
		if s, ok := readKey(item, ids); ok {
			h.secrets = append(h.secrets, s)
		}
	}
}

// readLinks reads the links: on each, both nodes have an address.
func (d *Document) readLinks(f fields) {
	v, ok := f.need("links", linksExample)
	if !ok {
		return
	}
	items, ok := v.list("a list such as " + linksExample)
	if !ok {
		return
	}
	if n := len(items); n == 0 || n > heartbeatLinks {
		v.errorf("has %d links, 1 to %d are possible", n, heartbeatLinks)
	}
	seen := map[netip.Addr]value{}
	for _, item := range items {
		if link := d.readLink(item, seen); link != nil {
			d.heartbeat.links = append(d.heartbeat.links, link)
		}
	}
}

func (d *Document) readLink(v value, seen map[netip.Addr]value) map[string]netip.Addr {
	f, ok := v.fields("{lb01: 192.168.9.1, lb02: 192.168.9.2}", d.Nodes()...)
	if !ok {
		return nil
	}
	link := map[string]netip.Addr{}
	for _, n := range d.nodes {
		at, ok := f.need(n.name, n.address.String())
		if !ok {
			continue
		}
		a, ok := at.hostAddress()
		if !ok {
			continue
		}
		link[n.name] = a
		for i := range d.routers {
			if d.routers[i].holds(a) {
				at.errorf("%s is a virtual address, which moves between the nodes: write one that stays", a)
			}
		}
		if first, twice := seen[a]; twice {
			at.errorf("%s is used already by %s", a, first.place())
		}
		seen[a] = at
	}
	if len(link) < 2 {
		return nil
	}
	if a, b := link[d.nodes[0].name], link[d.nodes[1].name]; a.Is4() != b.Is4() {
		v.errorf("has an address of %s and one of %s", family(a), family(b))
	}
	return link
}

// link gives a node its end of the heartbeat, and what the arbiter asks.
func (d *Document) link(c *supervisor.Config, self, peer node) {
	h := d.heartbeat
	if h == nil {
		return
	}
	c.Heartbeat = supervisor.Heartbeat{
		Interval: h.interval, Patience: h.silentAfter, Self: self.address, Other: peer.address, Digest: d.digest(),
	}
	at := func(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, uint16(h.port)) }
	for _, l := range h.links {
		c.Heartbeat.Links = append(c.Heartbeat.Links, supervisor.HeartbeatLink{Local: at(l[self.name]), Peer: at(l[peer.name])})
	}
	for _, s := range h.secrets {
		c.Heartbeat.Keys = append(c.Heartbeat.Keys, fencing.Key{ID: s.id, Secret: s.key})
	}
	d.arbitration.decide(c, self)
	d.askPeer(c, peer)
	for i := range c.Routers {
		c.Routers[i].VRRP.Grouped, c.Routers[i].VRRP.Patient = true, true
	}
}

// digest tells one configuration from another: it is the same on both nodes.
func (d *Document) digest() uint64 {
	shared := *d
	shared.node = ""
	var text bytes.Buffer
	if shared.Print(&text) != nil {
		return 0
	}
	sum := sha256.Sum256(text.Bytes())
	return binary.BigEndian.Uint64(sum[:])
}

func (d *Document) heartbeatTree() *yaml.Node {
	h := d.heartbeat
	t := block()
	if len(h.secrets) == 1 && h.secrets[0].id == keyID {
		t.set(secretTree(h.secrets[0], "", "key_file", "key_credential"))
	} else {
		t.set("keys", keysTree(h.secrets))
	}
	links := list()
	for _, l := range h.links {
		links.Content = append(links.Content, d.byNodeTree(l))
	}
	t.set("links", links)
	t.set("port", number(h.port))
	t.set("interval", duration(h.interval))
	t.set("silent_after", duration(h.silentAfter))
	return t.Node
}
