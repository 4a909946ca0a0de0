package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// hostAddress is an address of a host.
func (v value) hostAddress() (netip.Addr, bool) {
	s, ok := v.text("an address such as 10.0.0.5")
	if !ok {
		return netip.Addr{}, false
	}
	if host, _, found := strings.Cut(s, "/"); found {
		v.errorf("%s has a prefix length, the address of a host has none: write %s", show(s), show(host))
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		v.errorf("%s is not an IPv4 or IPv6 address%s", show(s), because(err))
		return netip.Addr{}, false
	}
	if !v.plain(a, s) {
		return netip.Addr{}, false
	}
	return a, v.usable(a, show(s))
}

// virtualAddress is an address with the length of its prefix.
func (v value) virtualAddress() (netip.Prefix, bool) {
	s, ok := v.text("an address such as 10.0.0.3/24")
	if !ok {
		return netip.Prefix{}, false
	}
	host, _, _ := strings.Cut(s, "/")
	if a, err := netip.ParseAddr(host); err == nil && !v.plain(a, s) {
		return netip.Prefix{}, false
	} else if err == nil && host == s {
		v.errorf("%s has no prefix length: write %s/%d, or whatever the network has, or /%d", s, s, usualBits(a), a.BitLen())
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		v.errorf("%s is not an address with a prefix length, such as 10.0.0.3/24 or fd00::3/64%s", show(s), because(err))
		return netip.Prefix{}, false
	case p.Bits() == 0:
		v.errorf("%s has the prefix length 0, that is the whole internet: write the network's, such as /%d", s, usualBits(p.Addr()))
		return netip.Prefix{}, false
	}
	return p, v.usable(p.Addr(), s) && v.inside(p)
}

// usualBits is the prefix length that most networks have.
func usualBits(a netip.Addr) int {
	if a.Is4() {
		return 24
	}
	return 64
}

// plain reports addresses that are written as something else.
func (v value) plain(a netip.Addr, s string) bool {
	switch {
	case a.Is4In6():
		v.errorf("%s is an IPv4 address written as IPv6: write %s", show(s), a.Unmap())
	case a.Zone() != "":
		v.errorf("%s names an interface after the %%, which the key interface: does here: write %s", show(s), a.WithZone(""))
	default:
		return true
	}
	return false
}

// usable reports addresses that no host can have.
func (v value) usable(a netip.Addr, s string) bool {
	what := ""
	switch {
	case a.Is4() && a.As4()[0] == 0:
		what = "is in 0.0.0.0/8, no host has an address there"
	case a.IsUnspecified():
		what = "is the unspecified address, no host has it"
	case a.IsLoopback():
		what = "is a loopback address, no other host can reach it"
	case a.IsMulticast():
		what = "is a multicast address"
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		what = "is the broadcast address"
	default:
		return true
	}
	v.errorf("%s %s", s, what)
	return false
}

// inside reports the first and the last address of a network, which are no host's.
func (v value) inside(p netip.Prefix) bool {
	if p.Addr().BitLen()-p.Bits() <= 1 { // RFC 3021, RFC 6164
		return true
	}
	switch {
	case p.Addr().Is6():
		if p.Addr() == p.Masked().Addr() {
			v.errorf("%s is the anycast address that all routers of its network share (RFC 4291 2.6.1): take another one", p)
			return false
		}
	case p.Addr() == p.Masked().Addr():
		v.errorf("%s is the address of the network itself", p)
		return false
	case p.Addr() == last(p):
		v.errorf("%s is the broadcast address of its network", p)
		return false
	}
	return true
}

// last is the last address of an IPv4 prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := range b {
		host := max(0, min(8, 8*(i+1)-p.Bits()))
		b[i] |= byte(1<<host - 1)
	}
	return netip.AddrFrom4(b)
}

// because is netip's reason without the value that it repeats.
func because(err error) string {
	why := err.Error()
	why = why[strings.LastIndex(why, `"): `)+1:]
	why = strings.TrimPrefix(why, "): ")
	if why == "unable to parse IP" || why == "no '/'" {
		return ""
	}
	return ": " + show(why)
}

// maxLabel is IFNAMSIZ without its NUL.
const maxLabel = 15

// readAddress is an entry of addresses:, a text or a mapping.
func readAddress(v value, iface string) (a supervisor.Address, ok bool) {
	const wanted = "an address such as 10.0.0.3/24"
	if v.kind() != "a mapping" {
		a.Prefix, ok = v.virtualAddress()
		return a, ok
	}
	f, ok := v.fields(wanted, "address", "label", "noprefixroute")
	if !ok {
		return a, false
	}
	if v, good := f.need("address", "10.0.0.3/24"); good {
		a.Prefix, ok = v.virtualAddress()
	} else {
		ok = false
	}
	f.boolean("noprefixroute", &a.NoPrefixRoute)
	if f.text("label", &a.Label, "a label such as eth0:1") {
		f.keys["label"].checkLabel(a.Label, iface)
		if ok && a.Prefix.Addr().Is6() {
			f.keys["label"].errorf("is for IPv4 only: remove it")
		}
	}
	return a, ok
}

func (v value) checkLabel(label, iface string) {
	name, given := strings.CutPrefix(label, iface+":")
	switch {
	case len(label) > maxLabel:
		v.errorf("%s has %d bytes, the kernel allows %d", show(label), len(label), maxLabel)
	case iface != "" && (!given || name == ""):
		v.errorf("%s does not start with the interface's name: write %s:1", show(label), iface)
	case strings.ContainsFunc(label, oddInName):
		v.errorf("%s: only visible ASCII without / is allowed", show(label))
	}
}

// family names the family of an address.
func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// oddInName tells what the name of an interface or a label may not contain.
func oddInName(r rune) bool { return r <= ' ' || r > '~' || r == '/' }

// count writes a number with its noun.
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// place names another place of the file.
func (v value) place() string { return fmt.Sprintf("%s (line %d)", v.path, v.at()) }
