package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/pairkeeper/pairkeeper/internal/bindings"
	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// nonlocal warns of a proxy that binds a virtual address where the kernel lets it do so
// only while the address is here: it could not be started on the Backup.
func nonlocal(cfg supervisor.Config) []config.Error {
	virtual := map[netip.Addr]bool{}
	for _, r := range cfg.Routers {
		for _, a := range r.Addresses {
			virtual[a.Prefix.Addr()] = true
		}
	}
	var warnings []config.Error
	for _, b := range bindings.Find(cfg.Proxy, func(a netip.Addr) bool { return virtual[a] }) {
		family := "ipv4"
		if b.Addr.Is6() {
			family = "ipv6"
		}
		if text, err := os.ReadFile("/proc/sys/net/" + family + "/ip_nonlocal_bind"); err != nil || strings.TrimSpace(string(text)) != "0" {
			continue
		}
		key := "net." + family + ".ip_nonlocal_bind"
		warnings = append(warnings, config.Error{File: b.File, Line: b.Line, Text: fmt.Sprintf(
			"binds the virtual address %s, which is not here while the other node holds it, and %s is 0: the proxy cannot be started then; have it listen on all addresses, or sysctl -w %s=1, and the line %s = 1 in /etc/sysctl.d/60-pairkeeper.conf",
			b.Addr, key, key, key)})
	}
	return warnings
}
