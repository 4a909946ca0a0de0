package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// hostAddress is an IPv4 address of a host.
func (v value) hostAddress() (netip.Addr, bool) {
	s, ok := v.text("an IPv4 address such as 10.0.0.5")
	if !ok {
		return netip.Addr{}, false
	}
	if host, _, found := strings.Cut(s, "/"); found {
		v.errorf("%s has a prefix length, a node's address has none: write %s", show(s), show(host))
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		v.errorf("%s is not an IPv4 address%s", show(s), because(err))
		return netip.Addr{}, false
	case !a.Is4():
		v.errorf("%s: IPv6 is not supported yet", show(s))
		return netip.Addr{}, false
	}
	return a, v.unicast(a, show(s))
}

// virtualAddress is an IPv4 address with the length of its prefix.
func (v value) virtualAddress() (netip.Prefix, bool) {
	s, ok := v.text("an address such as 10.0.0.3/24")
	if !ok {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
		v.errorf("%s has no prefix length: write %s/24, or whatever the network has, or /32", s, s)
		return netip.Prefix{}, false
	} else if err == nil {
		v.errorf("%s: IPv6 is not supported yet", show(s))
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		v.errorf("%s is not an IPv4 address with a prefix length, such as 10.0.0.3/24%s", show(s), because(err))
		return netip.Prefix{}, false
	case !p.Addr().Is4():
		v.errorf("%s: IPv6 is not supported yet", show(s))
		return netip.Prefix{}, false
	case p.Bits() == 0:
		v.errorf("%s has the prefix length 0, that is the whole internet: write the network's, such as /24", s)
		return netip.Prefix{}, false
	}
	return p, v.unicast(p.Addr(), s) && v.inside(p)
}

// unicast reports addresses that no host can have.
func (v value) unicast(a netip.Addr, s string) bool {
	what := ""
	switch {
	case a.As4()[0] == 0:
		what = "is in 0.0.0.0/8, no host has an address there"
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
	if p.Bits() >= 31 { // RFC 3021
		return true
	}
	switch p.Addr() {
	case p.Masked().Addr():
		v.errorf("%s is the address of the network itself", p)
		return false
	case last(p):
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

// line names another place of the file.
func (v value) place() string { return fmt.Sprintf("%s (line %d)", v.path, v.at()) }
