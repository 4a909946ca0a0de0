package vrrpnet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Held is an address to be on an interface for as long as somebody refreshes it.
// The kernel takes it away up to 1.25 s after its lifetime: it looks in whole seconds.
type Held struct {
	Link          int // the interface's index
	Prefix        netip.Prefix
	Label         string // IPv4 only, 15 bytes at most; empty: the interface's name
	NoPrefixRoute bool
	Lifetime      time.Duration // whole seconds; a fraction is rounded up
}

// site is where an address is to be.
type site struct {
	link int
	addr netip.Addr
}

func (h *Held) site() site { return site{h.Link, h.Prefix.Addr()} }

// Addresses puts addresses on interfaces, by netlink. It may be shared; a call
// blocks until the kernel has answered.
type Addresses struct {
	mu     sync.Mutex
	socket *routeSocket
	quiet  *routeSocket  // for refreshes, whose notices Watch can be spared
	out    []byte        // the last message; its memory is used again
	renew  []change      // the last refresh; likewise
	near   map[site]bool // IPv6 addresses put: whether the host has its own in the network
}

// OpenAddresses needs no capability; Put, Refresh and Remove need CAP_NET_ADMIN.
func OpenAddresses() (*Addresses, error) {
	socket, err := openRoute(0)
	if err != nil {
		return nil, err
	}
	quiet, err := openRoute(0)
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return &Addresses{socket: socket, quiet: quiet, near: map[site]bool{}}, nil
}

// Close gives the descriptors back; a call under way ends with an error.
func (a *Addresses) Close() error { return errors.Join(a.socket.Close(), a.quiet.Close()) }

// Put makes the interfaces have the addresses as described, whatever form of them
// was there before: permanent, under another label, with another prefix length. It
// is for taking over; Refresh is cheaper afterwards. All changes go to the kernel
// in one message, and what can be put is put even if some cannot.
//
// IPv6 addresses can be sent from at once, without duplicate address detection
// (RFC 4862 5.4); packets to them the kernel takes some milliseconds later, when it has
// set up their routes and joined their solicited-node groups. They get no route to
// their network where the host has an address of its own in it: the kernel would end
// the host's route, if it came by autoconfiguration, together with the lifetime put
// here.
func (a *Addresses) Put(held []Held) error {
	if err := check(held); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found, err := a.find(held)
	if err != nil {
		return err
	}
	held = a.approach(held, found)
	var before, puts, after []change
	for i := range held {
		h := &held[i]
		b, c := strangers(h, found[h.Link])
		before, after = append(before, b...), append(after, c...)
		puts = append(puts, put(*h))
	}
	return a.apply(a.socket, slices.Concat(before, puts, after))
}

// Refresh renews the lifetimes, in one message to the kernel. An address that is gone
// comes back by it, IPv6 without duplicate address detection as by Put; one that is
// there with another prefix length gets a second form (IPv4) or keeps its own (IPv6).
func (a *Addresses) Refresh(held []Held) error {
	if err := check(held); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renew = a.renew[:0]
	for _, h := range held {
		h.NoPrefixRoute = h.NoPrefixRoute || !h.Prefix.Addr().Is4() && a.near[h.site()]
		a.renew = append(a.renew, put(h))
	}
	return a.apply(a.quiet, a.renew)
}

// Remove takes the addresses away, under whatever label and prefix length they are
// there. That they are absent already is no error.
func (a *Addresses) Remove(held []Held) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, err := a.find(held)
	if err != nil {
		return err
	}
	var changes []change
	for _, h := range held {
		delete(a.near, h.site())
		for _, f := range found[h.Link] {
			if f.Prefix.Addr() == h.Prefix.Addr() {
				changes = append(changes, remove(h.Link, f.Prefix))
			}
		}
	}
	return a.apply(a.socket, changes)
}

// List tells what the interface has; an interface that is not there has nothing.
func (a *Addresses) List(ifindex int) ([]Found, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list(ifindex)
}

// find lists every interface that held names.
func (a *Addresses) find(held []Held) (map[int][]Found, error) {
	found := map[int][]Found{}
	for _, h := range held {
		if _, listed := found[h.Link]; listed {
			continue
		}
		list, err := a.list(h.Link)
		if err != nil {
			return nil, err
		}
		found[h.Link] = list
	}
	return found, nil
}

func (a *Addresses) list(index int) ([]Found, error) {
	link, err := a.socket.link("", index)
	if link == nil || err != nil {
		return nil, err
	}
	return a.socket.addresses(index, link.Name)
}

// approach is held, without a route for the IPv6 addresses whose network the host
// reaches by an address of its own.
func (a *Addresses) approach(held []Held, found map[int][]Found) []Held {
	held = slices.Clone(held)
	for i := range held {
		if h := &held[i]; !h.Prefix.Addr().Is4() {
			a.near[h.site()] = false // not the host's own
		}
	}
	for i := range held {
		h := &held[i]
		if !h.Prefix.Addr().Is4() && slices.ContainsFunc(found[h.Link], func(f Found) bool { return a.ownNetwork(h, f) }) {
			a.near[h.site()], h.NoPrefixRoute = true, true
		}
	}
	return held
}

func (a *Addresses) ownNetwork(h *Held, f Found) bool {
	_, put := a.near[site{h.Link, f.Prefix.Addr()}]
	return !put && !f.NoPrefixRoute && f.Prefix.Masked() == h.Prefix.Masked()
}

// strangers finds what is in the way of h: RTM_NEWADDR changes a lifetime, but
// neither a label nor a flag. With another prefix length it adds another IPv4 address;
// the one before goes after h is there, so that the address never misses. IPv6 has an
// address once, with the prefix length it came with, and tentative until it was tried.
func strangers(h *Held, found []Found) (before, after []change) {
	for _, f := range found {
		switch {
		case f.Prefix.Addr() != h.Prefix.Addr():
		case f.Prefix != h.Prefix && h.Prefix.Addr().Is4():
			after = append(after, remove(h.Link, f.Prefix))
		case f.Prefix != h.Prefix || f.Tentative || f.Label != h.Label || f.NoPrefixRoute != h.NoPrefixRoute:
			before = append(before, remove(h.Link, f.Prefix))
		}
	}
	return before, after
}

// check finds what the kernel would refuse without a word, or misunderstand.
func check(held []Held) error {
	var errs []error
	for _, h := range held {
		switch {
		case !h.Prefix.IsValid() || h.Link <= 0:
			errs = append(errs, fmt.Errorf("address %s on interface number %d: neither may be missing", h.Prefix, h.Link))
		case h.Lifetime <= 0:
			errs = append(errs, fmt.Errorf("address %s: a lifetime of %s would make it permanent", h.Prefix, h.Lifetime))
		case len(h.Label) >= unix.IFNAMSIZ:
			errs = append(errs, fmt.Errorf("address %s: label %q is longer than %d bytes", h.Prefix, h.Label, unix.IFNAMSIZ-1))
		case h.Label != "" && !h.Prefix.Addr().Is4():
			errs = append(errs, fmt.Errorf("address %s: label %q: only IPv4 addresses have one", h.Prefix, h.Label))
		}
	}
	return errors.Join(errs...)
}

// batchSize keeps the answers to one message within the receive buffer, should all of it
// be refused.
const batchSize = 128

// apply sends the changes and gathers their errors. Only the last one of a message is
// acknowledged: the kernel does them in order, and tells of those that it refuses.
func (a *Addresses) apply(socket *routeSocket, changes []change) error {
	var failures []error
	for batch := range slices.Chunk(changes, batchSize) {
		first := socket.number(len(batch))
		a.out = a.out[:0]
		for i := range batch {
			flags := uint16(0)
			if i == len(batch)-1 {
				flags = unix.NLM_F_ACK
			}
			a.out = batch[i].append(a.out, first+uint32(i), flags)
		}
		refused, err := socket.order(a.out, first, len(batch), false)
		if err != nil {
			return fmt.Errorf("%s and %d more: netlink: %w", &batch[0], len(batch)-1, err)
		}
		for _, r := range refused {
			if c := &batch[r.request]; !c.done(r.err) {
				failures = append(failures, a.blame(c, r.err))
			}
		}
	}
	return errors.Join(failures...)
}

// blame says which address on which interface was refused, and the cure.
func (a *Addresses) blame(c *change, err error) error {
	name := interfaceName("", c.Link)
	if link, _ := a.socket.link("", c.Link); link != nil {
		name = link.Name
	}
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("%s on interface %s: it is not there: %w", c, name, err)
	}
	return fmt.Errorf("%s on %s: %w", c, name, explain(err, capNetAdmin))
}
