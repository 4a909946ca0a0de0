package config

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// taken is what a virtual router may not share with another one, with where it stands.
type taken struct {
	vrids, names map[string]value
	addresses    map[netip.Addr]value
}

// readPlace reads where a router is: its interfaces and its vrid.
func readPlace(f fields, s *supervisor.Router) {
	if _, ok := f.need("interface", "eth0"); ok {
		readInterface(f, "interface", &s.Interface)
	}
	readInterface(f, "advert_interface", &s.AdvertInterface)
	if s.AdvertInterface != "" && s.AdvertInterface == s.Interface {
		f.keys["advert_interface"].warnf("%s is the router's interface, which carries its adverts anyway", s.Interface)
		s.AdvertInterface = ""
	}
	if v, ok := f.need("vrid", "50"); ok {
		n, _ := v.integer(1, 255)
		s.VRRP.VRID, s.Format.VRID = uint8(n), uint8(n)
	}
}

// readInterface leaves empty what is not the name of an interface.
func readInterface(f fields, key string, into *string) {
	var name string
	if f.text(key, &name, "an interface such as eth0") && f.keys[key].checkInterface(name) {
		*into = name
	}
}

// readName names a router. Its family, which is part of what tells it from others, is
// known by now.
func readName(f fields, r *router, seen *taken) {
	s := &r.shared
	known, fresh := s.Interface != "" && s.VRRP.VRID != 0, true
	if known {
		fresh = f.keys["vrid"].unique(seen.vrids, r.identity())
	}
	if !known && !f.has("name") {
		return
	}
	s.Name = fmt.Sprintf("vr%d-%s", s.VRRP.VRID, s.Interface)
	if r.v6() {
		s.Name = fmt.Sprintf("vr%dv6-%s", s.VRRP.VRID, s.Interface)
	}
	at := f.value
	if f.text("name", &s.Name, "a name such as web") {
		at = f.keys["name"]
		if !printable(s.Name) {
			at.errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(s.Name), maxName)
			return
		}
	}
	if fresh || f.has("name") {
		at.uniqueName(seen.names, s.Name)
	}
}

// identity is what adverts tell a router by, for people: each family has vrids of its own.
func (r *router) identity() string {
	iface := r.shared.Interface
	if r.shared.AdvertInterface != "" {
		iface = r.shared.AdvertInterface
	}
	if r.v6() {
		return fmt.Sprintf("%d for IPv6 on %s", r.shared.VRRP.VRID, iface)
	}
	return fmt.Sprintf("%d on %s", r.shared.VRRP.VRID, iface)
}

// unique tells whether a thing is used for the first time, and reports where it is not.
func (v value) unique(seen map[string]value, what string) bool {
	first, twice := seen[what]
	if twice {
		v.errorf("%s is used already by %s", what, first.place())
		return false
	}
	seen[what] = v
	return true
}

// uniqueName reports a name that is used a second time.
func (v value) uniqueName(seen map[string]value, name string) {
	if first, twice := seen[name]; twice {
		v.errorf("is called %s as %s is: give it a name of its own", show(name), first.place())
		return
	}
	seen[name] = v
}

// checkInterface is what the kernel wants of a name (dev_valid_name).
func (v value) checkInterface(name string) bool {
	switch {
	case len(name) > maxLabel:
		v.errorf("%s has %d bytes, an interface's name has %d at the most", show(name), len(name), maxLabel)
	case name == "." || name == ".." || strings.ContainsFunc(name, oddInName) || strings.Contains(name, ":"):
		v.errorf("%s is not an interface's name: visible ASCII without / and : is allowed", show(name))
	default:
		return true
	}
	return false
}
