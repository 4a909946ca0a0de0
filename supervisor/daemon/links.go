package daemon

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// linked opens, reopens or closes the sockets of an interface before the Node hears of
// its change.
func (l *loop) linked(i vrrpnet.Interface) {
	if !slices.Contains(l.links, i.Name) { // from before the configuration changed
		delete(l.unusable, i.Name)
		return
	}
	if i.Err != nil { // the rest is what was last seen
		l.journal.limited("watch "+i.Name, logbook.LinkUnknown, i.Name+": the kernel does not tell its state: "+i.Err.Error())
		return
	}
	ev := supervisor.LinkChanged{Interface: i.Name, Exists: i.Exists, Enabled: i.Up, Up: i.Up && i.Carrier, Restored: i.Restored}
	if len(i.MAC) == len(ev.MAC) {
		ev.MAC = fencing.MAC(i.MAC)
	}
	ev.Addresses, ev.Tentative, ev.Duplicate = sorted(i.Addresses)
	ev.Addresses = l.withPut(&i, ev.Addresses)
	l.seen[i.Name] = i
	delete(l.unusable, i.Name)
	if i.Exists {
		var err error
		if ev.Anew, err = l.open(i.Link); err != nil {
			ev.Problem = err.Error()
			l.unusable[i.Name] = true
			l.retryAt = now().Add(retryEvery)
		}
	}
	l.step(ev)
	if !i.Exists {
		l.shut(i.Name)
	}
}

// withPut adds to what an interface has what was put there since the kernel was asked:
// that may be missing in the answer, and another answer is sure to follow.
func (l *loop) withPut(i *vrrpnet.Interface, list []netip.Prefix) []netip.Prefix {
	for _, r := range l.routers {
		if r.owned.Before(i.Asked) || r.Holder() != i.Name {
			continue
		}
		for _, a := range r.Addresses {
			if !slices.Contains(list, a.Prefix) {
				list = append(list, a.Prefix)
			}
		}
	}
	return list
}

// retryEvery is how often an interface that could not be used is tried again.
const retryEvery = time.Second

// retry tries the unusable interfaces again, and the routers that another daemon has.
func (l *loop) retry() {
	if l.retryAt.IsZero() || now().Before(l.retryAt) {
		return
	}
	l.retryAt = time.Time{}
	for _, name := range slices.Sorted(maps.Keys(l.unusable)) {
		l.linked(l.seen[name])
	}
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		if p := l.ports[name]; len(p.barred) > 0 {
			p.claimAgain()
			l.bar(p)
		}
	}
}

// bar tells which routers of a port cannot be run, and which can again.
func (l *loop) bar(p *port) {
	for _, router := range slices.Sorted(maps.Keys(p.barred)) {
		problem := p.barred[router]
		l.step(supervisor.Barred{Router: router, Problem: problem})
		if problem == "" {
			delete(p.barred, router)
			continue
		}
		l.retryAt = now().Add(retryEvery)
	}
}

// open tells whether the sockets had to be opened, for the first time or anew.
func (l *loop) open(link vrrpnet.Link) (bool, error) {
	routers := l.routersOn(link.Name)
	if len(routers) == 0 {
		return false, nil // tracked only, or a macvlan
	}
	if p := l.ports[link.Name]; p != nil {
		if p.link.Index == link.Index && slices.Equal(p.link.MAC, link.MAC) {
			return false, nil
		}
		l.shut(link.Name)
	}
	p, err := openPort(link, routers)
	if err != nil {
		return true, err
	}
	l.ports[link.Name] = p
	l.reopened = true
	l.bar(p)
	return true, nil
}

// routersOn are the routers that send or have their addresses on an interface.
func (l *loop) routersOn(name string) []*served {
	var on []*served
	for i := range l.cfg.Routers {
		if r := &l.cfg.Routers[i]; r.Interface == name || r.AdvertsOn() == name {
			on = append(on, l.routers[r.Name])
		}
	}
	return on
}

func (l *loop) shut(name string) {
	p := l.ports[name]
	if p == nil {
		return
	}
	if err := p.close(); err != nil {
		l.journal.warn(logbook.SocketFailed, err.Error())
	}
	delete(l.ports, name)
	l.reopened, l.sources = true, nil
}

func (l *loop) closePorts() {
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		l.shut(name)
	}
}

// configure changes what is served; sockets that are still wanted stay open.
func (l *loop) configure(cfg supervisor.Config) {
	l.serve(cfg)
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		routers := l.routersOn(name)
		if len(routers) == 0 {
			l.shut(name)
		} else if err := l.ports[name].serve(routers); err != nil {
			l.journal.warn(logbook.SocketFailed, err.Error())
			l.shut(name)
			l.unusable[name], l.retryAt = true, now() // tried again at once
		} else {
			l.bar(l.ports[name])
		}
	}
	l.reopened, l.sources = true, nil
	for name, i := range l.seen { // a known interface may be wanted for more than before
		if l.ports[name] == nil && i.Exists && len(l.routersOn(name)) > 0 {
			l.unusable[name], l.retryAt = true, now()
		}
	}
	l.hands.configure(cfg)
}

// serve makes cfg what is served; a router goes on counting.
func (l *loop) serve(cfg supervisor.Config) {
	old := l.routers
	l.links = interfaces(cfg)
	l.journal.serve(cfg)
	l.cfg, l.routers = cfg, make(map[string]*served, len(cfg.Routers))
	for _, r := range cfg.Routers {
		s := newServed(r)
		if before := old[r.Name]; before != nil && before.VRRP.VRID == r.VRRP.VRID && before.AdvertsOn() == r.AdvertsOn() {
			s.continues(before)
		}
		l.routers[r.Name] = s
	}
}
