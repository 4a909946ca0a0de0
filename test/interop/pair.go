//go:build linux

package interop

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Pair is pairkeeper's configuration of a virtual router of a pair.
type Pair struct {
	Name       string // web unless it is set
	Interface  string // eth0 unless it is set
	Version    int    // 2 or 3
	VRID       int
	Interval   time.Duration
	Priorities [2]int   // of lb01 and lb02; of the first router, if there are more
	Addresses  []string // with prefix length
	Auth       string   // the mapping
	Extra      string   // more lines of the virtual router: checksum, garp, …
}

// Nodes are the names of a Pair's nodes, NodeAddresses their own addresses.
var (
	Nodes         = [2]string{"lb01", "lb02"}
	NodeAddresses = [2]string{"10.0.0.1", "10.0.0.2"}
)

// Config is the pair's configuration file. Pre-emption is not delayed, unless Extra
// says so.
func (p Pair) Config() string { return pairConf(p) }

// pairConf is a configuration file with several virtual routers.
func pairConf(routers ...Pair) string {
	var b strings.Builder
	b.WriteString("nodes:\n")
	for i, name := range Nodes {
		fmt.Fprintf(&b, "  %s: {address: %s, priority: %d}\n", name, NodeAddresses[i], routers[0].Priorities[i])
	}
	b.WriteString("virtual_routers:\n")
	for _, r := range routers {
		r.write(&b)
	}
	return b.String()
}

func (p Pair) write(b *strings.Builder) {
	name, iface := cmp.Or(p.Name, "web"), cmp.Or(p.Interface, "eth0")
	fmt.Fprintf(b, "  - name: %s\n    interface: %s\n    vrid: %d\n    version: %d\n", name, iface, p.VRID, p.Version)
	fmt.Fprintf(b, "    advert_interval: %s\n    addresses: [%s]\n", p.Interval, quoted(p.Addresses))
	if !strings.Contains(p.Extra, "preempt") {
		b.WriteString("    preempt_delay: 0\n")
	}
	if p.Auth != "" {
		fmt.Fprintf(b, "    auth: %s\n", p.Auth)
	}
	b.WriteString(indented("    ", p.Extra))
}

// quoted is a list for YAML, in which an IPv6 address is no mapping.
func quoted(addresses []string) string { return `"` + strings.Join(addresses, `", "`) + `"` }
