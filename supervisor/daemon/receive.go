package daemon

import (
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// source is a socket that the loop reads.
type source struct {
	port       *port
	over       vrrpnet.Transport
	adverts    *vrrpnet.Socket    // either
	neighbours vrrpnet.Neighbours // or
}

// maxBurst bounds how many packets one round takes from a flooded socket.
const maxBurst = 512

func (l *loop) receiveAdverts(s source) {
	for range maxBurst {
		ok, err := s.adverts.Receive(&l.pkt)
		if err != nil {
			l.journal.limited(s.port.link.Name+" receive", logbook.ReceiveFailed, err.Error())
			return
		}
		if !ok {
			return
		}
		l.received(s.port.routerFor(s.over, &l.pkt))
	}
}

// received judges the packet that was read for a router.
func (l *loop) received(r *served) {
	if r == nil {
		return // of no virtual router here
	}
	if refused := r.receive(&l.pkt); refused != "" {
		l.refused(r, refused)
		return
	}
	r.count.received++
	if r.heard.Priority == 0 {
		r.count.released++
	}
	r.hearing.hear(now(), r.heard.Priority, r.VRRP.Silence(r.heard.Interval))
	l.step(supervisor.RouterEvent{Router: r.Name, Event: vrrp.Received{Advert: r.heard, From: l.pkt.Envelope.Source}})
}

// refused counts a packet, and tells it now and then.
func (l *loop) refused(r *served, refused vrrp.Refusal) {
	source, count := r.count.refuse(refused, l.pkt.Envelope.Source)
	l.journal.refused(r.Router, refused, source, count)
}

func (l *loop) receiveNeighbours(s source) {
	for range maxBurst {
		h, ok, err := s.neighbours.Receive()
		if err != nil {
			l.journal.limited(s.port.link.Name+" neighbours", logbook.ReceiveFailed, err.Error())
			return
		}
		if !ok {
			return
		}
		r := s.port.neighbours[h.Address]
		if r == nil || h.Probe { // somebody asks, nobody claims
			continue
		}
		l.step(supervisor.RouterEvent{Router: r.Name, Event: l.claim(r.Name, h.MAC.String())})
	}
}

// claim is what somebody else's ARP or neighbour advertisement means to a router: an
// answer to who waits for the address, a claim to who holds it. Each state ignores the
// other one's event.
func (l *loop) claim(name, who string) vrrp.Event {
	if l.node.Active(name) {
		return vrrp.Claimed{By: who}
	}
	return vrrp.Answered{Holder: who}
}
