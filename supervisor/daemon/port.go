package daemon

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// transports is how many a port may have.
const transports = 3

// port is one interface with the sockets that the virtual routers on it share. Only the
// loop's thread uses it.
type port struct {
	link       vrrpnet.Link
	routers    []*served                   // that use it
	sockets    [transports]*vrrpnet.Socket // nil: nobody needs it
	arp, ndp   vrrpnet.Neighbours          // nil likewise
	frames     *vrrpnet.Frames
	adverts    [transports][256]*served // by VRID
	neighbours map[netip.Addr]*served   // whose addresses are on this interface
	claims     map[claimKey]*vrrpnet.Claim
	barred     map[string]string // by router: why it cannot be run; empty: it can again
	announcers []*served         // who has something left to announce, in turn
	announceAt time.Time         // when they may go on
}

// claimKey is what only one daemon of a host may run on an interface.
type claimKey struct {
	vrid uint8
	ipv6 bool
}

// openPort opens the sockets of the routers that use an interface.
func openPort(link vrrpnet.Link, routers []*served) (*port, error) {
	p := &port{link: link, claims: map[claimKey]*vrrpnet.Claim{}, barred: map[string]string{}}
	if err := p.serve(routers); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// serve changes the routers; sockets that are still needed stay open.
func (p *port) serve(routers []*served) error {
	if len(routers) > 0 && slices.Equal(p.routers, routers) {
		return nil
	}
	p.routers = routers
	p.adverts, p.neighbours = [transports][256]*served{}, map[netip.Addr]*served{}
	var vrids [transports][]uint8
	var addrs4, addrs6 []netip.Addr
	wanted := map[claimKey]*served{}
	frames := false
	for _, r := range routers {
		if r.AdvertsOn() == p.link.Name {
			p.adverts[r.over][r.VRRP.VRID] = r
			vrids[r.over] = append(vrids[r.over], r.VRRP.VRID)
			wanted[claimKey{r.VRRP.VRID, r.IPv6()}] = r
			frames = frames || r.framed()
		}
		if r.Interface != p.link.Name {
			continue
		}
		for _, a := range r.VRRP.Addresses {
			p.neighbours[a] = r
			if a.Is4() {
				addrs4 = append(addrs4, a)
			} else {
				addrs6 = append(addrs6, a)
			}
		}
	}
	p.expectOthers(&vrids)
	problems := []error{p.claim(wanted), p.serveFrames(frames), p.serveARP(addrs4), p.serveNDP(addrs6)}
	for over := range vrids {
		problems = append(problems, p.serveAdverts(vrrpnet.Transport(over), vrids[over]))
	}
	return errors.Join(problems...)
}

// expectOthers has the routers of version 2 hear who authenticates by other packets than
// they: with the IP Authentication Header, or without.
func (p *port) expectOthers(vrids *[transports][]uint8) {
	for _, over := range [][2]vrrpnet.Transport{{vrrpnet.OverAH, vrrpnet.Over4}, {vrrpnet.Over4, vrrpnet.OverAH}} {
		ours, others := over[0], over[1]
		for vrid, r := range p.adverts[ours] {
			if r != nil && r.VRRP.Version == vrrp.V2 && p.adverts[others][vrid] == nil {
				p.adverts[others][vrid] = r
				vrids[others] = append(vrids[others], uint8(vrid))
			}
		}
	}
}

func (p *port) serveAdverts(over vrrpnet.Transport, vrids []uint8) (err error) {
	socket := p.sockets[over]
	switch {
	case len(vrids) == 0 && socket == nil:
		return nil
	case len(vrids) == 0:
		p.sockets[over] = nil
		return socket.Close()
	case socket != nil:
		return socket.Filter(vrids)
	}
	p.sockets[over], err = vrrpnet.Open(p.link, over, vrids)
	return err
}

func (p *port) serveARP(addrs []netip.Addr) (err error) {
	p.arp, err = serveNeighbours(p.arp, addrs, func() (vrrpnet.Neighbours, error) { return vrrpnet.OpenARP(p.link) })
	return err
}

func (p *port) serveNDP(addrs []netip.Addr) (err error) {
	p.ndp, err = serveNeighbours(p.ndp, addrs, func() (vrrpnet.Neighbours, error) { return vrrpnet.OpenNDP(p.link) })
	return err
}

func serveNeighbours(n vrrpnet.Neighbours, addrs []netip.Addr, open func() (vrrpnet.Neighbours, error)) (vrrpnet.Neighbours, error) {
	switch {
	case len(addrs) == 0 && n == nil:
		return nil, nil
	case len(addrs) == 0:
		return nil, n.Close()
	case n != nil:
		return n, n.Watch(addrs)
	}
	n, err := open()
	if err != nil {
		return nil, err
	}
	return n, n.Watch(addrs)
}

func (p *port) serveFrames(wanted bool) (err error) {
	switch {
	case wanted && p.frames == nil:
		p.frames, err = vrrpnet.OpenFrames(p.link)
	case !wanted && p.frames != nil:
		err = p.frames.Close()
		p.frames = nil
	}
	return err
}

// claim keeps other daemons of this host from the virtual routers, and bars those that
// another one has.
func (p *port) claim(wanted map[claimKey]*served) error {
	var problems []error
	for key, c := range p.claims {
		if wanted[key] == nil {
			problems = append(problems, c.Close())
			delete(p.claims, key)
		}
	}
	maps.DeleteFunc(p.barred, func(name string, _ string) bool {
		for _, r := range wanted {
			if r.Name == name {
				return false
			}
		}
		return true
	})
	for key, r := range wanted {
		if p.claims[key] != nil {
			continue
		}
		c, err := vrrpnet.NewClaim(p.link, key.vrid, key.ipv6)
		if err != nil {
			p.barred[r.Name] = err.Error()
			continue
		}
		p.claims[key] = c
		if p.barred[r.Name] != "" {
			p.barred[r.Name] = ""
		}
	}
	return errors.Join(problems...)
}

// claimAgain tries to get what another daemon had.
func (p *port) claimAgain() {
	wanted := map[claimKey]*served{}
	for over := range p.adverts {
		for _, r := range p.adverts[over] {
			if r != nil {
				wanted[claimKey{r.VRRP.VRID, r.IPv6()}] = r
			}
		}
	}
	_ = p.claim(wanted) // closes nothing
}

func (p *port) close() error {
	for _, r := range p.announcers {
		p.hush(r)
	}
	problems := []error{p.claim(nil), p.serveFrames(false), p.serveARP(nil), p.serveNDP(nil)}
	for over := range p.sockets {
		problems = append(problems, p.serveAdverts(vrrpnet.Transport(over), nil))
	}
	return errors.Join(problems...)
}

// neighboursOf is what a router's addresses are announced and asked for by.
func (p *port) neighboursOf(r *served) vrrpnet.Neighbours {
	if r.IPv6() {
		return p.ndp
	}
	return p.arp
}

// probe asks who has a router's addresses.
func (p *port) probe(r *served) error {
	n := p.neighboursOf(r)
	if n == nil {
		return nil
	}
	for _, a := range r.VRRP.Addresses {
		if err := n.Probe(a); err != nil {
			return err
		}
	}
	return nil
}

// routerFor is whose packet it is; nil: nobody's.
func (p *port) routerFor(over vrrpnet.Transport, pkt *vrrpnet.Packet) *served {
	vrid, ok := vrrp.PeekVRID(pkt.Message, pkt.Envelope.Protocol)
	if ok {
		return p.adverts[over][vrid]
	}
	for _, r := range p.adverts[over] { // too short: somebody's Format refuses it by the right name
		if r != nil {
			return r
		}
	}
	return nil
}
