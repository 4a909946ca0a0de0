package supervisor

import (
	"fmt"
	"slices"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The bounds of an effective priority; 255 is the owner's, 0 a release.
const (
	priorityLowest  = 1
	priorityHighest = 254
)

// met tells whether a tracked interface has what it must have, and what is wrong.
func (t *Track) met(link LinkChanged, known bool) (bool, string) {
	switch {
	case !known:
		return false, "the state of interface " + t.Interface + " is not known yet"
	case !link.Exists:
		return false, "interface " + t.Interface + " does not exist"
	case !link.Enabled:
		return false, "interface " + t.Interface + " is switched off"
	case t.Need >= NeedCarrier && !link.Up:
		return false, "interface " + t.Interface + " has no carrier"
	case t.Need == NeedAddress && !t.hasAddress(link):
		if t.Address.IsValid() {
			return false, fmt.Sprintf("interface %s does not have %s", t.Interface, t.Address)
		}
		return false, "interface " + t.Interface + " has no address"
	}
	return true, ""
}

func (t *Track) hasAddress(link LinkChanged) bool {
	for _, p := range link.Addresses {
		if t.Address == p.Addr() || !t.Address.IsValid() && !p.Addr().IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}

// offset is what a tracked interface does to the priority: keepalived's arithmetic.
func (t *Track) offset(met bool) int {
	return probes.OnFail{Weight: t.Weight, Reverse: t.Reverse}.Offset(met)
}

// fatal tells that an interface takes the router out: without a weight its need must be
// met, reversed it must not be.
func (t *Track) fatal(met bool) bool { return t.Weight == 0 && met == t.Reverse }

// Effective is a priority with what is tracked: within 1..254, and an owner's always 255.
func Effective(base uint8, offsets ...int) uint8 {
	if base == vrrp.PriorityOwner {
		return base
	}
	sum := int(base)
	for _, o := range offsets {
		sum += o
	}
	return uint8(min(max(sum, priorityLowest), priorityHighest))
}

// look compares what a router tracks with what is known of it.
func (n *Node) look(t *Track) (met bool, why string) {
	link, known := n.link(t.Interface)
	return t.met(link, known)
}

// trackFault is why a tracked interface keeps the router out. One that a reload has added
// to a router at work is awaited there.
func (n *Node) trackFault(r *router) (vrrp.Reason, string) {
	for i := range r.cfg.Track {
		t := &r.cfg.Track[i]
		if _, known := n.link(t.Interface); !known && t.Weight == 0 {
			if !r.machine.State().Out() {
				continue
			}
			return ReasonStarting, "waiting for the state of " + t.Interface
		}
		met, why := n.look(t)
		if !t.fatal(met) || r.spares(t) {
			continue
		}
		if t.Reverse {
			why = "interface " + t.Interface + " is up, and must not be"
		}
		return ReasonTrack, why
	}
	return "", ""
}

// effective is a router's priority, and what changes it. What a router of a group tracks
// counts for all of them.
func (n *Node) effective(r *router) (uint8, []string) {
	var offsets []int
	var whys []string
	var seen []Track
	for _, m := range n.members(r) {
		for i := range m.cfg.Track {
			t := &m.cfg.Track[i]
			if slices.Contains(seen, *t) {
				continue
			}
			seen = append(seen, *t)
			if _, known := n.link(t.Interface); !known {
				continue
			}
			met, why := n.look(t)
			if o := t.offset(met); o != 0 {
				offsets = append(offsets, o)
				if met {
					why = "interface " + t.Interface + " is up"
				}
				whys = append(whys, fmt.Sprintf("%+d, %s", o, why))
			}
		}
	}
	for i := range n.probes {
		if o, why := n.probes[i].offset(); o != 0 {
			offsets = append(offsets, o)
			whys = append(whys, fmt.Sprintf("%+d, %s", o, why))
		}
	}
	p := Effective(r.cfg.VRRP.Priority, offsets...)
	if r.keeps() {
		p = max(p, vrrp.PriorityLastResort+1)
	}
	return p, whys
}

// reprioritize tells a router its priority and the peer's when they have changed.
func (s *step) reprioritize(r *router) {
	priority, whys := s.effective(r)
	if r.failing != "" {
		priority, whys = vrrp.PriorityLastResort, nil
	}
	switch {
	case r.forced:
		priority, whys = priorityHighest, []string{"forced here by an operator"}
	case s.stuck(r) && priority < r.priority:
		return // it would yield
	}
	r.offsets = whys
	base, peer := r.cfg.VRRP.Priority, r.cfg.VRRP.PeerPriority
	if priority == r.priority && peer == r.peer {
		return
	}
	told := base != r.base || r.failing != "" || r.keeps() && r.fault != "" // by the configuration, settleFailing, the fault
	if priority != r.priority && !told {
		s.note(r.cfg.Name, ReasonPriority, "%d -> %d%s", r.priority, priority, because(whys))
	}
	r.base, r.priority, r.peer = base, priority, peer
	s.routerStep(r, vrrp.Reprioritized{Priority: priority, Peer: peer})
}

func because(whys []string) string {
	if len(whys) == 0 {
		return ""
	}
	text := ": " + whys[0]
	for _, w := range whys[1:] {
		text += "; " + w
	}
	return text
}
