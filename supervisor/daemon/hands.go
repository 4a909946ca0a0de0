package daemon

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/probes/probesnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// proxy is what can be done to the guarded proxy: a unit or a child process.
type proxy interface {
	Watch(ctx context.Context, tell func(supervisor.UnitState))
	Restart(ctx context.Context) (detail string, err error)
	Reload(ctx context.Context) error
	Stop(ctx context.Context) error
	Kill(ctx context.Context) error
	ResetFailed(ctx context.Context) error
}

// hands do what takes time, each on a goroutine of its own, and answer by mail. The
// loop's thread calls them; they never make it wait.
type hands struct {
	ctx     context.Context
	mail    *mailbox
	keeper  *keeper
	log     *slog.Logger
	own     []string // the files of pairkeeper's own configuration, none of the proxy's
	journal *journal
	step    func(supervisor.Event) // on the loop's thread, as is
	linked  func(vrrpnet.Interface)
	memory  string  // see proxynet.Unit
	held    []order // of the step under way
	// renewals are those of the gate, by router, of the step under way.
	renewals map[string]renewal

	cfg       supervisor.Config
	proxy     proxy
	proxyCtx  context.Context // ends with the proxy's configuration
	stopProxy func()
	proxyLeft chan struct{}  // closed when the proxy is no longer watched; a child has ended
	orders    sync.WaitGroup // tests and restarts under way
	stopWatch func()
	wires     *wires
	endWires  func()
	voters    *voters
	endVotes  func()
	voteCast  func(supervisor.VoteCast)
	looks     *probesnet.Runner
	stopLooks func()
	looked    lookCounts
	balancer  *balancer
	checks    *probesnet.Runner // of real servers; nil: there are none
	endChecks func()
	hooks     *notifynet.Hooks
	receivers *notifynet.Receivers
	stopTest  func() // ends a test for the configuration guard

	fenceCtx       context.Context // ends with the daemon
	endFence       func()
	stopFenceWatch func()
	fencing        sync.WaitGroup // shots and looks under way
	fenced         fencedFile
	modes          modeFile
	bridges        bridgeFile

	stopConfig func() // of watching the proxy's configuration
	watches    sync.WaitGroup
	configHash string // of the proxy's configuration without its certificates
}

// answer sends an event that is void once its part of the configuration has ended.
func (h *hands) answer(ctx context.Context, ev supervisor.Event) {
	h.mail.put(letter{ask: func() {
		if ctx.Err() == nil {
			h.step(ev)
		}
	}})
}

// configure begins and ends what the configuration asks for.
func (h *hands) configure(cfg supervisor.Config) {
	old := h.cfg
	h.cfg = cfg
	h.receivers.Configure(cfg.Receivers)
	if h.stopProxy == nil || !sameProxy(old.Proxy, cfg.Proxy) {
		h.watchProxy()
	}
	if h.stopConfig == nil || !sameConfig(old.Proxy, cfg.Proxy) {
		h.watchConfig()
	}
	if h.looks == nil || !reflect.DeepEqual(old.Probes, cfg.Probes) {
		h.watchProbes()
	}
	if !reflect.DeepEqual(old.Balance.Services, cfg.Balance.Services) {
		h.watchServers()
	}
	if h.wires == nil || !sameLinks(&old.Heartbeat, &cfg.Heartbeat) {
		h.linkHeartbeat()
	}
	if h.endFence == nil {
		h.fenceCtx, h.endFence = context.WithCancel(h.ctx)
	}
	if h.stopFenceWatch == nil || !sameFence(&old, &cfg) {
		h.watchFence()
	}
	if h.voters == nil || !sameVoters(&old, &cfg) {
		h.linkVoters()
	}
	if h.stopWatch == nil || !slices.Equal(interfaces(old), interfaces(cfg)) {
		h.watchLinks()
	}
}

// close ends everything that was begun; the proxy as a child process ends with it.
func (h *hands) close() {
	var told sync.WaitGroup // by now the addresses are gone
	told.Go(h.hooks.Close)
	told.Go(h.receivers.Close)
	defer told.Wait()
	h.stopLooks()
	h.looks.Close()
	h.closeChecks()
	h.balancer.close()
	h.stopWatch()
	h.wires.close()
	h.endFence()
	h.voters.close()
	h.drain()
	h.stopConfig()
	h.stopProxy()
	h.orders.Wait()
	h.watches.Wait()
	h.fencing.Wait()
	<-h.proxyLeft
}

func sameProxy(a, b supervisor.Proxy) bool {
	return a.Unit == b.Unit && slices.Equal(a.Command, b.Command)
}

func interfaces(cfg supervisor.Config) []string {
	var names []string
	for i := range cfg.Routers {
		names = append(names, cfg.Routers[i].Links()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// watchProxy begins with a proxy as soon as the one before, if any, has been left: a
// child process needs its time to end.
func (h *hands) watchProxy() {
	left := h.proxyLeft
	if h.stopProxy != nil {
		h.stopProxy()
	}
	h.proxy = newProxy(h.cfg.Proxy, h.memory, h.log)
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan struct{})
	go func(p proxy) {
		defer close(done)
		if left != nil {
			<-left
		}
		if p == nil {
			return
		}
		p.Watch(ctx, func(u supervisor.UnitState) {
			h.answer(ctx, supervisor.UnitChanged{State: u})
		})
	}(h.proxy)
	h.proxyCtx, h.stopProxy, h.proxyLeft = ctx, cancel, done
}

func newProxy(p supervisor.Proxy, memory string, log *slog.Logger) proxy {
	switch {
	case p.Unit != "":
		u := proxynet.NewUnit(p.Unit, log)
		u.Memory = memory
		return u
	case len(p.Command) > 0:
		return proxynet.NewChild(p.Command, log)
	}
	return nil
}

func (h *hands) watchProbes() {
	if h.stopLooks != nil {
		h.stopLooks() // without waiting for a look under way
	}
	ctx, cancel := context.WithCancel(h.ctx)
	h.stopLooks = cancel
	cfgs := h.cfg.Probes
	h.looks = probesnet.Run(ctx, cfgs, func(i int, r probesnet.Result) {
		h.looked.add(cfgs[i].Name, &r)
		h.answer(ctx, supervisor.Looked{Probe: cfgs[i].Name, OK: r.OK, Answered: r.Answered, Refused: r.Refused, Value: r.Value, Detail: r.Detail})
	})
}

func (h *hands) watchLinks() {
	if h.stopWatch != nil {
		h.stopWatch()
	}
	ctx, cancel := context.WithCancel(h.ctx)
	h.stopWatch = cancel
	names := interfaces(h.cfg)
	go func() {
		err := vrrpnet.Watch(ctx, names, func(i vrrpnet.Interface) {
			h.mail.put(letter{ask: func() { h.linked(i) }})
		}, h.keeper.kernel)
		if err != nil && ctx.Err() == nil {
			h.log.Error("the kernel does not tell of its interfaces: "+err.Error(), logbook.As(logbook.LinkUnknown))
		}
	}()
}

func (h *hands) lookNow(a supervisor.LookNow) {
	h.looks.Now(func(c probes.Config) bool { return a.Concerns(c.OnFail.Act) })
}

// hold has the kernel add, renew or remove a router's addresses, once commit is called.
func (h *hands) hold(r *served, base vrrpnet.Link, do deed) {
	h.held = append(h.held, order{router: r.Name, held: r.heldAt(base.Index), openings: r.gated, macvlan: macvlanOf(&r.Router, base), do: do, expiry: now().Add(r.VRRP.Lifetime / 2)})
}

// linger keeps a router's addresses, and their gate, for a time, once commit is called.
func (h *hands) linger(r *served, base vrrpnet.Link, long time.Duration) {
	held := slices.Clone(r.heldAt(base.Index))
	for i := range held {
		held[i].Lifetime = r.VRRP.BridgeLifetime(long)
	}
	until := now().Add(long)
	h.held = append(h.held, order{router: r.Name, held: held, openings: r.gated, macvlan: macvlanOf(&r.Router, base), do: refresh, expiry: until})
	if r.VRRP.Gate > 0 {
		h.renewals[r.Name] = renewal{r.gated, until}
	}
}

// renew keeps a router's gate open from now on, once commit is called.
func (h *hands) renew(r *served) {
	h.renewals[r.Name] = renewal{r.gated, now().Add(r.VRRP.Gate)}
}

// commit gives the keeper and the gatekeeper the orders of a step together: they wake up once
// for them.
func (h *hands) commit() {
	if len(h.held) > 0 {
		h.keeper.order(h.held...)
		clear(h.held)
		h.held = h.held[:0]
	}
	if len(h.renewals) > 0 {
		h.keeper.gates.renew(h.renewals)
		clear(h.renewals)
	}
}
