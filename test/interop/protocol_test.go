//go:build linux

package interop

import (
	"fmt"
	"testing"
	"time"
)

// protocol is what both programs are told of the wire.
type protocol struct {
	name       string
	version    int
	interval   time.Duration
	auth       string // pass or ah; empty: none
	password   string
	ipv6       bool
	unicast    bool
	virtualMAC bool
}

var (
	v2     = protocol{name: "v2 none 1s", version: 2, interval: time.Second}
	v2pass = protocol{name: "v2 pass 1s", version: 2, interval: time.Second, auth: "pass", password: "secret"}
	v3     = protocol{name: "v3 200ms", version: 3, interval: 200 * time.Millisecond}
	v3fast = protocol{name: "v3 100ms", version: 3, interval: 100 * time.Millisecond}
	v3ipv6 = protocol{name: "v3 IPv6 200ms", version: 3, interval: 200 * time.Millisecond, ipv6: true}
)

func (p protocol) byUnicast() protocol {
	p.name += " unicast"
	p.unicast = true
	return p
}

func (p protocol) withVirtualMAC() protocol {
	p.name += " virtual MAC"
	p.virtualMAC = true
	return p
}

func (p protocol) network(t testing.TB) *network {
	t.Helper()
	if p.ipv6 {
		return newNetwork6(t)
	}
	return newNetwork(t)
}

func (p protocol) addresses() []string {
	if p.ipv6 {
		return []string{local6 + "/64", vip6 + "/64"}
	}
	return []string{vip + "/24"}
}

// sources are where the adverts of the hosts come from.
func (p protocol) sources() [2]string {
	if p.ipv6 {
		return linkLocal
	}
	return NodeAddresses
}

// pair is pairkeeper's configuration of a protocol.
func (p protocol) pair(priorities [2]int) Pair {
	pair := Pair{Version: p.version, VRID: vrid, Interval: p.interval, Priorities: priorities, Addresses: p.addresses()}
	if p.auth != "" {
		pair.Auth = fmt.Sprintf("{type: %s, password: %q}", p.auth, p.password)
	}
	switch {
	case p.unicast && p.ipv6:
		pair.Extra += fmt.Sprintf("unicast: {addresses: {lb01: %q, lb02: %q}}\n", linkLocal[0], linkLocal[1])
	case p.unicast:
		pair.Extra += "unicast: true\n"
	}
	if p.virtualMAC {
		pair.Extra += "virtual_mac: true\n"
	}
	return pair
}

// instance is keepalived's, on one of the hosts.
func (p protocol) instance(host, priority int) Instance {
	i := Instance{Version: p.version, Interface: "eth0", VRID: vrid, Priority: priority, Interval: p.interval, Addresses: p.addresses()}
	switch p.auth {
	case "pass":
		i.AuthType, i.AuthPass = "PASS", p.password
	case "ah":
		i.AuthType, i.AuthPass = "AH", p.password
	}
	if p.unicast {
		i.Extra += fmt.Sprintf("unicast_src_ip %s\nunicast_peer {\n\t%s\n}\n", p.sources()[host], p.sources()[1-host])
	}
	if p.virtualMAC {
		i.Extra += "use_vmac\n"
	}
	return i
}

// skew is Skew_Time of a priority (RFC 9568 6.1, RFC 3768 6.1).
func (p protocol) skew(priority int) time.Duration {
	return p.interval * time.Duration(256-priority) / 256
}

// down is the down interval of a priority (RFC 9568 6.1, RFC 3768 6.1).
func (p protocol) down(priority int) time.Duration { return 3*p.interval + p.skew(priority) }

// lease is the longest that a kernel keeps an address which nobody refreshes: its
// lifetime, and 1.25 s more because the kernel looks in whole seconds.
func (p protocol) lease() time.Duration {
	lifetime := time.Second
	if p.interval >= time.Second {
		lifetime = 2 * time.Second
	}
	return lifetime + 1250*time.Millisecond
}
