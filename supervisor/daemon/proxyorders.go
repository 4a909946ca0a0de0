package daemon

import (
	"context"
	"errors"
	"fmt"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
)

// runTest runs the proxy's test. One for the ladder ends one for the configuration guard,
// which is not answered then.
func (h *hands) runTest(a supervisor.RunTest) {
	if h.stopTest != nil {
		h.stopTest()
	}
	cfg, ctx := h.cfg.Proxy, h.proxyCtx
	if a.For == supervisor.ForConfig {
		ctx, h.stopTest = context.WithCancel(ctx)
	}
	h.orders.Go(func() {
		err := proxynet.RunTest(ctx, cfg.Test, cfg.TestTimeout)
		h.answer(ctx, supervisor.TestDone{For: a.For, Problem: problem(err)})
	})
}

// toProxy gives the proxy an order within its time limit; what it comes to is answered.
func (h *hands) toProxy(order func(context.Context, proxy) supervisor.Event) {
	p, ctx, timeout := h.proxy, h.proxyCtx, h.cfg.Proxy.RestartTimeout
	h.orders.Go(func() {
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		h.answer(ctx, order(limited, p))
	})
}

func (h *hands) restart(a supervisor.Restart) {
	h.toProxy(func(ctx context.Context, p proxy) supervisor.Event {
		err := restart(ctx, p, a)
		return supervisor.RestartDone{
			Problem: problem(err), Limited: errors.Is(err, proxynet.ErrStartLimit), Unseen: errors.Is(err, proxynet.ErrUnseen),
		}
	})
}

func (h *hands) halt() {
	h.toProxy(func(ctx context.Context, p proxy) supervisor.Event {
		return supervisor.HaltDone{Problem: problem(p.Stop(ctx))}
	})
}

func (h *hands) reload(a supervisor.Reload) {
	h.toProxy(func(ctx context.Context, p proxy) supervisor.Event {
		return supervisor.ReloadDone{For: a.For, Problem: problem(p.Reload(ctx))}
	})
}

// problem is what went wrong; empty: nothing.
func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
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
