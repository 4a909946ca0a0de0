package probes

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Place is the host in a check that is made for many servers: At puts a server there. No
// host is called so (RFC 2606).
const Place = "server.invalid"

// What At replaces in the arguments of a program.
const (
	PlaceAddress = "{address}"
	PlacePort    = "{port}"
)

// At is a check of one server. Where the check says no port, it looks at the server's own.
func (c Config) At(server netip.AddrPort) Config {
	port := strconv.Itoa(int(server.Port()))
	switch check := c.Check.(type) {
	case HTTP:
		scheme, rest, _ := strings.Cut(check.URL, Place)
		host := server.Addr().String()
		if server.Addr().Is6() {
			host = "[" + host + "]"
		}
		if !strings.HasPrefix(rest, ":") {
			host += ":" + port
		}
		check.URL = scheme + host + rest
		c.Check = check
	case TCP:
		at := server
		if _, own, _ := strings.Cut(check.Address, ":"); own != "" {
			n, _ := strconv.ParseUint(own, 10, 16)
			at = netip.AddrPortFrom(server.Addr(), uint16(n))
		}
		check.Address = at.String()
		c.Check = check
	case ICMP:
		check.Host = server.Addr().String()
		c.Check = check
	case Exec:
		check.Command = slices.Clone(check.Command)
		fill := strings.NewReplacer(PlaceAddress, server.Addr().String(), PlacePort, port)
		for i, word := range check.Command {
			check.Command[i] = fill.Replace(word)
		}
		c.Check = check
	}
	return c
}
