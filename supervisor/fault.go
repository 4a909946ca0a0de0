package supervisor

import (
	"net/netip"
	"slices"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// faultOf is why a router must not take part, the nearest cause first.
func (s *step) faultOf(r *router) (vrrp.Reason, string) {
	if fault, why := s.ownFault(r); fault != "" {
		return fault, why
	}
	return s.groupFault(r)
}

// ownFault is faultOf but for the router's group.
func (s *step) ownFault(r *router) (vrrp.Reason, string) {
	if s.stopping {
		return ReasonStopping, "told to stop"
	}
	if fault, why := s.linkFault(r.cfg.Interface); fault != "" {
		return fault, why
	}
	if on := r.cfg.AdvertsOn(); on != r.cfg.Interface {
		if fault, why := s.linkFault(on); fault != "" {
			return fault, why
		}
	}
	if r.barred != "" {
		return ReasonBarred, r.barred
	}
	if fault, why := s.maintenanceFault(); fault != "" && !r.forced {
		return fault, why
	}
	if !r.primary.IsValid() {
		return s.noSender(r)
	}
	if fault, why := s.heldOffFault(r); fault != "" && !r.forced {
		return fault, why
	}
	if fault, why := s.isolated(r); fault != "" && !r.forced {
		return fault, why
	}
	if fault, why := s.healthFault(r); fault != "" {
		return fault, why
	}
	if !r.retryAt.IsZero() {
		return ReasonVIPFailed, r.problem
	}
	if !r.vetoUntil.IsZero() && !r.forced {
		return ReasonHookVetoed, r.veto
	}
	return "", ""
}

// unhealthy is why the router should not serve, by what it tracks, the probes and the proxy.
func (s *step) unhealthy(r *router) (vrrp.Reason, string) {
	if fault, why := s.trackFault(r); fault != "" {
		return fault, why
	}
	if fault, why := s.probeFault(r); fault != "" {
		return fault, why
	}
	if fault := s.guard.fault(); fault != "" && !r.sparesProxy(fault) {
		return fault, s.guard.why
	}
	return "", ""
}

// noSender is why a router has no address to send from; one that is tried out still is
// no fault.
func (s *step) noSender(r *router) (vrrp.Reason, string) {
	on := r.cfg.AdvertsOn()
	link, _ := s.link(on)
	if a := s.senderOf(r, link.Tentative); a.IsValid() {
		return ReasonStarting, "waiting for " + a.String() + " on " + on + ", which is tried out still (duplicate address detection)"
	}
	if a := s.senderOf(r, link.Duplicate); a.IsValid() {
		return ReasonNoAddress, "somebody else has " + a.String() + " of interface " + on + " (duplicate address detection): find the other host and give one of the two another address"
	}
	why := "interface " + on + " has no " + r.cfg.sourceWord() + " to send from"
	if r.cfg.IPv6() && !slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		why += ", nor any of IPv6: look at sysctl net.ipv6.conf." + on + ".disable_ipv6"
	}
	return ReasonNoAddress, why
}

// linkFault is why an interface cannot be used.
func (s *step) linkFault(name string) (vrrp.Reason, string) {
	link, known := s.link(name)
	switch {
	case !known:
		return ReasonStarting, "waiting for the state of " + name
	case !link.Exists:
		return ReasonLinkMissing, "interface " + name + " does not exist: waiting for it"
	case !link.Up:
		return ReasonLinkDown, "interface " + name + " is down or has no carrier"
	case link.Problem != "":
		return ReasonLinkUnusable, link.Problem
	}
	return "", ""
}
