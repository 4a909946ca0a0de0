package supervisor

import "github.com/pairkeeper/pairkeeper/vrrp"

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
	if !r.primary.IsValid() {
		return ReasonNoAddress, "interface " + r.cfg.AdvertsOn() + " has no " + r.cfg.sourceWord() + " to send from"
	}
	if fault, why := s.trackFault(r); fault != "" {
		return fault, why
	}
	if fault := s.guard.fault(); fault != "" {
		return fault, s.guard.why
	}
	if !r.retryAt.IsZero() {
		return ReasonVIPFailed, r.problem
	}
	return "", ""
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
