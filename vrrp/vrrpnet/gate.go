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

// Opening is a virtual address to be let in, for one of those who hold it.
type Opening struct {
	For  string // who holds it: a virtual router
	Addr netip.Addr
	TTL  time.Duration // for how long, unless it is renewed
}

// Gate keeps everybody else from the virtual addresses of this host unless it is
// renewed: packets to them are let in, and ARP and neighbour discovery in their name,
// answers included, let out, only while an element with a time-out is in a set of
// nf_tables. The kernel looks at the time for each packet, so that it shuts the gate of
// a daemon that hangs or was killed. Processes of the host itself always reach the
// addresses; addresses that are not guarded are never touched, nor are the tables of
// others.
//
// An address is the host's, not an interface's: it is shut on all of them, and open as
// long as it is for any holder.
type Gate struct {
	mu     sync.Mutex
	socket *routeSocket
	claim  *Claim
	table  string
	batch  nftBatch
	places places
	ipv6   bool // the tables have what IPv6 takes
	mended int
}

// GateUnsupported tells that this host cannot have a gate, and why.
type GateUnsupported struct{ Err error }

func (e *GateUnsupported) Error() string { return "nf_tables of this kernel: " + e.Err.Error() }

func (e *GateUnsupported) Unwrap() error { return e.Err }

// OpenGate makes the tables, with nothing open but what the daemon before has kept for this
// one, without a moment in which that is shut. What a daemon that died had guarded stays shut
// until LetGo. It needs CAP_NET_ADMIN.
func OpenGate(kept ...Opening) (*Gate, error) {
	socket, err := openNetlink(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return nil, &GateUnsupported{err}
	}
	g := &Gate{socket: socket, places: places{}}
	if g.claim, g.table, err = claimTable(); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	left, err := socket.guarded(g.table)
	for _, addr := range left {
		g.places.set(unknown, addr, time.Time{})
	}
	for _, o := range kept {
		g.places.set(o.For, o.Addr, time.Now().Add(o.TTL))
	}
	if err == nil {
		err = g.rebuild()
	}
	if err != nil {
		return nil, errors.Join(&GateUnsupported{explain(err, capNetAdmin)}, g.release())
	}
	return g, nil
}

// Close removes the tables: whatever of the addresses is still there is open to all.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.socket.removeGate(&g.batch, g.table), g.release())
}

func (g *Gate) release() error { return errors.Join(g.socket.Close(), g.claim.Close()) }

// Mended counts how often somebody else had removed the tables, and they were put back.
func (g *Gate) Mended() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mended
}

// Open guards addresses and lets everybody in. It is for taking an address, before it
// is put on its interface.
func (g *Gate) Open(openings []Opening) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	begin := time.Now()
	for _, o := range openings {
		g.places.set(o.For, o.Addr, begin.Add(o.TTL))
	}
	if err := g.settle(addressesOf(openings)); err != nil {
		for _, o := range openings {
			g.places.set(o.For, o.Addr, time.Time{})
		}
		return err
	}
	took := time.Since(begin)
	late := slices.DeleteFunc(slices.Clone(openings), func(o Opening) bool { return took < o.TTL })
	if len(late) == 0 {
		return nil
	}
	return errors.Join(fmt.Errorf("gate: it took %s to open, longer than it may stay open: shut again", took), g.shut(late))
}

// Renew prolongs what is open. What had run out stays shut, by the kernel's own clock
// at the moment of the change: others may hold it by now. It is returned, and the rest
// is prolonged all the same. What is not guarded, because it was not opened yet or was
// let go of, stays as it is.
func (g *Gate) Renew(openings []Opening) (late []Opening, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for some := range slices.Chunk(g.renewals(openings), elementsAtOnce) {
		failure := g.renew(some)
		if failure != nil { // it is open until then, if not for longer
			for _, r := range some {
				g.places.limit(r.addr, r.was)
			}
		}
		err = errors.Join(err, failure)
	}
	for _, o := range openings {
		if until, guarded := g.places.until(o.For, o.Addr); guarded && until.IsZero() {
			late = append(late, o)
		}
	}
	return late, err
}

// renewal is an address to be prolonged.
type renewal struct {
	addr netip.Addr
	was  time.Time // until when it is open
}

// renewals plans what can still be prolonged; the rest is shut.
func (g *Gate) renewals(openings []Opening) []renewal {
	now := time.Now()
	list := make([]renewal, 0, len(openings))
	for _, a := range addressesOf(openings) {
		list = append(list, renewal{a, g.places.last(a)})
	}
	for _, o := range openings {
		switch until, guarded := g.places.until(o.For, o.Addr); {
		case !guarded:
		case now.Before(until):
			g.places.set(o.For, o.Addr, now.Add(o.TTL))
		default:
			g.places.set(o.For, o.Addr, time.Time{})
		}
	}
	return slices.DeleteFunc(list, func(r renewal) bool { return g.places.last(r.addr).IsZero() })
}

// Shut keeps everybody out from now on. That it was shut already is no error.
func (g *Gate) Shut(openings []Opening) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut(openings)
}

func (g *Gate) shut(openings []Opening) error {
	for _, o := range openings {
		g.places.set(o.For, o.Addr, time.Time{})
	}
	return g.settle(addressesOf(openings))
}

// LetGo ends the guard over addresses that are no longer on their interfaces: what
// comes for them is meant for another host.
func (g *Gate) LetGo(openings []Opening) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range openings {
		g.places.remove(o.For, o.Addr)
		g.places.remove(unknown, o.Addr)
	}
	return g.settle(addressesOf(openings))
}

// LetGoOfTheDead ends the guard over what a daemon that died had guarded and nobody has
// opened or let go of since. It is for when none of that can be on an interface any more.
func (g *Gate) LetGoOfTheDead() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	left := slices.DeleteFunc(g.places.addresses(), func(a netip.Addr) bool {
		_, guarded := g.places.until(unknown, a)
		return !guarded
	})
	for _, a := range left {
		g.places.remove(unknown, a)
	}
	return g.settle(left)
}

// Until is until when an address is open for somebody, unless it is renewed; false: it is
// not guarded for him.
func (g *Gate) Until(holder string, a netip.Addr) (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.places.until(holder, a)
}

// elementsAtOnce keeps a transaction within the send buffer of a socket.
const elementsAtOnce = 256

// settle makes the kernel's sets what places says of some addresses.
func (g *Gate) settle(addrs []netip.Addr) error {
	if !g.ipv6 && slices.ContainsFunc(addrs, netip.Addr.Is6) {
		return g.rebuild()
	}
	for some := range slices.Chunk(addrs, elementsAtOnce) {
		g.batch.begin()
		g.settled(some)
		refused, err := g.socket.commit(&g.batch)
		switch {
		case err != nil:
			return g.blame(err)
		case lost(refused):
			return g.mend()
		case len(refused) > 0:
			return g.blame(reasons(refused))
		}
	}
	return nil
}

// settled appends what makes the sets right. It adds before it deletes: what is not
// there cannot be deleted.
func (g *Gate) settled(addrs []netip.Addr) {
	var guarded, open []element
	var gone, all []element
	now := time.Now()
	for _, a := range addrs {
		left := g.places.last(a).Sub(now)
		guarded, all = append(guarded, element{addr: a}), append(all, element{a, max(left, time.Millisecond)})
		if left > 0 {
			open = append(open, element{a, left})
		}
		if !g.places.guards(a) {
			gone = append(gone, element{addr: a})
		}
	}
	g.elements(unix.NFT_MSG_NEWSETELEM, guardedSet, guarded)
	g.elements(unix.NFT_MSG_NEWSETELEM, openSet, all)
	g.elements(unix.NFT_MSG_DELSETELEM, openSet, all)
	g.elements(unix.NFT_MSG_NEWSETELEM, openSet, open)
	g.elements(unix.NFT_MSG_DELSETELEM, guardedSet, gone)
}

// renew prolongs addresses in one transaction. Those that had run out make the kernel
// refuse the whole of it: it is tried again without them.
//
// An element is deleted and added: before Linux 6.12 adding alone prolongs nothing, and
// on none does it tell that the element had run out.
func (g *Gate) renew(list []renewal) error {
	for len(list) > 0 {
		deletes, first := g.prolonged(list)
		refused, err := g.socket.commit(&g.batch)
		if err != nil {
			return g.blame(err)
		}
		var late []netip.Addr
		refused = slices.DeleteFunc(refused, func(r refusal) bool {
			i := r.request - first
			if i < 0 || i >= len(deletes) || !errors.Is(r.err, unix.ENOENT) || time.Until(deletes[i].was) > clockError {
				return false
			}
			late = append(late, deletes[i].addr)
			return true
		})
		for _, a := range late {
			g.places.limit(a, time.Time{})
		}
		switch {
		case lost(refused):
			return g.mend()
		case len(refused) > 0:
			return g.blame(reasons(refused))
		case len(late) == 0:
			return nil
		}
		list = slices.DeleteFunc(slices.Clone(list), func(r renewal) bool { return slices.Contains(late, r.addr) })
	}
	return nil
}

// clockError is how much earlier than asked an element may run out: the kernel counts
// in steps of 10 ms at most. One that is gone before that was deleted by somebody else.
const clockError = 20 * time.Millisecond

// prolonged appends what prolongs addresses. It returns which one each message deletes,
// from the first such message on.
func (g *Gate) prolonged(list []renewal) (deletes []renewal, first int) {
	g.batch.begin()
	open := make([]element, len(list))
	now := time.Now()
	for i, r := range list {
		open[i] = element{r.addr, g.places.last(r.addr).Sub(now)}
	}
	first = g.batch.count
	for i, r := range list {
		g.elements(unix.NFT_MSG_DELSETELEM, openSet, open[i:i+1])
		for len(deletes) < g.batch.count-first {
			deletes = append(deletes, r)
		}
	}
	g.elements(unix.NFT_MSG_NEWSETELEM, openSet, open)
	return deletes, first
}

// lost tells that the tables are not there, or not whole.
func lost(refused []refusal) bool {
	return slices.ContainsFunc(refused, func(r refusal) bool { return errors.Is(r.err, unix.ENOENT) })
}

func (g *Gate) mend() error {
	g.mended++
	return g.rebuild()
}

// rebuild makes the tables anew, as places says.
func (g *Gate) rebuild() error {
	addrs := g.places.addresses()
	g.ipv6 = g.ipv6 || slices.ContainsFunc(addrs, netip.Addr.Is6)
	some := addrs[:min(len(addrs), elementsAtOnce)]
	g.batch.begin()
	g.batch.gate(g.table, g.ipv6)
	g.settled(some)
	refused, err := g.socket.commit(&g.batch)
	if err := errors.Join(err, reasons(refused)); err != nil {
		return g.blame(err)
	}
	return g.settle(addrs[len(some):])
}

func (g *Gate) blame(err error) error {
	return fmt.Errorf("gate: %w", explain(err, capNetAdmin))
}

// elements appends messages that add elements to the guarded or the open sets, or delete
// them.
func (g *Gate) elements(kind uint16, which func(*gateSet) string, list []element) {
	for i := range gateSets {
		if s := &gateSets[i]; slices.ContainsFunc(list, s.takes) {
			g.batch.elements(kind, g.table, s, which(s), list)
		}
	}
}
