package daemon

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
)

// Heed does what a signal asks of the parent of a proxy, but for those that end the
// daemon. It reads pairkeeper's own configuration before it returns; what the proxy does
// follows, and the log has both.
func (d *Daemon) Heed(sig unix.Signal) {
	var command []string
	if !d.mail.ask(func() { command = d.loop.cfg.Proxy.Command }) {
		return
	}
	switch proxynet.MeaningOf(command, sig) {
	case proxynet.Reload:
		_, _ = d.Reload() // it logs its outcome
		d.mail.ask(func() { d.hands.relayReload(sig) })
	case proxynet.Pass:
		d.mail.ask(func() { d.hands.relay(sig) })
	}
}

// relay passes an operator's signal on to the child.
func (h *hands) relay(sig unix.Signal) {
	c, ok := h.proxy.(*proxynet.Child)
	if !ok {
		return
	}
	name, ctx, timeout := h.cfg.Proxy.Name(), h.proxyCtx, h.cfg.Proxy.RestartTimeout
	h.orders.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if err := c.Signal(ctx, sig); err != nil {
			h.log.Error(name+": "+unix.SignalName(sig)+" is not passed on: "+err.Error(), logbook.As(logbook.SignalFailed))
			return
		}
		h.log.Info(name+": "+unix.SignalName(sig)+" is passed on", logbook.As(logbook.SignalPassed))
	})
}

// relayReload has the child read its configuration again, as an operator wishes, if it
// passes its test.
func (h *hands) relayReload(sig unix.Signal) {
	c, ok := h.proxy.(*proxynet.Child)
	if !ok {
		return
	}
	p, ctx := h.cfg.Proxy, h.proxyCtx
	h.orders.Go(func() {
		var err error
		if len(p.Test) > 0 {
			err = proxynet.RunTest(ctx, p.Test, p.TestTimeout)
		}
		if err == nil {
			ctx, cancel := context.WithTimeout(ctx, p.RestartTimeout)
			defer cancel()
			err = c.Reload(ctx)
		}
		if err != nil {
			h.log.Error(p.Name()+": it goes on with the configuration it has: "+err.Error(), logbook.As(logbook.SignalFailed))
			return
		}
		h.log.Info(p.Name()+": reads its configuration again ("+unix.SignalName(sig)+")", logbook.As(logbook.SignalPassed))
	})
}

// drain ends a child when it has served what it has begun.
func (h *hands) drain() {
	c, ok := h.proxy.(*proxynet.Child)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(h.proxyCtx, h.drainTime())
	defer cancel()
	_ = c.Drain(ctx, h.cfg.Proxy.StopTimeout) // what is left is killed with the watch
}

// drainTime bounds drain: a restart may be under way before it.
func (h *hands) drainTime() time.Duration { return h.cfg.Proxy.StopTimeout + releaseTimeout }
