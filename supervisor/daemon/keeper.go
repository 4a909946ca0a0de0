package daemon

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// keeper puts addresses into the kernel and takes them away, on a goroutine of its own
// because the kernel may take its time. Of several orders for one router only the last
// counts; those of several routers go into one batch.
type keeper struct {
	kernel *vrrpnet.Addresses
	vmacs  *vrrpnet.MACVLANs
	gates  *gatekeeper
	tell   func(...supervisor.Event)
	log    *slog.Logger
	wake   chan struct{}

	lower []vrrpnet.MACVLAN // have no addresses any more; the kernel takes its time

	// Memory that is used again: a thousand routers renew three times a second.
	spare, refreshes []order
	renewed          []vrrpnet.Held

	mu     sync.Mutex
	orders []order
	has    map[string]bool // of which routers orders has one
	busy   bool
	idle   *sync.Cond
}

func newKeeper(kernel *vrrpnet.Addresses, vmacs *vrrpnet.MACVLANs, gates *gatekeeper, tell func(...supervisor.Event), log *slog.Logger) *keeper {
	k := &keeper{kernel: kernel, vmacs: vmacs, gates: gates, tell: tell, log: log, wake: make(chan struct{}, 1)}
	k.idle = sync.NewCond(&k.mu)
	go k.run()
	return k
}

// order takes orders; it never blocks on the kernel.
func (k *keeper) order(orders ...order) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.has == nil {
		k.has = make(map[string]bool, len(orders))
	}
	for _, o := range orders {
		if !k.has[o.router] || k.replace(&o) {
			k.orders, k.has[o.router] = append(k.orders, o), true
		}
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// replace takes out the orders that o makes void; false: they do what o would.
func (k *keeper) replace(o *order) bool {
	for i := range k.orders {
		if e := &k.orders[i]; e.router == o.router && e.includes(o) {
			return false
		}
	}
	k.orders = slices.DeleteFunc(k.orders, func(e order) bool {
		if e.router != o.router || !o.voids(&e) {
			return false
		}
		if o.do == refresh && e.do == put {
			o.do = put // still owes its answer
		}
		return true
	})
	return true
}

// close carries out what is ordered, then ends.
func (k *keeper) close() {
	k.mu.Lock()
	for k.busy || len(k.orders) > 0 {
		k.idle.Wait()
	}
	k.mu.Unlock()
	close(k.wake)
}

func (k *keeper) run() {
	for range k.wake {
		for k.work() {
		}
	}
}

// work carries out what is ordered, or lowers one macvlan; false: there is nothing left.
func (k *keeper) work() bool {
	k.mu.Lock()
	orders := k.orders
	k.orders, k.busy = k.spare, true
	clear(k.has)
	k.mu.Unlock()

	switch {
	case len(orders) > 0:
		k.carryOut(orders)
	case len(k.lower) > 0:
		k.lowerOne()
	}
	clear(orders)
	k.spare = orders[:0]

	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.orders) > 0 || len(k.lower) > 0 {
		return true
	}
	k.busy = false
	k.idle.Broadcast()
	return false
}

func (k *keeper) lowerOne() {
	m := k.lower[0]
	k.lower = k.lower[1:]
	if err := k.vmacs.Lower(m); err != nil {
		k.log.Error("the interface of a virtual MAC stays up: "+err.Error(), logbook.As(logbook.VIPStays))
	}
}

// raise makes a macvlan receive, and returns its index.
func (k *keeper) raise(m vrrpnet.MACVLAN) (int, error) {
	k.lower = slices.DeleteFunc(k.lower, func(l vrrpnet.MACVLAN) bool { return l.Name == m.Name })
	return k.vmacs.Raise(m)
}

// carryOut removes first: an address may go from one router to another.
func (k *keeper) carryOut(orders []order) {
	k.remove(orders)
	var puts []order
	refreshes := k.refreshes[:0]
	for _, o := range orders {
		switch {
		case o.leaves():
		case o.do == drain:
			k.gates.silence(o.openings) // again: a put may have been under way
		case o.do == prepare:
			if _, err := k.vmacs.Prepare(*o.macvlan); err != nil {
				k.tell(supervisor.OwnFailed{Router: o.router, Problem: err.Error(), Early: true})
			}
		case now().After(o.expiry):
			k.tell(supervisor.OwnFailed{Router: o.router, Problem: "the kernel was too busy to take the addresses in time"})
		case o.do == refresh:
			refreshes = append(refreshes, o)
		default:
			puts = append(puts, o)
		}
	}
	k.put(puts)
	k.refresh(refreshes)
	clear(refreshes)
	k.refreshes = refreshes[:0]
}

// remove takes addresses away that are shut by then, and guarded until they are gone.
func (k *keeper) remove(orders []order) {
	k.gates.settle()
	var removed []vrrpnet.Held
	for i := range orders {
		if o := &orders[i]; o.leaves() && k.locate(o) {
			removed = append(removed, o.held...)
		}
	}
	var err error
	if len(removed) > 0 {
		err = k.kernel.Remove(removed)
	}
	if err == nil {
		k.gates.letGo(orders)
	}
	for _, o := range orders {
		switch {
		case o.macvlan == nil:
		case o.do == remove:
			k.lower = append(k.lower, *o.macvlan)
		case o.do == dismiss:
			err = errors.Join(err, k.vmacs.Delete(*o.macvlan))
		}
	}
	if err != nil {
		k.log.Error("the addresses stay until their lifetime ends: "+err.Error(), logbook.As(logbook.VIPStays))
	}
}

// locate finds the macvlan that has the addresses; false: it is not there.
func (k *keeper) locate(o *order) bool {
	if o.macvlan == nil {
		return true
	}
	link, err := net.InterfaceByName(o.macvlan.Name)
	if err == nil {
		o.place(link.Index)
	}
	return err == nil
}

// together is how many routers' addresses are taken in one batch: a thousand must not wait
// for the last one before they are announced.
const together = 128

// put takes addresses, those of many routers in one batch. Where that fails, each is
// tried alone, so that one bad address keeps nobody else out. The gate is opened first, else
// there would be a moment in which nothing guards them.
func (k *keeper) put(orders []order) {
	for some := range slices.Chunk(orders, together) {
		k.putSome(some)
	}
}

func (k *keeper) putSome(orders []order) {
	var all []vrrpnet.Held
	var ready []order
	for _, o := range orders {
		if o.macvlan != nil {
			index, err := k.raise(*o.macvlan)
			if err != nil {
				k.tell(supervisor.OwnFailed{Router: o.router, Problem: err.Error()})
				continue
			}
			o.place(index)
		}
		all, ready = append(all, o.held...), append(ready, o)
	}
	if len(ready) > 1 && k.gates.let(ready...) == nil && k.kernel.Put(all) == nil {
		owned := make([]supervisor.Event, len(ready))
		for i, o := range ready {
			owned[i] = supervisor.RouterEvent{Router: o.router, Event: vrrp.Owned{}}
		}
		k.tell(owned...)
		return
	}
	for _, o := range ready {
		err := k.gates.let(o)
		if err == nil {
			err = k.kernel.Put(o.held)
		}
		if err != nil {
			k.tell(supervisor.OwnFailed{Router: o.router, Problem: err.Error()})
			continue
		}
		k.tell(supervisor.RouterEvent{Router: o.router, Event: vrrp.Owned{}})
	}
}

// refresh renews lifetimes, those of all routers in one message.
func (k *keeper) refresh(orders []order) {
	all := k.renewed[:0]
	for i := range orders {
		if k.locate(&orders[i]) { // else the Node is told that it is gone
			all = append(all, orders[i].held...)
		}
	}
	k.renewed = all[:0]
	if len(all) == 0 {
		return
	}
	if err := k.kernel.Refresh(all); err != nil {
		for _, o := range orders {
			k.tell(supervisor.OwnFailed{Router: o.router, Problem: err.Error()})
		}
	}
}
