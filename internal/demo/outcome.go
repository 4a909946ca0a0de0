package demo

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// is tells whether the host's router is in a state, for a reason if one is given.
func (h *host) is(state vrrp.State, reason vrrp.Reason) error {
	s, err := h.status()
	if err != nil {
		return err
	}
	r := s.Routers[0]
	if r.State != state.String() || reason != "" && r.Reason != string(reason) || r.Held != (state == vrrp.Active) {
		return fmt.Errorf("%s is %s %s, not %s %s", h.name, r.State, r.Reason, state, reason)
	}
	return nil
}

// serves tells whether a host holds the virtual address, and the client is served by it.
func (p *pair) serves(h *host, from time.Duration) error {
	if err := h.is(vrrp.Active, ""); err != nil {
		return err
	}
	if !p.witness.served(h.name, from) {
		return fmt.Errorf("the client is not served by %s", h.name)
	}
	return nil
}

// home is the usual state: the first serves, the second waits.
func (p *pair) home(from time.Duration) error {
	if err := p.two.is(vrrp.Backup, ""); err != nil {
		return err
	}
	return p.serves(p.one, from)
}

// away is the state after a fault of the first.
func (p *pair) away(from time.Duration) error { return p.serves(p.two, from) }
