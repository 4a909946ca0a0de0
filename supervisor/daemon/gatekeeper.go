package daemon

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// gatekeeper renews the gate and shuts it, on a goroutine of its own: the keeper may wait
// for the kernel's routing, and the gate would run out meanwhile. The keeper opens it, and
// lets go of it.
type gatekeeper struct {
	tell func(...supervisor.Event)
	warn func(reason vrrp.Reason, text string) // in the journal
	log  *slog.Logger
	wake chan struct{}
	done chan struct{}
	kept []vrrpnet.Opening // what the daemon before has left open

	mu       sync.Mutex
	gate     *vrrpnet.Gate // nil: there is none
	why      string        // why not; empty: nobody wanted one
	closed   bool
	forget   *time.Timer // see LetGoOfTheDead
	renewals map[string]renewal
	shuts    []vrrpnet.Opening
	silences []vrrpnet.Opening // see vrrpnet.Gate.Silence
	shut     chan struct{}     // closed when those in shuts and silences are

	// Of the goroutine; memory that is used again.
	openings []vrrpnet.Opening
	mended   int
}

// renewal has the gate of a router stay open until a moment.
type renewal struct {
	openings []vrrpnet.Opening
	until    time.Time
}

func newGatekeeper(tell func(...supervisor.Event), warn func(vrrp.Reason, string), log *slog.Logger) *gatekeeper {
	return &gatekeeper{
		tell: tell, warn: warn, log: log, wake: make(chan struct{}, 1), done: make(chan struct{}), renewals: map[string]renewal{},
	}
}

// deadGone is when nothing of a dead daemon's addresses can be left: the longest lifetime,
// and how late the kernel is with it.
const deadGone = 5 * time.Second

// fit is a configuration as it can be served here. With the first router that wants a gate
// it is opened; where that fails, none has one, and it is said. One caller at a time.
func (g *gatekeeper) fit(cfg supervisor.Config) supervisor.Config {
	gated := func(r supervisor.Router) bool { return r.VRRP.Gate > 0 }
	if !slices.ContainsFunc(cfg.Routers, gated) {
		g.have(g.it(), "")
		return cfg
	}
	if g.it() != nil || g.open() {
		return cfg
	}
	cfg.Routers = slices.Clone(cfg.Routers)
	for i := range cfg.Routers {
		cfg.Routers[i].VRRP.Gate = 0
	}
	return cfg
}

// open opens the gate; meanwhile nobody waits for the kernel with it.
func (g *gatekeeper) open() bool {
	gate, err := vrrpnet.OpenGate(g.kept...)
	if err != nil {
		if before := g.have(nil, err.Error()); before != err.Error() {
			g.log.Warn("no gate, the addresses are guarded by their lifetime alone: "+err.Error(), logbook.As(logbook.GateUnsupported))
		}
		return false
	}
	g.have(gate, "")
	return true
}

// have sets the gate, or why there is none, and returns why there was none. One that comes
// when the daemon has ended goes at once.
func (g *gatekeeper) have(gate *vrrpnet.Gate, why string) (before string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gate == nil && gate != nil {
		if g.closed {
			_ = gate.Close()
			return g.why
		}
		g.forget = time.AfterFunc(deadGone, func() { _ = gate.LetGoOfTheDead() }) // else a Backup does not route to them
	}
	before, g.gate, g.why = g.why, gate, why
	return before
}

func (g *gatekeeper) it() *vrrpnet.Gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gate
}

// close ends the renewals; where the addresses are gone, it removes the gate. Else the
// kernel shuts it.
func (g *gatekeeper) close(gone bool) error {
	close(g.wake)
	<-g.done
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.gate == nil {
		return nil
	}
	g.forget.Stop()
	if !gone {
		return nil
	}
	return g.gate.Close()
}

// renew takes renewals by router, of which the last counts. It never blocks on the kernel.
func (g *gatekeeper) renew(list map[string]renewal) {
	g.mu.Lock()
	maps.Copy(g.renewals, list)
	g.mu.Unlock()
	g.poke()
}

// shutWithin is how long the loop waits for a gate to be shut, before it tells the others
// that the address is free. They give the kernel about as long.
const shutWithin = 5 * time.Millisecond

// shutOut has gates shut at once, and others silenced, and waits for that, but not for long.
func (g *gatekeeper) shutOut(openings, silences []vrrpnet.Opening) {
	g.mu.Lock()
	if g.gate == nil {
		g.mu.Unlock()
		return
	}
	for i := range openings {
		delete(g.renewals, openings[i].For)
	}
	for i := range silences {
		delete(g.renewals, silences[i].For)
	}
	g.shuts, g.silences = append(g.shuts, openings...), append(g.silences, silences...)
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
	shut := g.shut
	g.mu.Unlock()
	g.poke()
	select {
	case <-shut:
	case <-time.After(shutWithin):
	}
}

// settle waits until what was to be shut is, however long that takes.
func (g *gatekeeper) settle() {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

func (g *gatekeeper) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *gatekeeper) run() {
	defer close(g.done)
	for range g.wake {
		g.work()
	}
}

// work shuts first: nobody waits for a renewal.
func (g *gatekeeper) work() {
	g.mu.Lock()
	gate, shuts, silences := g.gate, g.shuts, g.silences
	g.shuts, g.silences = nil, nil
	g.openings = g.openings[:0]
	for _, router := range slices.Sorted(maps.Keys(g.renewals)) {
		r := g.renewals[router]
		left := r.until.Sub(now())
		if left <= 0 {
			continue // the next one will tell
		}
		for _, o := range r.openings {
			o.TTL = left
			g.openings = append(g.openings, o)
		}
	}
	clear(g.renewals)
	g.mu.Unlock()

	if len(shuts)+len(silences) > 0 {
		if len(shuts) > 0 {
			g.failed(gate.Shut(shuts))
		}
		if len(silences) > 0 {
			g.failed(gate.Silence(silences))
		}
		g.mu.Lock()
		if len(g.shuts)+len(g.silences) == 0 {
			close(g.shut)
			g.shut = nil
		}
		g.mu.Unlock()
	}
	if len(g.openings) > 0 && gate != nil {
		g.prolong(gate)
	}
}

// prolong renews what is still open; whose gate had run out is told.
func (g *gatekeeper) prolong(gate *vrrpnet.Gate) {
	late, err := gate.Renew(g.openings)
	g.failed(err)
	var routers []string
	for _, o := range late {
		routers = append(routers, o.For)
	}
	for _, router := range slices.Compact(routers) {
		g.tell(supervisor.RouterEvent{Router: router, Event: vrrp.Shut{}})
	}
	if n := gate.Mended(); n > g.mended {
		g.mended = n
		g.warn(logbook.GateMended, "somebody removed the tables pairkeeper of nftables; they were put back: "+
			"have whoever loads the ruleset flush its own tables, not the whole ruleset")
	}
}

func (g *gatekeeper) failed(err error) {
	if err != nil {
		g.warn(logbook.GateFailed, err.Error())
	}
}

// let opens the gate of routers that have one, and ends the guard where there is none any
// more. It is the keeper's, like letGo.
func (g *gatekeeper) let(orders ...order) error {
	gate := g.it()
	if gate == nil {
		return nil
	}
	g.settle()
	var in, free []vrrpnet.Opening
	for i := range orders {
		for _, o := range orders[i].openings {
			if o.TTL > 0 {
				in = append(in, o)
			} else {
				free = append(free, o)
			}
		}
	}
	var err error
	if len(in) > 0 {
		err = gate.Open(in)
	}
	if len(free) > 0 {
		err = errors.Join(err, gate.LetGo(free))
	}
	return err
}

// silence has gates say nothing any more. It is the keeper's.
func (g *gatekeeper) silence(openings []vrrpnet.Opening) {
	g.settle()
	if gate := g.it(); gate != nil {
		g.failed(gate.Silence(openings))
	}
}

// letGo ends the guard over addresses that are gone.
func (g *gatekeeper) letGo(orders []order) {
	gate := g.it()
	if gate == nil {
		return
	}
	var free []vrrpnet.Opening
	for i := range orders {
		if orders[i].leaves() {
			free = append(free, orders[i].openings...)
		}
	}
	g.failed(gate.LetGo(free))
}

// word says how the gate of a router is, for status.
func (g *gatekeeper) word(r *supervisor.Router) string {
	g.mu.Lock()
	gate, why := g.gate, g.why
	g.mu.Unlock()
	switch {
	case why != "":
		return "unsupported: " + why
	case gate == nil, r.VRRP.Gate == 0:
		return "off"
	}
	now := time.Now()
	for _, a := range r.Addresses {
		until, guarded := gate.Until(r.Name, a.Prefix.Addr())
		switch {
		case !guarded:
			return "idle"
		case !now.Before(until):
			return "shut"
		}
	}
	return "open"
}

// openingsOf is for letting in what comes for a router's addresses.
func openingsOf(r *supervisor.Router) []vrrpnet.Opening {
	openings := make([]vrrpnet.Opening, len(r.Addresses))
	for i, a := range r.Addresses {
		openings[i] = vrrpnet.Opening{For: r.Name, Addr: a.Prefix.Addr(), TTL: r.VRRP.Gate}
	}
	return openings
}
