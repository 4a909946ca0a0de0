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
	switch check := c.Check.(type) {
	case HTTP:
		check.URL = urlAt(check.URL, server)
		check.Also = slices.Clone(check.Also)
		for i, url := range check.Also {
			check.Also[i] = urlAt(url, server)
		}
		c.Check = check
	case TCP:
		check.Address = placed(check.Address, server)
		c.Check = check
	case UDP:
		check.Address = placed(check.Address, server)
		c.Check = check
	case SMTP:
		check.Address = placed(check.Address, server)
		c.Check = check
	case DNS:
		check.Server = placed(check.Server, server)
		c.Check = check
	case ICMP:
		check.Host = server.Addr().String()
		c.Check = check
	case Exec:
		check.Command = slices.Clone(check.Command)
		fill := strings.NewReplacer(PlaceAddress, server.Addr().String(), PlacePort, strconv.Itoa(int(server.Port())))
		for i, word := range check.Command {
			check.Command[i] = fill.Replace(word)
		}
		c.Check = check
	}
	return c
}

// placed is the server with the port that an address has, if it has one.
func placed(address string, server netip.AddrPort) string {
	if _, own, _ := strings.Cut(address, ":"); own != "" {
		n, _ := strconv.ParseUint(own, 10, 16)
		server = netip.AddrPortFrom(server.Addr(), uint16(n))
	}
	return server.String()
}

// urlAt is a URL of the server, at its own port if the URL has none.
func urlAt(url string, server netip.AddrPort) string {
	scheme, rest, _ := strings.Cut(url, Place)
	host := server.Addr().String()
	if server.Addr().Is6() {
		host = "[" + host + "]"
	}
	if !strings.HasPrefix(rest, ":") {
		host += ":" + strconv.Itoa(int(server.Port()))
	}
	return scheme + host + rest
}
