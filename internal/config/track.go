package config

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// track is an interface that a router depends on.
type track struct {
	supervisor.Track
	addresses map[string]netip.Addr // by node, where each has its own
	at        value                 // of the interface's name
	weightAt  value
}

// like tells whether two tracks are the same, which counts once in a group.
func (t track) like(u track) bool {
	return t.same(u) && t.Weight == u.Weight && t.Reverse == u.Reverse
}

// on is the track as one node has it.
func (t *track) on(n node) supervisor.Track {
	c := t.Track
	if t.addresses != nil {
		c.Address = t.addresses[n.name]
	}
	return c
}

// maxWeight bounds weights as keepalived does; tracksMost is more than anybody has.
const (
	maxWeight  = 253
	tracksMost = 64
)

const trackExample = "[eth1] or [{interface: eth1, penalty: 51}]"

func (d *Document) readTracks(f fields, r *router) {
	v, ok := f.keys["track"]
	if !ok {
		return
	}
	items, ok := v.list("a list such as " + trackExample)
	if !ok {
		return
	}
	if len(items) == 0 {
		v.warnf("is empty: the router's own interface is tracked anyway")
	}
	if !v.atMost(len(items), tracksMost) {
		return
	}
	for _, item := range items {
		t, ok := d.readTrack(item)
		switch {
		case !ok:
		case t.Interface == r.shared.Interface && t.Need != supervisor.NeedAddress:
			item.warnf("has no effect: the router's own interface %s has to be up with a carrier anyway", t.Interface)
		case slices.ContainsFunc(r.tracks, t.same):
			item.errorf("looks at the same thing of %s as another entry here: remove one", t.Interface)
		default:
			r.tracks = append(r.tracks, t)
		}
	}
}

func (t *track) same(o track) bool {
	return t.Interface == o.Interface && t.Need == o.Need && t.Address == o.Address && maps.Equal(t.addresses, o.addresses)
}

// readTrack reads an entry of track:, the name of an interface or a mapping.
func (d *Document) readTrack(v value) (track, bool) {
	t := track{Track: supervisor.Track{Need: supervisor.NeedCarrier}, at: v}
	if v.kind() != "a mapping" {
		name, ok := v.text("an interface such as eth1")
		t.Interface = name
		if ok && name == "" {
			v.errorf("is empty: write an interface such as eth1")
			return t, false
		}
		return t, ok && v.checkInterface(name)
	}
	f, ok := v.fields("{interface: eth1, penalty: 51}", "interface", "need", "address", "weight", "penalty", "fatal", "reverse")
	if !ok {
		return t, false
	}
	if _, ok := f.need("interface", "eth1"); ok {
		t.at = f.keys["interface"]
		readInterface(f, "interface", &t.Interface)
	}
	d.readNeed(f, &t)
	ok = readWeight(f, &t)
	f.boolean("reverse", &t.Reverse)
	return t, ok && t.Interface != ""
}

var needs = []string{supervisor.NeedAdmin: "admin", supervisor.NeedCarrier: "carrier", supervisor.NeedAddress: "address"}

// readNeed reads what the interface must have.
func (d *Document) readNeed(f fields, t *track) {
	if v, ok := f.keys["need"]; ok {
		if word, ok := v.one(needs...); ok {
			t.Need = supervisor.Need(slices.Index(needs, word))
		}
	}
	v, ok := f.keys["address"]
	if !ok {
		return
	}
	if !f.has("need") {
		t.Need = supervisor.NeedAddress
	} else if t.Need != supervisor.NeedAddress {
		v.errorf("has no effect with need: %s: remove it, or write need: address", needs[t.Need])
	}
	if v.kind() == "a mapping" {
		t.addresses, _ = d.byNode(v)
		return
	}
	t.Address, _ = v.hostAddress()
	for _, n := range d.nodes {
		if n.address == t.Address && t.Address.IsValid() {
			v.errorf("%s is the address of %s, which the other node never has: write an address of each, as in address: %s",
				t.Address, n.name, d.eachExample(n.address.Is6()))
		}
	}
}

// readWeight reads what an unmet need does: weight, penalty or fatal, which is the default.
func readWeight(f fields, t *track) bool {
	var given []string
	for _, key := range []string{"weight", "penalty", "fatal"} {
		if f.has(key) {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		f.errorf("has both %s: and %s:, remove one", given[0], given[1])
		return false
	}
	if len(given) == 0 {
		return true
	}
	t.weightAt = f.keys[given[0]]
	switch v := t.weightAt; given[0] {
	case "weight":
		if isPlainZero(v) {
			v.errorf("0 is keepalived's word for what is the default here: remove it, or write fatal: true")
			return false
		}
		n, ok := v.integer(-maxWeight, maxWeight)
		t.Weight = n
		return ok
	case "penalty":
		n, ok := v.integer(1, maxWeight)
		t.Weight = -n
		return ok
	default:
		fatal, ok := v.boolean()
		if ok && !fatal {
			v.errorf("false leaves open what happens instead: write penalty: or weight:")
		}
		return ok && fatal
	}
}
