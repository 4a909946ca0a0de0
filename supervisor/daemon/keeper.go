package daemon

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// keeper puts addresses into the kernel and takes them away, on a goroutine of its own
// because the kernel may take its time. Of several orders for one router only the last
// counts; those of several routers go into one batch.
type keeper struct {
	kernel *vrrpnet.Addresses
	tell   func(supervisor.Event)
	log    *slog.Logger
	wake   chan struct{}

	mu     sync.Mutex
	orders []order
	busy   bool
	idle   *sync.Cond
}

// order is what the kernel is to do for one router.
type order struct {
	router string
	held   []vrrpnet.Held
	do     deed
	expiry time.Time // a later put would claim what others may hold by now
}

type deed uint8

const (
	put     deed = iota // add, and say so
	refresh             // renew the lifetime
	remove
)

func newKeeper(kernel *vrrpnet.Addresses, tell func(supervisor.Event), log *slog.Logger) *keeper {
	k := &keeper{kernel: kernel, tell: tell, log: log, wake: make(chan struct{}, 1)}
	k.idle = sync.NewCond(&k.mu)
	go k.run()
	return k
}

// order takes an order; it never blocks on the kernel.
func (k *keeper) order(o order) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.orders {
		if k.orders[i].router != o.router || k.orders[i].do == remove && !within(k.orders[i].held, o.held) {
			continue // what it held under an earlier configuration goes all the same
		}
		if o.do == refresh && k.orders[i].do == put {
			o.do = put // still owes its answer
		}
		k.orders = append(k.orders[:i], k.orders[i+1:]...)
		break
	}
	k.orders = append(k.orders, o)
	select {
	case k.wake <- struct{}{}:
	default:
	}
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
		k.mu.Lock()
		orders := k.orders
		k.orders, k.busy = nil, true
		k.mu.Unlock()

		k.carryOut(orders)

		k.mu.Lock()
		k.busy = false
		k.idle.Broadcast()
		k.mu.Unlock()
	}
}

// within tells whether every one of some addresses is among others.
func within(some, others []vrrpnet.Held) bool {
	return !slices.ContainsFunc(some, func(a vrrpnet.Held) bool {
		return !slices.ContainsFunc(others, func(b vrrpnet.Held) bool { return a.Link == b.Link && a.Prefix == b.Prefix })
	})
}

// carryOut removes first: an address may go from one router to another.
func (k *keeper) carryOut(orders []order) {
	k.remove(orders)
	var renewed []vrrpnet.Held
	for _, o := range orders {
		switch {
		case o.do == remove:
		case now().After(o.expiry):
			k.tell(supervisor.OwnFailed{Router: o.router, Problem: "the kernel was too busy to take the addresses in time"})
		case o.do == refresh:
			renewed = append(renewed, o.held...)
		default:
			k.put(o)
		}
	}
	if err := k.kernel.Refresh(renewed); len(renewed) > 0 && err != nil {
		k.failed(orders, refresh, err)
	}
}

func (k *keeper) remove(orders []order) {
	var removed []vrrpnet.Held
	for _, o := range orders {
		if o.do == remove {
			removed = append(removed, o.held...)
		}
	}
	if err := k.kernel.Remove(removed); len(removed) > 0 && err != nil {
		k.log.Error("the addresses stay until their lifetime ends: "+err.Error(), fieldReason, "vip-stays")
	}
}

func (k *keeper) put(o order) {
	if err := k.kernel.Put(o.held); err != nil {
		k.tell(supervisor.OwnFailed{Router: o.router, Problem: err.Error()})
		return
	}
	k.tell(supervisor.RouterEvent{Router: o.router, Event: vrrp.Owned{}})
}

// failed tells the routers of a batch.
func (k *keeper) failed(orders []order, do deed, err error) {
	for _, o := range orders {
		if o.do == do {
			k.tell(supervisor.OwnFailed{Router: o.router, Problem: err.Error()})
		}
	}
}

// heldOf is what a router's addresses are in the kernel.
func heldOf(r supervisor.Router, ifindex int) []vrrpnet.Held {
	held := make([]vrrpnet.Held, len(r.Addresses))
	for i, a := range r.Addresses {
		held[i] = vrrpnet.Held{Link: ifindex, Prefix: a.Prefix, Label: a.Label, NoPrefixRoute: a.NoPrefixRoute, Lifetime: r.VRRP.Lifetime}
	}
	return held
}
