package vrrpnet

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// VirtualMAC is the virtual router's MAC address (RFC 9568 7.3).
func VirtualMAC(vrid uint8, ipv6 bool) net.HardwareAddr {
	family := byte(1)
	if ipv6 {
		family = 2
	}
	return net.HardwareAddr{0, 0, 0x5e, 0, family, vrid}
}

// MACVLAN is the interface that receives for a virtual MAC, answers ARP or neighbour
// solicitations with it, and holds the virtual addresses. Adverts and announcements
// leave on Base.
type MACVLAN struct {
	Name string // 15 bytes at most
	Base Link   // only Index and Name count
	MAC  net.HardwareAddr
	IPv6 bool // the family of the virtual router
}

// MACVLANs makes and removes MACVLANs, by netlink and, for IPv6, /proc/sys/net: its
// methods have to run in the network namespace in which it was opened. It may be
// shared; a call blocks until the kernel has answered.
//
// An interface is ours if its alias says so. Any other is never touched.
type MACVLANs struct {
	mu     sync.Mutex
	socket *routeSocket
}

// OpenMACVLANs needs no capability; all methods but Ours need CAP_NET_ADMIN.
func OpenMACVLANs() (*MACVLANs, error) {
	socket, err := openRoute(0)
	if err != nil {
		return nil, err
	}
	return &MACVLANs{socket: socket}, nil
}

// Close gives the descriptor back; the interfaces stay.
func (a *MACVLANs) Close() error { return a.socket.Close() }

// Prepare creates m, or adopts what a former daemon left, and sets it up but for
// one thing: a new one is down, an adopted one as it was. It makes Raise quick, and
// finds errors before m is needed.
func (a *MACVLANs) Prepare(m MACVLAN) (ifindex int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := a.prepare(m)
	if err != nil {
		return 0, err
	}
	return l.index, nil
}

// Raise is Prepare, and m is up: it receives and answers. Only an Active router's
// may be up.
func (a *MACVLANs) Raise(m MACVLAN) (ifindex int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := a.prepare(m)
	if err != nil {
		return 0, err
	}
	if l.flags&unix.IFF_UP != 0 {
		return l.index, nil
	}
	return l.index, a.apply(m.Name, setFlags(goUp, l.index, unix.IFF_UP))
}

// Lower takes m down: it neither receives nor answers. IPv6 addresses go by it, IPv4
// addresses have to be removed before. That m is absent is no error.
func (a *MACVLANs) Lower(m MACVLAN) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := a.own(m.Name)
	if l == nil || err != nil || l.flags&unix.IFF_UP == 0 {
		return err
	}
	return a.apply(m.Name, setFlags(goDown, l.index, 0))
}

// Delete removes m. With the last one on a base interface that interface gets its
// former sysctls back, unless somebody changed them since. That m is absent is no
// error.
func (a *MACVLANs) Delete(m MACVLAN) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := a.own(m.Name)
	if l == nil || err != nil {
		return err
	}
	return a.remove(l)
}

// Ours lists our interfaces on base, or on all if base is the zero Link.
func (a *MACVLANs) Ours(base Link) ([]MACVLAN, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, err := a.all()
	if err != nil {
		return nil, err
	}
	var found []MACVLAN
	for i := range all {
		l := &all[i]
		if !l.ours() || base.Index != 0 && (l.base != base.Index || l.elsewhere) {
			continue
		}
		r, _ := readRecord(l.alias)
		m := MACVLAN{Name: l.name, MAC: l.mac, IPv6: r.ipv6, Base: Link{Name: r.base, Index: l.base}}
		if b := byIndex(all, l.base); b != nil && !l.elsewhere {
			m.Base = Link{Name: b.name, Index: b.index, MAC: b.mac}
		}
		found = append(found, m)
	}
	return found, nil
}

// check finds what the kernel would refuse in its own words.
func (m *MACVLAN) check() error {
	switch {
	case m.Name == "" || len(m.Name) >= unix.IFNAMSIZ:
		return fmt.Errorf("virtual MAC interface %q: its name has to have 1 to %d bytes", m.Name, unix.IFNAMSIZ-1)
	case len(m.MAC) != 6 || m.MAC[0]&1 != 0:
		return fmt.Errorf("%s: %q is not the MAC address of an interface", m.Name, m.MAC)
	case m.Base.Index <= 0:
		return fmt.Errorf("%s: interface number %d cannot carry it", m.Name, m.Base.Index)
	}
	return nil
}

// prepare gives m as it is in the kernel.
func (a *MACVLANs) prepare(m MACVLAN) (*macLink, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	l, base, err := a.look(&m)
	if err != nil {
		return nil, err
	}
	if l != nil && !l.is(&m) {
		if err := a.remove(l); err != nil {
			return nil, err
		}
		if l, base, err = a.look(&m); err != nil {
			return nil, err
		}
	}
	if l == nil {
		if l, err = a.create(&m, base); err != nil {
			return nil, err
		}
	}
	return l, a.configure(&m, l, base)
}

// look finds m, if something of ours is there under its name, and its base.
func (a *MACVLANs) look(m *MACVLAN) (l, base *macLink, err error) {
	found, err := a.get(askLink("", m.Base.Index), askLink(m.Name, 0))
	if err != nil {
		return nil, nil, err
	}
	base, l = found[0], found[1]
	if base == nil {
		return nil, nil, fmt.Errorf("%s: its interface %s (number %d) is not there: %w", m.Name, m.Base.Name, m.Base.Index, unix.ENODEV)
	}
	if l != nil && !l.ours() {
		return nil, nil, l.foreign()
	}
	return l, base, nil
}

// own finds our interface of that name; nil: it is absent.
func (a *MACVLANs) own(name string) (*macLink, error) {
	found, err := a.get(askLink(name, 0))
	if err != nil || found[0] == nil {
		return nil, err
	}
	if !found[0].ours() {
		return nil, found[0].foreign()
	}
	return found[0], nil
}

// create makes m and marks it, in one message: a daemon that dies leaves either
// nothing or what the next one recognises.
func (a *MACVLANs) create(m *MACVLAN, base *macLink) (*macLink, error) {
	if err := suits(m, base); err != nil {
		return nil, err
	}
	r := record{base: base.name, ipv6: m.IPv6, known: !m.IPv6, former: base.conf4()}
	if !m.IPv6 {
		others, err := a.others(base.index, m.Name)
		if err != nil {
			return nil, err
		}
		if len(others) > 0 {
			r.former = others[0].former // ours changed it already
		}
	}
	if err := a.apply(m.Name, create(m, base), mark(m, r)); err != nil {
		return nil, blameBase(err, base)
	}
	found, err := a.get(askLink(m.Name, 0))
	if err == nil && found[0] == nil {
		err = fmt.Errorf("%s: somebody removed it as soon as it was made: %w", m.Name, unix.ENODEV)
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// remove takes ours away, and with the last one its traces on the base.
func (a *MACVLANs) remove(l *macLink) error {
	steps := []step{deleteLink(l.index)}
	if r, ok := readRecord(l.alias); ok && r.known && !l.elsewhere {
		others, err := a.others(l.base, l.name)
		if err != nil {
			return err
		}
		found, err := a.get(askLink("", l.base))
		if err != nil {
			return err
		}
		if base := found[0]; base != nil && len(others) == 0 {
			if back := base.conf4().back(r.former); back != base.conf4() {
				steps = append(steps, setConf4("giving the former sysctls back", base.index, back.settings()...))
			}
		}
	}
	err := a.apply(l.name, steps...)
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// others are the records of our other interfaces on a base.
func (a *MACVLANs) others(base int, but string) ([]record, error) {
	all, err := a.all()
	if err != nil {
		return nil, err
	}
	var records []record
	for i := range all {
		l := &all[i]
		if l.base != base || l.elsewhere || l.name == but || !l.ours() {
			continue
		}
		if r, ok := readRecord(l.alias); ok && r.known {
			records = append(records, r)
		}
	}
	return records, nil
}
