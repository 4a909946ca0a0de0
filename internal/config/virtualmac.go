package config

import (
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// readVirtualMACs reads virtual_mac: of all routers. What an interface may not be called
// is known once all of them have been read.
func (d *Document) readVirtualMACs() {
	used := map[string]value{}
	for i := range d.routers {
		d.routers[i].uses(used)
	}
	macs := map[string]value{}
	for i := range d.routers {
		if v, ok := d.routers[i].fields.keys["virtual_mac"]; ok {
			d.readVirtualMAC(v, &d.routers[i], used, macs)
		}
	}
}

// uses notes the interfaces of a router.
func (r *router) uses(used map[string]value) {
	note := func(name string, v value) {
		if _, twice := used[name]; !twice && name != "" {
			used[name] = v
		}
	}
	note(r.shared.Interface, r.fields.keys["interface"])
	note(r.shared.AdvertInterface, r.fields.keys["advert_interface"])
	for _, t := range r.tracks {
		note(t.Interface, t.at)
	}
}

// readVirtualMAC reads virtual_mac:, true or a mapping.
func (d *Document) readVirtualMAC(v value, r *router, used, macs map[string]value) {
	name, adverts, at := r.macName(), "virtual", v
	if r.unicast != nil {
		adverts = "base" // a peer's address is reached by the interface's
	}
	if v.kind() == "a mapping" {
		f, ok := v.fields("{name: "+name+", adverts: virtual}", "name", "adverts")
		if !ok {
			return
		}
		if f.text("name", &name, "an interface such as "+name) {
			at = f.keys["name"]
			if !at.checkInterface(name) {
				name = ""
			}
		}
		if a, ok := f.keys["adverts"]; ok {
			adverts, _ = a.one("virtual", "base")
			if adverts == "virtual" && r.unicast != nil {
				a.errorf("virtual does not go with unicast, which is sent from the interface itself: write adverts: base")
			}
		}
	} else if yes, ok := v.boolean(); !ok || !yes {
		return
	}
	r.shared.VirtualMAC.Name, r.shared.VirtualMAC.FromBase = name, adverts == "base"
	d.checkVirtualMAC(v, r)
	if first, clash := used[name]; clash {
		at.errorf("%s would be made by pairkeeper, but %s is an interface that it needs: write virtual_mac: {name: …}", name, first.place())
		return
	}
	if name != "" {
		at.unique(macs, "the interface "+name)
	}
}

// checkVirtualMAC reports what cannot lie on an interface of the router's own.
func (d *Document) checkVirtualMAC(v value, r *router) {
	if r.shared.AdvertInterface != "" {
		v.errorf("stands beside advert_interface: remove one, the virtual MAC address is one of %s", r.shared.Interface)
	}
	for _, n := range d.nodes {
		if r.priority[n.name] == vrrp.PriorityOwner {
			v.errorf("does not go with priority 255 (%s): the owner's addresses lie on %s, under its own MAC address", n.name, r.shared.Interface)
		}
	}
	for _, a := range r.shared.Addresses {
		if a.Label != "" {
			v.errorf("does not go with the label %s, which begins with another interface's name: remove it", a.Label)
		}
	}
}

// macName is what the interface with a router's virtual MAC address is called by default,
// such as pk4-50.eth0. Where that would be too long, a hash and the end of the name stand
// for the interface.
func (r *router) macName() string {
	version := 4
	if r.v6() {
		version = 6
	}
	iface := r.shared.Interface
	prefix := fmt.Sprintf("pk%d-%d.", version, r.shared.VRRP.VRID)
	if len(prefix)+len(iface) <= maxLabel {
		return prefix + iface
	}
	h := fnv.New32a()
	h.Write([]byte(iface))
	hash := "00" + strconv.FormatUint(uint64(h.Sum32()), 36)
	hash = hash[len(hash)-3:]
	return prefix + hash + iface[len(iface)-(maxLabel-len(prefix)-len(hash)):]
}
