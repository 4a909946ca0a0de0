package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/certfiles"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/internal/watch"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
)

// watchConfig begins with the proxy's configuration of the moment.
func (h *hands) watchConfig() {
	if h.stopConfig != nil {
		h.stopConfig()
	}
	ctx, cancel := context.WithCancel(h.ctx)
	h.stopConfig, h.configHash = cancel, ""
	if len(h.cfg.Proxy.Watch) == 0 {
		return
	}
	first := true
	tell := func(c watch.Change) {
		ev := supervisor.ProxyConfigChanged{Hash: c.Hash, Paths: c.Paths, Written: moment(c.Written), First: first, Problem: c.Problem}
		first = first && c.Problem != ""
		h.mail.put(letter{ask: func() {
			if ctx.Err() == nil {
				h.configHash = c.Own
				h.step(ev)
			}
		}})
	}
	warn := func(text string) {
		h.log.Warn("the proxy's configuration: "+text, logbook.As(supervisor.ReasonConfUnwatched))
	}
	cfg := watch.Config{Paths: h.cfg.Proxy.Watch, Exclude: h.own, Named: certfiles.Named}
	h.watches.Go(func() { watch.Run(ctx, cfg, tell, warn) })
}

// moment is a time of files on the clock of supervisor.UnitState.Loaded.
func moment(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return proxynet.Uptime() - time.Since(at)
}

func sameConfig(a, b supervisor.Proxy) bool {
	return sameProxy(a, b) && slices.Equal(a.Watch, b.Watch)
}
