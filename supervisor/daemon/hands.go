package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"github.com/pairkeeper/pairkeeper/probes/probesnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// proxy is what can be done to the guarded proxy: a unit or a child process.
type proxy interface {
	Watch(ctx context.Context, tell func(supervisor.UnitState))
	Restart(ctx context.Context) (detail string, err error)
	Kill(ctx context.Context) error
	ResetFailed(ctx context.Context) error
}

// hands do what takes time, each on a goroutine of its own, and answer by mail. The
// loop's thread calls them; they never make it wait.
type hands struct {
	ctx    context.Context
	mail   *mailbox
	keeper *keeper
	log    *slog.Logger
	linked func(vrrpnet.Interface)

	cfg       supervisor.Config
	proxy     proxy
	stopProxy func()
	proxyLeft chan struct{} // closed when the proxy is no longer watched; a child has ended
	stopWatch func()
	looks     *probesnet.Runner
}

// configure begins and ends what the configuration asks for.
func (h *hands) configure(cfg supervisor.Config) {
	old := h.cfg
	h.cfg = cfg
	if h.stopProxy == nil || !sameProxy(old.Proxy, cfg.Proxy) {
		h.watchProxy()
	}
	if h.looks == nil || !reflect.DeepEqual(old.Probes, cfg.Probes) {
		h.watchProbes()
	}
	if h.stopWatch == nil || !slices.Equal(interfaces(old), interfaces(cfg)) {
		h.watchLinks()
	}
}

// close ends everything that was begun; the proxy as a child process ends with it.
func (h *hands) close() {
	h.looks.Close()
	h.stopWatch()
	h.stopProxy()
	<-h.proxyLeft
}

func sameProxy(a, b supervisor.Proxy) bool {
	return a.Unit == b.Unit && slices.Equal(a.Command, b.Command)
}

func interfaces(cfg supervisor.Config) []string {
	var names []string
	for _, r := range cfg.Routers {
		names = append(names, r.Interface)
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
	h.proxy = newProxy(h.cfg.Proxy, h.log)
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
			if ctx.Err() == nil {
				h.mail.tell(supervisor.UnitChanged{State: u})
			}
		})
	}(h.proxy)
	h.stopProxy, h.proxyLeft = cancel, done
}

func newProxy(p supervisor.Proxy, log *slog.Logger) proxy {
	switch {
	case p.Unit != "":
		return proxynet.NewUnit(p.Unit, log)
	case len(p.Command) > 0:
		return proxynet.NewChild(p.Command, log)
	}
	return nil
}

func (h *hands) watchProbes() {
	if h.looks != nil {
		go h.looks.Close() // a look under way may take its time
	}
	cfgs := h.cfg.Probes
	h.looks = probesnet.Run(h.ctx, cfgs, func(i int, r probesnet.Result) {
		h.mail.tell(supervisor.Looked{Probe: cfgs[i].Name, OK: r.OK, Answered: r.Answered, Detail: r.Detail})
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
		})
		if err != nil && ctx.Err() == nil {
			h.log.Error("the kernel does not tell of its interfaces: " + err.Error())
		}
	}()
}

func (h *hands) lookNow() { h.looks.Now() }

func (h *hands) runTest() {
	cfg := h.cfg.Proxy
	go func() {
		ev := supervisor.TestDone{}
		if err := proxynet.RunTest(h.ctx, cfg.Test, cfg.TestTimeout); err != nil {
			ev.Problem = err.Error()
		}
		h.mail.tell(ev)
	}()
}

func (h *hands) restart(a supervisor.Restart) {
	p, timeout := h.proxy, h.cfg.Proxy.RestartTimeout
	go func() {
		ctx, cancel := context.WithTimeout(h.ctx, timeout)
		defer cancel()
		ev := supervisor.RestartDone{}
		if err := restart(ctx, p, a); err != nil {
			ev.Problem = err.Error()
		}
		h.mail.tell(ev)
	}()
}

func restart(ctx context.Context, p proxy, a supervisor.Restart) error {
	if a.Kill {
		if err := p.Kill(ctx); err != nil {
			return fmt.Errorf("kill: %w", err)
		}
	}
	if a.Reset {
		if err := p.ResetFailed(ctx); err != nil {
			return fmt.Errorf("reset-failed: %w", err)
		}
	}
	_, err := p.Restart(ctx)
	return err
}

// hold has the kernel add, renew or remove a router's addresses.
func (h *hands) hold(r supervisor.Router, ifindex int, do deed) {
	h.keeper.order(order{router: r.Name, held: heldOf(r, ifindex), do: do, expiry: now().Add(r.VRRP.Lifetime / 2)})
}
