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

// readIdentity reads what tells a router from others: interface, vrid and name.
func readIdentity(f fields, s *supervisor.Router, seen *taken) {
	var known bool
	if v, ok := f.need("interface", "eth0"); ok {
		known = f.text("interface", &s.Interface, "an interface such as eth0") && v.checkInterface(s.Interface)
	}
	if v, ok := f.need("vrid", "50"); ok {
		n, ok := v.integer(1, 255)
		s.VRRP.VRID, s.Format.VRID = uint8(n), uint8(n)
		if known = known && ok; known {
			v.unique(seen.vrids, fmt.Sprintf("%d on %s", n, s.Interface))
		}
	} else {
		known = false
	}
	if !known && !f.has("name") {
		return
	}
	s.Name = fmt.Sprintf("vr%d-%s", s.VRRP.VRID, s.Interface)
	at := f.value
	if f.text("name", &s.Name, "a name such as web") {
		at = f.keys["name"]
		if !printable(s.Name) {
			at.errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(s.Name), maxName)
			return
		}
	}
	at.uniqueName(seen.names, s.Name, f.has("name"))
}

// unique reports that a thing is used a second time.
func (v value) unique(seen map[string]value, what string) {
	if first, twice := seen[what]; twice {
		v.errorf("%s is used already by %s", what, first.place())
		return
	}
	seen[what] = v
}

// uniqueName reports a name that is used a second time; a default name that clashes with
// another default is reported as a clash of the vrid.
func (v value) uniqueName(seen map[string]value, name string, given bool) {
	first, twice := seen[name]
	if twice && (given || strings.HasSuffix(first.path, ".name")) {
		v.errorf("is called %s as %s is: give it a name of its own", show(name), first.place())
	}
	if !twice {
		seen[name] = v
	}
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
