package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Host is what a host has that virtual servers depend on, as it was read.
type Host struct {
	Sysctls    map[string]int // by name, such as net.ipv4.ip_forward; one that cannot be read is missing
	Interfaces []Interface
	Default    string   // the interface of IPv4's default route; empty: there is none
	IPVS       bool     // the kernel has it, loaded
	Schedulers []string // that it has, loaded or not; empty: not known
}

// Interface is one interface of a host.
type Interface struct {
	Name      string
	Quiet     bool // nobody asks for addresses there: lo, dummies, tunnels
	Tunnel    bool
	Addresses []netip.Prefix
}

// Finding is something of a host that keeps virtual servers from working.
type Finding struct {
	What   string   // is found
	Breaks string   // what does not work
	Mend   []string // commands that mend it now
	Keep   string   // how it stays so after a boot
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s; %s", f.What, f.Breaks, strings.Join(f.Mend, " && "), f.Keep)
}

// settingsFile is where an operator keeps sysctls.
const settingsFile = "/etc/sysctl.d/60-lvs.conf"

// setting is a sysctl and the value that it should have.
type setting struct {
	key  string
	want int
}

// wrong is the finding that some sysctls are not as they should be.
func (h *Host) wrong(breaks string, all ...setting) Finding {
	f := Finding{Breaks: breaks}
	var found, lines []string
	for _, s := range all {
		found = append(found, fmt.Sprintf("%s is %d", s.key, h.Sysctls[s.key]))
		f.Mend = append(f.Mend, fmt.Sprintf("sysctl -w %s=%d", s.key, s.want))
		lines = append(lines, fmt.Sprintf("%s = %d", s.key, s.want))
	}
	f.What = strings.Join(found, " and ")
	word := "the line "
	if len(lines) > 1 {
		word = "the lines "
	}
	f.Keep = "for every boot, " + word + strings.Join(lines, " and ") + " in " + settingsFile
	return f
}

// is tells whether a sysctl is known to have a value.
func (h *Host) is(key string, value int) bool {
	got, known := h.Sysctls[key]
	return known && got == value
}

// confKey is the sysctl of an interface of IPv4, or of "all". A dot in a name becomes a slash
// (sysctl(8)).
func confKey(iface, name string) string {
	return "net.ipv4.conf." + strings.ReplaceAll(iface, ".", "/") + "." + name
}

// greater is what counts of a sysctl of "all" and of an interface where the greater one does.
func (h *Host) greater(iface, name string) (value int, known bool) {
	all, known := h.Sysctls[confKey("all", name)]
	own, both := h.Sysctls[confKey(iface, name)]
	return max(all, own), known && both
}

// holding is the interface with an address, and that with its prefix; nil: there is none.
func (h *Host) holding(a netip.Addr) (*Interface, netip.Prefix) {
	for i := range h.Interfaces {
		for _, p := range h.Interfaces[i].Addresses {
			if p.Addr() == a {
				return &h.Interfaces[i], p
			}
		}
	}
	return nil, netip.Prefix{}
}

// near tells whether an address lies in a network of an interface.
func (h *Host) near(iface string, a netip.Addr) bool {
	at := slices.IndexFunc(h.Interfaces, func(i Interface) bool { return i.Name == iface })
	return at >= 0 && slices.ContainsFunc(h.Interfaces[at].Addresses, func(p netip.Prefix) bool { return p.Contains(a) })
}
