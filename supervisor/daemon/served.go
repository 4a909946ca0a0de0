package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// served is a virtual router as the loop serves it on the wire. Only the loop's thread
// uses it.
type served struct {
	supervisor.Router
	over  vrrpnet.Transport
	mac   net.HardwareAddr // the virtual one; nil: the interface's own
	from  netip.Addr       // where adverts come from; invalid: not known yet
	count counters
	owned time.Time      // when it last heard that the kernel has its addresses
	left  announcing     // to announce
	held  []vrrpnet.Held // see heldAt
	gated []vrrpnet.Opening

	replay   vrrp.Replay
	sequence uint64
	id       uint16
	heard    vrrp.Advert // the last one; its memory is used again
	hearing  hearing
	message  []byte
}

func newServed(r supervisor.Router) *served {
	s := &served{Router: r, over: transportOf(&r), count: newCounters(), gated: openingsOf(&r)}
	if r.VirtualMAC.Name != "" {
		s.mac = vrrpnet.VirtualMAC(r.VRRP.VRID, r.IPv6())
	}
	return s
}

// heldAt is what the router's addresses are on the interface with an index. The keeper
// changes those that a macvlan has.
func (s *served) heldAt(ifindex int) []vrrpnet.Held {
	if s.mac != nil {
		return heldOf(&s.Router, ifindex)
	}
	if len(s.held) == 0 || s.held[0].Link != ifindex {
		s.held = heldOf(&s.Router, ifindex)
	}
	return s.held
}

// transportOf is what a router's adverts travel by.
func transportOf(r *supervisor.Router) vrrpnet.Transport {
	switch {
	case r.Format.Auth.Type == vrrp.AuthAH:
		return vrrpnet.OverAH
	case r.IPv6():
		return vrrpnet.Over6
	}
	return vrrpnet.Over4
}

// continues takes over from the same virtual router under the configuration before: what
// it counted, and the sequence numbers that the peer and this node have got to.
func (s *served) continues(old *served) {
	s.from, s.count = old.from, old.count
	s.replay, s.sequence, s.id, s.hearing = old.replay, old.sequence, old.id, old.hearing
}

// framed tells that adverts bear the virtual MAC address (RFC 9568 7.3).
func (s *served) framed() bool { return s.mac != nil && !s.VirtualMAC.FromBase && !s.Unicast() }

// send writes an advert to the group or to every peer.
func (s *served) send(p *port, a vrrp.Send) error {
	ad := vrrp.Advert{
		Version: s.VRRP.Version, VRID: s.VRRP.VRID, Priority: a.Priority,
		Interval: s.VRRP.Interval, Addresses: s.VRRP.Addresses, Sequence: s.next(),
	}
	if a.Interval > 0 {
		ad.Interval = a.Interval
	}
	if !s.Unicast() {
		return s.sendTo(p, &ad, s.group())
	}
	for _, peer := range s.Format.Peers {
		if err := s.sendTo(p, &ad, peer.Address); err != nil {
			return err
		}
	}
	return nil
}

func (s *served) group() netip.Addr {
	if s.IPv6() {
		return vrrp.Group6
	}
	return vrrp.Group4
}

func (s *served) sendTo(p *port, ad *vrrp.Advert, to netip.Addr) error {
	s.id++
	env := vrrp.Envelope{Source: s.from, Destination: to, TTL: 255, ID: max(s.id, 1)}
	var err error
	if s.message, err = s.Format.Append(s.message[:0], ad, env); err != nil {
		return err
	}
	socket := p.sockets[s.over]
	switch {
	case s.framed() && p.frames != nil:
		return p.frames.Send(s.message, env, s.mac)
	case socket != nil:
		return socket.Send(s.message, env)
	}
	return fmt.Errorf("%s: no socket for the adverts of %s", p.link.Name, s.Name)
}

// next is the next sequence number of what is authenticated.
func (s *served) next() uint64 {
	switch s.Format.Auth.Type {
	case vrrp.AuthHMAC:
		s.sequence = vrrp.NextSequence(s.sequence, time.Now())
	case vrrp.AuthAH:
		s.sequence = vrrp.NextSequenceAH(s.sequence, time.Now())
	}
	return s.sequence
}

// receive judges a packet for this router.
func (s *served) receive(pkt *vrrpnet.Packet) vrrp.Refusal {
	if refused := s.Format.Parse(&s.heard, pkt.Message, pkt.Envelope); refused != "" {
		return refused
	}
	if s.heard.Sequence == 0 {
		return ""
	}
	from, auth := pkt.Envelope.Source, &s.Format.Auth
	if auth.Type == vrrp.AuthHMAC {
		return s.replay.Check(time.Now(), from, s.heard.Sequence, auth.Window)
	}
	refused := s.replay.CheckAH(time.Now(), from, s.heard.Sequence, s.VRRP.Silence(s.heard.Interval))
	if refused == "" {
		s.sequence = max(s.sequence, s.heard.Sequence) // one counter for all routers
	}
	return refused
}
