package daemon

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// port is one interface with the sockets of its virtual routers. Only the loop's
// thread uses it.
type port struct {
	link    vrrpnet.Link
	primary netip.Addr // where adverts come from
	adverts *vrrpnet.Socket
	arp     *vrrpnet.ARP
	routers []supervisor.Router
	claims  map[uint8]*vrrpnet.Claim // by VRID
	count   counters
}

// openPort opens the sockets of the routers that use an interface.
func openPort(link vrrpnet.Link, routers []supervisor.Router) (*port, error) {
	p := &port{link: link, claims: map[uint8]*vrrpnet.Claim{}, count: newCounters()}
	vrids, _ := wanted(routers)
	var err error
	if p.adverts, err = vrrpnet.Open(link, vrrpnet.Over4, vrids); err != nil {
		return nil, err
	}
	if p.arp, err = vrrpnet.OpenARP(link); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := p.serve(routers); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// wanted is what the sockets of some routers must hear.
func wanted(routers []supervisor.Router) (vrids []uint8, addrs []netip.Addr) {
	for _, r := range routers {
		vrids = append(vrids, r.VRRP.VRID)
		addrs = append(addrs, r.VRRP.Addresses...)
	}
	return vrids, addrs
}

// serve changes the routers; the sockets stay open.
func (p *port) serve(routers []supervisor.Router) error {
	p.routers = routers
	vrids, addrs := wanted(routers)
	return errors.Join(p.claim(vrids), p.adverts.Filter(vrids), p.arp.Watch(addrs))
}

// claim keeps other daemons of this host from the virtual routers.
func (p *port) claim(vrids []uint8) error {
	var problems []error
	for vrid, c := range p.claims {
		if !slices.Contains(vrids, vrid) {
			problems = append(problems, c.Close())
			delete(p.claims, vrid)
		}
	}
	for _, vrid := range vrids {
		if p.claims[vrid] != nil {
			continue
		}
		c, err := vrrpnet.NewClaim(p.link, vrid)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.claims[vrid] = c
	}
	return errors.Join(problems...)
}

func (p *port) close() error {
	problems := []error{p.adverts.Close(), p.claim(nil)}
	if p.arp != nil {
		problems = append(problems, p.arp.Close())
	}
	return errors.Join(problems...)
}

// send writes one advert of a router.
func (p *port) send(r supervisor.Router, priority uint8) error {
	env := vrrp.Envelope{Source: p.primary, Destination: vrrp.Group4, TTL: 255}
	ad := vrrp.Advert{Version: r.VRRP.Version, VRID: r.VRRP.VRID, Priority: priority, Interval: r.VRRP.Interval, Addresses: r.VRRP.Addresses}
	var buf [512]byte
	msg, err := r.Format.Append(buf[:0], &ad, env)
	if err != nil {
		return err
	}
	return p.adverts.Send(msg, env)
}

// announce tells everybody where a router's addresses are.
func (p *port) announce(r supervisor.Router) error {
	for range max(r.Burst, 1) {
		for _, a := range r.VRRP.Addresses {
			if err := p.arp.Announce(a, p.link.MAC); err != nil {
				return err
			}
		}
	}
	return nil
}

// probe asks who has a router's addresses.
func (p *port) probe(r supervisor.Router) error {
	for _, a := range r.VRRP.Addresses {
		if err := p.arp.Probe(a); err != nil {
			return err
		}
	}
	return nil
}

// receive reads one waiting packet and says which router it is for; done: none waits.
func (p *port) receive(pkt *vrrpnet.Packet, ad *vrrp.Advert) (ev supervisor.RouterEvent, refused vrrp.Refusal, done bool, err error) {
	ok, err := p.adverts.Receive(pkt)
	if err != nil || !ok {
		return ev, "", !ok, err
	}
	r, known := p.byVRID(pkt.Message)
	if !known {
		return ev, vrrp.RefusalVRID, false, nil
	}
	if refused := r.Format.Parse(ad, pkt.Message, pkt.Envelope); refused != "" {
		return ev, refused, false, nil
	}
	received := vrrp.Received{Advert: *ad, From: pkt.Envelope.Source}
	return supervisor.RouterEvent{Router: r.Name, Event: received}, "", false, nil
}

func (p *port) byVRID(msg []byte) (supervisor.Router, bool) {
	vrid, ok := vrrp.PeekVRID(msg, vrrp.Protocol)
	if !ok {
		return p.routers[0], true // too short: its Format refuses it by the right name
	}
	i := slices.IndexFunc(p.routers, func(r supervisor.Router) bool { return r.VRRP.VRID == vrid })
	if i < 0 {
		return supervisor.Router{}, false
	}
	return p.routers[i], true
}

// heard reads one waiting ARP claim and says for which router it counts.
func (p *port) heard() (name, who string, done bool, err error) {
	h, ok, err := p.arp.Receive()
	if err != nil || !ok {
		return "", "", !ok, err
	}
	if h.Probe {
		return "", "", false, nil // somebody asks, nobody claims
	}
	i := slices.IndexFunc(p.routers, func(r supervisor.Router) bool { return slices.Contains(r.VRRP.Addresses, h.Address) })
	if i < 0 {
		return "", "", false, nil
	}
	return p.routers[i].Name, net.HardwareAddr(h.MAC).String(), false, nil
}
