package ipvs

import (
	"fmt"
	"net/netip"
	"strings"
)

// Forward is how packets reach a real server.
type Forward uint8

// The ways of forwarding, with the kernel's numbers.
const (
	NAT    Forward = 0 // the destination is rewritten, and answers come back through this host
	Local  Forward = 1 // to this host itself
	Tunnel Forward = 2 // wrapped into another packet
	DR     Forward = 3 // to the server's MAC address, unchanged
)

func (f Forward) String() string {
	switch f {
	case NAT:
		return "nat"
	case Local:
		return "local"
	case Tunnel:
		return "tunnel"
	case DR:
		return "dr"
	}
	return fmt.Sprintf("Forward(%d)", uint8(f))
}

// Rewrites tells whether packets get the server's port; all other ways leave the service's.
func (f Forward) Rewrites() bool { return f == NAT }

// Wrap is what a tunnel wraps packets into.
type Wrap uint8

// The kinds of tunnels, with the kernel's numbers.
const (
	IPIP Wrap = iota
	GUE       // UDP (Generic UDP Encapsulation)
	GRE
)

func (w Wrap) String() string {
	switch w {
	case IPIP:
		return "ipip"
	case GUE:
		return "gue"
	case GRE:
		return "gre"
	}
	return fmt.Sprintf("Wrap(%d)", uint8(w))
}

// Checksum is which checksum a tunnel of GUE or GRE bears.
type Checksum uint8

// The checksums, with the kernel's numbers. RemoteChecksum, of GUE only, has the receiver
// compute the inner one.
const (
	NoChecksum Checksum = iota
	OuterChecksum
	RemoteChecksum
)

// Encapsulation is how a tunnel wraps packets; the zero value is IPIP.
type Encapsulation struct {
	Wrap     Wrap
	Port     uint16 // of GUE
	Checksum Checksum
}

// Server is one real server of a service.
type Server struct {
	Address netip.AddrPort
	Forward Forward
	Tunnel  Encapsulation // of Tunnel
	Weight  int           // 0: it gets no new connections, and finishes those that it has
	// Upper is the number of connections from which on a server gets no more, until it has
	// fewer than Lower, or three quarters of Upper if that is zero. Zero: no limit.
	Upper, Lower uint32
}

func (s Server) String() string {
	words := []string{s.Address.String(), s.Forward.String()}
	if s.Forward == Tunnel && s.Tunnel.Wrap == GUE {
		words = append(words, fmt.Sprintf("gue %d", s.Tunnel.Port))
	} else if s.Forward == Tunnel {
		words = append(words, s.Tunnel.Wrap.String())
	}
	words = append(words, fmt.Sprintf("weight %d", s.Weight))
	if s.Upper > 0 {
		words = append(words, fmt.Sprintf("connections %d..%d", s.Lower, s.Upper))
	}
	return strings.Join(words, " ")
}
