package daemon

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func (l *loop) routerAction(r *served, a vrrp.Action) {
	if r == nil {
		return
	}
	switch a := a.(type) {
	case vrrp.Enter:
		r.count.moves[move{a.From, a.To, a.Reason}]++
		l.journal.transition(r.Router, l.node, a)
		l.macvlan(r, a)
		return
	case vrrp.Note:
		l.remarks.add(r.Name, a)
		l.journal.note(supervisor.Note{Router: r.Name, Reason: a.Reason, Detail: a.Detail}, fieldsOf(r.Router, a.From)...)
		return
	}
	if err := l.routerDeed(r, a); err != nil {
		l.journal.limited(r.Name+" send", logbook.SendFailed, fmt.Sprintf("%s: %s: %v", r.Name, a, err), fieldsOf(r.Router, netip.Addr{})...)
	}
}

// macvlan makes the macvlan of a router before it is needed, and ends it with the router.
func (l *loop) macvlan(r *served, e vrrp.Enter) {
	p := l.ports[r.Interface]
	switch {
	case r.mac == nil || p == nil:
	case e.From.Out() && e.To == vrrp.Backup:
		l.hands.hold(r, p.link, prepare)
	case e.To == vrrp.Initialize && e.Reason != vrrp.ReasonRestarts:
		l.hands.hold(r, p.link, dismiss)
	}
}

// routerDeed does what a router wants on the wire or in the kernel. Where the interface
// is gone, so is all that could be done on it.
func (l *loop) routerDeed(r *served, a vrrp.Action) error {
	if send, ok := a.(vrrp.Send); ok {
		if p := l.ports[r.AdvertsOn()]; p != nil {
			return l.send(p, r, send)
		}
		return nil
	}
	p := l.ports[r.Interface]
	if p == nil {
		return nil
	}
	switch a := a.(type) {
	case vrrp.Announce:
		p.announce(r, a.Reminder)
	case vrrp.Probe:
		return p.probe(r)
	case vrrp.Own:
		l.hands.hold(r, p.link, put)
	case vrrp.Refresh:
		l.hands.hold(r, p.link, refresh)
	case vrrp.Renew:
		l.hands.renew(r)
	case vrrp.Linger:
		p.hush(r)
		l.hands.linger(r, p.link, a.For)
	case vrrp.Disown:
		r.owned = time.Time{}
		p.hush(r)
		if a.Drain {
			l.hands.hold(r, p.link, drain)
		} else {
			l.hands.hold(r, p.link, remove)
		}
	}
	return nil
}

func (l *loop) send(p *port, r *served, a vrrp.Send) error {
	if primary := l.node.Primary(r.Name); primary.IsValid() { // else r was removed, or its address: the last one
		r.from = primary
	}
	if err := r.send(p, a); err != nil {
		r.count.sendErrors++
		return err
	}
	r.count.sent++
	if a.Priority == 0 {
		r.count.releases++
	}
	return nil
}
