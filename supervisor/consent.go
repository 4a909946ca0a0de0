package supervisor

import (
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// ordersHeard takes the other node's order, and its answer to ours.
func (s *step) ordersHeard(peer *fencing.Heartbeat) {
	h := &s.handover
	if h.order.Serial != 0 && peer.Consent.Serial == h.order.Serial && !h.agreed {
		if peer.Consent.Refusal != "" && h.order.Kind != fencing.Demand {
			s.orderRefused(s.peerName() + " refuses: " + peer.Consent.Refusal)
		} else {
			h.agreed = true
			s.touchAll()
		}
	}
	if peer.Order.Serial == h.theirs.Serial {
		return
	}
	for _, r := range h.heeded { // that order has come to nothing, or to an end
		if r.favoured() && r.machine.State() != vrrp.Active && !slices.Contains(h.moving, r) {
			s.disfavour(r)
		}
	}
	h.theirs, h.consent, h.heeded, h.pending = peer.Order, fencing.Consent{}, nil, false
	if peer.Order.Serial != 0 {
		s.heed(peer)
	}
}

// heed answers a new order of the other node.
func (s *step) heed(peer *fencing.Heartbeat) {
	h := &s.handover
	for i, r := range s.routers {
		if c, ok := peer.Claim(fencing.RouterKey(r.cfg.Name), i); ok && c.Moves {
			h.heeded = append(h.heeded, r)
		}
	}
	s.restless = true
	refusal := ""
	switch {
	case h.order.Serial != 0:
		refusal = "an operator there has given an order, too"
	case s.frozen() && h.theirs.Kind != fencing.Demand:
		refusal = s.frozenWhere()
	case len(h.heeded) == 0:
		refusal = "it does not have such a router: the configurations differ"
	}
	for _, r := range h.heeded {
		if refusal == "" {
			refusal = s.refuses(r)
		}
	}
	if refusal != "" {
		h.consent = fencing.Consent{Serial: h.theirs.Serial, Refusal: cut(refusal)}
		return
	}
	if h.theirs.Kind == fencing.Give {
		for _, r := range h.heeded {
			s.favours(r, h.theirs.Lasts)
		}
	}
	h.pending = true
	s.agrees()
}

// refuses is why the other node's order is not carried out; empty: it is.
func (s *step) refuses(r *router) string {
	if s.handover.theirs.Kind == fencing.Give {
		if why := s.cannotTake(r); why != "" {
			return r.cfg.Name + ": " + why
		}
		return ""
	}
	if r.machine.State() != vrrp.Active {
		return r.cfg.Name + " is " + r.machine.State().String() + " there"
	}
	return ""
}

// cut keeps a text within what a heartbeat can carry.
func cut(text string) string {
	const most = 255
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}
